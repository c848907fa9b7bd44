import type { IncomingHttpHeaders } from "node:http";
import { Webhook as Signer, WebhookVerificationError } from "standardwebhooks";
import { WeftlineError } from "#weftline";
import type { InboundWebhook } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { goodSecrets } from "../service/secrets.ts";

/** The headers of a signed message. */
export interface SignedHeaders {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/** How far a message's time may be from now, as Standard Webhooks has it. */
const toleranceSeconds = 300;
/** The most signatures of one message that are tried. */
const mostSignatures = 10;

/**
 * The headers of a message that may be signed. What is wrong with them is not said.
 *
 * @throws UNAUTHENTICATED
 */
export function checkHeaders(headers: IncomingHttpHeaders, now: number): SignedHeaders {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = headers;
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signature !== "string") throw unproved();
  const isRecent = /^\d{1,12}$/.test(timestamp) && Math.abs(Math.floor(now / 1_000) - Number(timestamp)) <= toleranceSeconds;
  if (!/^[\x21-\x7e]{1,200}$/.test(id) || !isRecent || signature.split(" ").length > mostSignatures) throw unproved();
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
}

/**
 * Checks a message against the secrets of a webhook that are good now.
 *
 * @throws UNAUTHENTICATED, UNAVAILABLE where its secrets do not open: why is for the operator alone.
 */
export async function verify(host: WebhooksHost, webhook: InboundWebhook, headers: SignedHeaders, body: Buffer): Promise<void> {
  const secrets = await secretsOf(host, webhook);
  if (!secrets.some((secret) => isSigned(secret, headers, body))) throw unproved();
}

async function secretsOf({ sealed, log }: WebhooksHost, webhook: InboundWebhook): Promise<readonly string[]> {
  try {
    return await goodSecrets(sealed, webhook, Date.now());
  } catch (error) {
    log.error({ err: error, webhookId: webhook.id }, "the secret of an inbound webhook does not open");
    const reason = "the server cannot check signatures now.";
    throw new WeftlineError("UNAVAILABLE", { what: "This webhook", reason, fix: "Send the same call again later." }, { cause: error });
  }
}

function isSigned(secret: string, headers: SignedHeaders, body: Buffer): boolean {
  try {
    new Signer(secret).verify(body, { ...headers }, { jsonParse: false });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

function unproved(): WeftlineError {
  const message = "The call is not signed as this webhook expects.";
  return new WeftlineError("UNAUTHENTICATED", {
    message,
    fix: "Sign it by Standard Webhooks with the webhook's secret, within five minutes.",
  });
}

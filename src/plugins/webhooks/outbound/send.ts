import { Webhook as Signer } from "standardwebhooks";
import { WeftlineError } from "#weftline";
import type { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { goodSecrets } from "../service/secrets.ts";

/** What became of one attempt. */
export interface Attempt {
  /** `UNSIGNED`: it was not sent, since its secrets do not open. */
  readonly outcome: "DELIVERED" | "FAILED" | "GONE" | "UNSIGNED";
  readonly responseStatus: number | null;
  readonly error: string | null;
  /** How long the address asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The longest that an address may put off a delivery. */
const longestRetryAfterMs = 24 * 3_600_000;

/** Sends a delivery once, signed with every secret that is good now. Any 2xx means that it arrived; 410 that nobody wants it any more. */
export async function attempt(host: WebhooksHost, webhook: Webhook, { id, body }: WebhookDelivery, signal: AbortSignal): Promise<Attempt> {
  const now = new Date();
  const secrets = await secretsOf(host, webhook, now.getTime());
  if (!secrets)
    return { outcome: "UNSIGNED", responseStatus: null, error: "The server cannot sign it now. Ask its operator, who sees why." };
  try {
    const { status, headers } = await host.outgoing.request({
      url: webhook.url,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "Weftline-Webhooks",
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
        "webhook-signature": secrets.map((secret) => new Signer(secret).sign(id, now, body)).join(" "),
      },
      body,
      timeoutMs: host.config.answerMs,
      idleMs: host.config.answerMs,
      read: "head",
      signal,
    });
    if (status >= 200 && status < 300) return { outcome: "DELIVERED", responseStatus: status, error: null };
    const failed = { responseStatus: status, error: `The address answered ${status}.` };
    if (status === 410) return { ...failed, outcome: "GONE" };
    return { ...failed, outcome: "FAILED", ...(status === 429 || status === 503 ? { retryAfterMs: retryAfterOf(headers) } : {}) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof WeftlineError)) host.log.error({ err: error, deliveryId: id }, "a webhook could not be sent");
    else if (error.cause) host.log.info({ err: error, deliveryId: id }, "a webhook could not be sent");
    return { outcome: "FAILED", responseStatus: null, error: error instanceof WeftlineError ? error.message : "It could not be sent." };
  }
}

async function secretsOf({ sealed, log }: WebhooksHost, webhook: Webhook, now: number): Promise<readonly string[] | undefined> {
  try {
    return await goodSecrets(sealed, webhook, now);
  } catch (error) {
    log.error({ err: error, webhookId: webhook.id }, "the secret of a webhook does not open; its deliveries wait");
    return undefined;
  }
}

/** Seconds, or a date. */
function retryAfterOf({ "retry-after": text = "" }: Readonly<Record<string, string>>): number {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Math.min(Math.max(0, Math.round(ms) || 0), longestRetryAfterMs);
}

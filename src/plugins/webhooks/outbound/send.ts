import { Webhook as Signer } from "standardwebhooks";
import { WeftlineError, retryAfterMs, untilAborted } from "#weftline";
import type { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { goodSecrets } from "../service/secrets.ts";

/** What became of one attempt. */
export interface Attempt {
  /** Not sent: `UNSIGNED` if its secrets do not open, `ACCESS_LOST` if its owner lost access. */
  readonly outcome: "DELIVERED" | "FAILED" | "GONE" | "UNSIGNED" | "ACCESS_LOST";
  readonly responseStatus: number | null;
  readonly error: string | null;
  /** How long the address asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** How long looking up an owner may take, in milliseconds. */
const lookupMs = 5_000;
/** The longest that an address may put off a delivery, in milliseconds. */
const longestRetryAfterMs = 24 * 3_600_000;

/** Sends a delivery once, signed with every secret that is good now. Any 2xx means that it arrived; 410 that nobody wants it any more. */
export async function attempt(host: WebhooksHost, webhook: Webhook, { id, body }: WebhookDelivery, signal: AbortSignal): Promise<Attempt> {
  const accessLost = await lostAccess(host, webhook, signal);
  if (accessLost !== undefined) return { outcome: "ACCESS_LOST", responseStatus: null, error: accessLost };
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
    if (status !== 429 && status !== 503) return { ...failed, outcome: "FAILED" };
    return { ...failed, outcome: "FAILED", retryAfterMs: Math.min(retryAfterMs(headers["retry-after"]) ?? 0, longestRetryAfterMs) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof WeftlineError)) host.log.error({ err: error, deliveryId: id }, "a webhook could not be sent");
    else if (error.cause) host.log.info({ err: error, deliveryId: id }, "a webhook could not be sent");
    return { outcome: "FAILED", responseStatus: null, error: error instanceof WeftlineError ? error.message : "It could not be sent." };
  }
}

/** @returns why the owner may not be notified any more. An owner who cannot be looked up now is still notified: the message holds ids alone. */
async function lostAccess({ acting, config }: WebhooksHost, webhook: Webhook, signal: AbortSignal): Promise<string | undefined> {
  const late = AbortSignal.timeout(Math.min(lookupMs, config.answerMs));
  try {
    await untilAborted(acting.of({ tenantId: webhook.tenantId, actorId: webhook.ownerId }), AbortSignal.any([signal, late]));
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof WeftlineError && error.code === "ACCESS_LOST" ? error.message : undefined;
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

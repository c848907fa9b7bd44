import { Webhook as Signer } from "standardwebhooks";
import { WeftlineError } from "#weftline";
import type { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { goodSecrets } from "../service/secrets.ts";

/** What became of one attempt. */
export interface Attempt {
  readonly outcome: "DELIVERED" | "FAILED" | "GONE";
  readonly responseStatus: number | null;
  readonly error: string | null;
}

/** Sends a delivery once, signed with every secret that is good now. Any 2xx means that it arrived; 410 that nobody wants it any more. */
export async function attempt(host: WebhooksHost, webhook: Webhook, { id, body }: WebhookDelivery, signal: AbortSignal): Promise<Attempt> {
  try {
    const now = new Date();
    const secrets = await goodSecrets(host.sealed, webhook, now.getTime());
    const { status } = await host.outgoing.request({
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
    return { outcome: status === 410 ? "GONE" : "FAILED", responseStatus: status, error: `The address answered ${status}.` };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof WeftlineError)) host.log.error({ err: error, deliveryId: id }, "a webhook could not be sent");
    else if (error.cause) host.log.info({ err: error, deliveryId: id }, "a webhook could not be sent");
    return { outcome: "FAILED", responseStatus: null, error: error instanceof WeftlineError ? error.message : "It could not be sent." };
  }
}

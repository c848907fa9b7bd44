import { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { publish } from "../service/rows.ts";
import { giveUpPending } from "./edit.ts";
import type { Attempt } from "./send.ts";

const system = { reader: "SYSTEM", reach: "MINE" } as const;
/** How long after an attempt should have ended it is taken for lost, in milliseconds. */
const lostMs = 15_000;

/** A delivery that is to be sent now, and where to. */
export interface Claimed {
  readonly webhook: Webhook;
  readonly delivery: WebhookDelivery;
}

/**
 * Takes the next delivery of a webhook that is due. Its next attempt is put off before it is sent: a process that is lost meanwhile leaves it to be sent again.
 *
 * @returns nothing where none is due, or where the webhook is not enabled or was just disabled, since too many wait.
 */
export async function claimNext(host: WebhooksHost, webhookId: string): Promise<Claimed | undefined> {
  const { database, config } = host;
  const { rows } = database;
  return database.commit(async (tx) => {
    const [webhook] = await rows.byIds(Webhook, system, [webhookId]);
    if (!webhook?.enabled) return undefined;
    const waiting = await rows.count(WebhookDelivery, system, {
      where: "e.webhook_id = ? and e.next_attempt_at is not null",
      params: [webhookId],
      limit: config.pending + 1,
    });
    if (waiting > config.pending) return disable(host, tx, webhook, `More than ${config.pending} deliveries wait for it.`);
    const [delivery] = await rows.all(WebhookDelivery, system, {
      where: `e.webhook_id = ? and e.next_attempt_at <= ${tx.sql.now}`,
      params: [webhookId],
      orderBy: "e.next_attempt_at",
      limit: 1,
    });
    if (!delivery) return undefined;
    await tx.sql.run(
      `update webhooks_delivery set attempts = attempts + 1, tries = tries + 1, next_attempt_at = ${tx.sql.now} + ? where id = ?`,
      config.answerMs + lostMs,
      delivery.id,
    );
    return { webhook, delivery: Object.assign(new WebhookDelivery(), delivery, { tries: delivery.tries + 1 }) };
  }, "webhooks.claim");
}

/** Writes down what became of an attempt, and when the next one is. */
export async function record(
  host: WebhooksHost,
  { webhook, delivery }: Claimed,
  { outcome, responseStatus, error }: Attempt,
): Promise<void> {
  const { config, database } = host;
  const waitMs = outcome === "FAILED" ? config.retryMs[delivery.tries - 1] : undefined;
  const status = outcome === "DELIVERED" ? outcome : waitMs === undefined ? "FAILED" : "PENDING";
  await database.commit(async (tx) => {
    const { sql } = tx;
    const written = await sql.run(
      `update webhooks_delivery set status = ?, response_status = ?, error = ?, delivered_at = ${status === "DELIVERED" ? sql.now : "delivered_at"},
       next_attempt_at = ${waitMs === undefined ? "null" : `${sql.now} + ${jittered(waitMs)}`} where id = ? and status = 'PENDING'`,
      status,
      responseStatus,
      error,
      delivery.id,
    );
    if (written === 0) return;
    publish(host, tx, "UPDATED", { ...delivery, typeName: "WebhookDelivery" });
    if (status === "DELIVERED" && webhook.failures > 0) await sql.run("update webhooks_webhook set failures = 0 where id = ?", webhook.id);
    if (outcome === "GONE") await disable(host, tx, webhook, "The endpoint answered 410 (Gone).");
    else if (status === "FAILED") {
      await sql.run("update webhooks_webhook set failures = failures + 1 where id = ?", webhook.id);
      if (webhook.failures + 1 >= config.failures)
        await disable(host, tx, webhook, `${config.failures} deliveries in a row failed; the last one: ${error}`);
    }
  }, "webhooks.record");
}

/** A fifth more or less, so that what failed together is not tried again together. */
function jittered(ms: number): number {
  return Math.round(ms * (0.8 + 0.4 * Math.random()));
}

async function disable(
  host: WebhooksHost,
  tx: Parameters<Parameters<WebhooksHost["database"]["commit"]>[0]>[0],
  webhook: Webhook,
  reason: string,
): Promise<undefined> {
  await tx.sql.run("update webhooks_webhook set enabled = 0, reason = ? where id = ?", reason, webhook.id);
  await giveUpPending(tx, webhook.id, "The webhook was disabled.");
  publish(host, tx, "UPDATED", { ...webhook, typeName: "Webhook" });
  tx.afterCommit(() => host.log.warn({ webhookId: webhook.id, reason }, "a webhook was disabled"));
}

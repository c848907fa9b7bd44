import type { Tx } from "#weftline";
import { Webhook, WebhookDelivery } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { publish } from "../service/rows.ts";
import { giveUpPending } from "./edit.ts";
import type { Attempt } from "./send.ts";

const system = { reader: "SYSTEM", reach: "MINE" } as const;
/** How long after an attempt should have ended it is taken for lost, in milliseconds. */
const lostMs = 15_000;
/** How long what the server cannot sign waits, in milliseconds. */
const unsignedMs = 60_000;

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
      orderBy: "e.next_attempt_at, e.id",
      limit: 1,
    });
    if (!delivery) return undefined;
    await tx.sql.run(
      `update webhooks_delivery set attempts = attempts + 1, tries = tries + 1, next_attempt_at = ${tx.sql.now} + ? where id = ?`,
      config.answerMs + lostMs,
      delivery.id,
    );
    return { webhook, delivery: counted(delivery) };
  }, "webhooks.claim");
}

/**
 * Writes down what became of an attempt, and when the next one is. Of a delivery that was asked for again meanwhile, or that went to an address that was
 * replaced, only its arrival counts: it is sent again at once.
 */
export async function record(host: WebhooksHost, { webhook, delivery }: Claimed, attempt: Attempt): Promise<void> {
  await host.database.commit(async (tx) => {
    const now = await lock(host, tx, webhook.id);
    if (!now) return;
    if (attempt.outcome === "UNSIGNED") return putOff(tx, delivery, attempt);
    if (attempt.outcome === "ACCESS_LOST") return disable(host, tx, webhook, attempt.error ?? "Its owner lost access.");
    const sameAddress = now.url === webhook.url;
    const result = resultOf(host, delivery, attempt, sameAddress);
    if (!(await write(tx, delivery, attempt, result))) return;
    publish(host, tx, "UPDATED", { ...delivery, typeName: "WebhookDelivery" });
    if (sameAddress && result.status !== "PENDING") await count(host, tx, { webhook, failures: now.failures, attempt });
  }, "webhooks.record");
}

/** Holds a webhook until the transaction ends; nothing where it was removed. */
async function lock({ database }: WebhooksHost, { sql }: Pick<Tx, "sql">, id: string): Promise<Webhook | undefined> {
  await sql.run("update webhooks_webhook set failures = failures where id = ?", id);
  return (await database.rows.byIds(Webhook, system, [id]))[0];
}

interface Counted {
  readonly webhook: Webhook;
  readonly failures: number;
  readonly attempt: Attempt;
}

/** Counts a delivery that ended, and disables a webhook whose address fails. */
async function count(
  host: WebhooksHost,
  tx: Pick<Tx, "sql" | "afterCommit">,
  { webhook, failures, attempt: { outcome, error } }: Counted,
): Promise<void> {
  const most = host.config.failures;
  if (outcome === "GONE") return disable(host, tx, webhook, "The endpoint answered 410 (Gone).");
  const inRow = outcome === "DELIVERED" ? 0 : failures + 1;
  if (inRow !== failures) await tx.sql.run("update webhooks_webhook set failures = ? where id = ?", inRow, webhook.id);
  if (inRow >= most) await disable(host, tx, webhook, `${most} deliveries in a row failed; the last one: ${error}`);
}

interface Result {
  readonly status: "DELIVERED" | "FAILED" | "PENDING";
  readonly tries: number;
  readonly waitMs?: number;
}

function resultOf(
  { config }: WebhooksHost,
  { tries }: WebhookDelivery,
  { outcome, retryAfterMs = 0 }: Attempt,
  sameAddress: boolean,
): Result {
  if (outcome === "DELIVERED") return { status: "DELIVERED", tries };
  if (!sameAddress) return { status: "PENDING", tries: 0, waitMs: 0 };
  const waitMs = outcome === "FAILED" ? config.retryMs[tries - 1] : undefined;
  return waitMs === undefined
    ? { status: "FAILED", tries }
    : { status: "PENDING", tries, waitMs: Math.max(jittered(waitMs), retryAfterMs) };
}

/** A key that is missing is no fault of the address: all that is due waits, and this was no attempt. */
async function putOff({ sql }: Pick<Tx, "sql">, { id, webhookId, attempts, tries }: WebhookDelivery, { error }: Attempt): Promise<void> {
  await sql.run(
    "update webhooks_delivery set attempts = attempts - 1, tries = tries - 1, error = ? where id = ? and attempts = ? and tries = ?",
    error,
    id,
    attempts,
    tries,
  );
  const until = `${sql.now} + ${unsignedMs}`;
  await sql.run(`update webhooks_delivery set next_attempt_at = ${until} where webhook_id = ? and next_attempt_at < ${until}`, webhookId);
}

/** What was given up meanwhile stays so, unless it arrived. @returns whether it still is the attempt that counts. */
async function write({ sql }: Pick<Tx, "sql">, delivery: WebhookDelivery, attempt: Attempt, result: Result): Promise<boolean> {
  const { status, tries, waitMs } = result;
  const written = await sql.run(
    `update webhooks_delivery set status = ?, tries = ?, response_status = ?, error = ?,
     delivered_at = ${status === "DELIVERED" ? sql.now : "delivered_at"}, next_attempt_at = ${waitMs === undefined ? "null" : `${sql.now} + ${waitMs}`}
     where id = ? and attempts = ? and tries = ?${status === "DELIVERED" ? "" : " and status = 'PENDING'"}`,
    status,
    tries,
    attempt.responseStatus,
    attempt.error,
    delivery.id,
    delivery.attempts,
    delivery.tries,
  );
  return written > 0;
}

/** As it was claimed: by these counts an attempt is told from a later one. */
function counted(delivery: WebhookDelivery): WebhookDelivery {
  return Object.assign(new WebhookDelivery(), delivery, { attempts: delivery.attempts + 1, tries: delivery.tries + 1 });
}

/** A fifth more or less, so that what failed together is not tried again together. */
function jittered(ms: number): number {
  return Math.round(ms * (0.8 + 0.4 * Math.random()));
}

async function disable(host: WebhooksHost, tx: Pick<Tx, "sql" | "afterCommit">, webhook: Webhook, reason: string): Promise<undefined> {
  await tx.sql.run("update webhooks_webhook set enabled = 0, reason = ? where id = ?", reason, webhook.id);
  await giveUpPending(tx, webhook.id, "The webhook was disabled.");
  publish(host, tx, "UPDATED", { ...webhook, typeName: "Webhook" });
  tx.afterCommit(() => host.log.warn({ webhookId: webhook.id, reason }, "a webhook was disabled"));
}

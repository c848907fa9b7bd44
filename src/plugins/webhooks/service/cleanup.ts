import { InboundWebhook, Webhook } from "../entities.ts";
import type { WebhooksHost } from "./host.ts";
import { placeOf, type HoldsSecrets } from "./secrets.ts";

const everyMs = 3_600_000;
const rowsAtOnce = 500;
const system = { reader: "SYSTEM", reach: "MINE" } as const;

/** Forgets old deliveries and secrets that are good no more, every hour. @returns what stops it. */
export function startCleanup(host: WebhooksHost): () => void {
  const work = (): void => {
    cleanUp(host).catch((error: unknown) => host.log.warn({ err: error }, "the cleanup of webhooks will try again"));
  };
  work();
  const timer = setInterval(work, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** One round. */
export async function cleanUp(host: WebhooksHost): Promise<void> {
  const { database, config } = host;
  let forgotten: number;
  do {
    forgotten = await database.upkeep(
      ({ sql }) =>
        sql.run(
          `delete from webhooks_delivery where id in
         (select id from webhooks_delivery where created_at < ${sql.now} - ? and next_attempt_at is null order by created_at limit ${rowsAtOnce})`,
          config.keptMs,
        ),
      "webhooks.forgetDeliveries",
    );
  } while (forgotten === rowsAtOnce);
  const query = { where: "e.previous_secret_id is not null and e.previous_until < ?", params: [Date.now()] };
  await forgetSecrets(host, "webhooks_inbound", await database.rows.all(InboundWebhook, system, query));
  await forgetSecrets(host, "webhooks_webhook", await database.rows.all(Webhook, system, query));
}

type Holder = HoldsSecrets & { readonly id: string };

async function forgetSecrets({ database, sealed }: WebhooksHost, table: string, rows: readonly Holder[]): Promise<void> {
  for (const { id, tenantId, previousSecretId } of rows) {
    if (previousSecretId == null) continue;
    await database.commit(async (tx) => {
      await sealed.remove(tx, placeOf(tenantId, previousSecretId));
      const set = "previous_secret_id = null, previous_until = null";
      await tx.sql.run(`update ${table} set ${set} where id = ? and previous_secret_id = ?`, id, previousSecretId);
    }, "webhooks.forgetSecret");
  }
}

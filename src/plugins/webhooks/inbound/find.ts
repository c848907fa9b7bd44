import { LockMode } from "@mikro-orm/core";
import { WeftlineError, type Tx } from "#weftline";
import { InboundWebhook } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";

/**
 * The webhook of a call. Whoever calls is nobody yet.
 *
 * @throws NOT_FOUND with the same words where it is unknown and where it is disabled.
 */
export async function findEnabled({ database }: Pick<WebhooksHost, "database">, id: string): Promise<InboundWebhook> {
  const [row] = await database.rows.byIds(InboundWebhook, { reader: "SYSTEM", reach: "MINE" }, [id]);
  return row?.enabled ? row : refuse();
}

/**
 * Holds the webhook until its owner's transaction ends.
 *
 * @returns whether it still runs the target that it was read with.
 * @throws NOT_FOUND as {@link findEnabled}.
 */
export async function lockEnabled(tx: Tx, { id, targetType, targetId }: InboundWebhook): Promise<boolean> {
  const row = await tx.em.findOne(InboundWebhook, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!row?.enabled) return refuse();
  return row.targetType === targetType && row.targetId === targetId;
}

export function unknownWebhook(): WeftlineError {
  return new WeftlineError("NOT_FOUND", { what: "webhook", fix: "Check the address, and that it is enabled." });
}

function refuse(): never {
  throw unknownWebhook();
}

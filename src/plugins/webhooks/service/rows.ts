import { LockMode, type EntityClass } from "@mikro-orm/core";
import { WeftlineError, loadRow, type Scope, type Tx } from "#weftline";
import { WebhookDelivery, type InboundWebhook, type Webhook } from "../entities.ts";
import type { WebhooksHost } from "./host.ts";

type Row = InboundWebhook | Webhook | WebhookDelivery;

/** The viewer's row that is about to be changed, held until the transaction ends. @throws NOT_FOUND */
export async function rowToChange<Entity extends Row>(
  tx: Tx,
  entity: EntityClass<Entity>,
  id: string,
  path: readonly string[],
): Promise<Entity> {
  const row = await tx.em.findOne(entity, { id } as never, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return (row as Entity | null) ?? missing(entity === (WebhookDelivery as unknown) ? "delivery" : "webhook", path);
}

/** The viewer's row as it was committed. */
export async function committed<Entity extends Row>(scope: Scope, entity: EntityClass<Entity>, id: string): Promise<Entity> {
  return (await loadRow(scope, entity, id)) ?? missing("webhook", []);
}

export function missing(what: string, path: readonly string[]): never {
  throw new WeftlineError("NOT_FOUND", { what, path });
}

/** @throws RATE_LIMITED where the viewer has as many webhooks of the sort as it may. */
export async function checkCount({ config }: WebhooksHost, tx: Tx, entity: EntityClass<InboundWebhook | Webhook>): Promise<void> {
  if ((await tx.em.count(entity)) < config.perOwner) return;
  const message = `One owner has ${config.perOwner} webhooks of each sort at most.`;
  throw new WeftlineError("RATE_LIMITED", { message, fix: "Remove one that is not needed any more." });
}

/** Lets lists know, once it is durable. */
export function publish(
  { changes }: Pick<WebhooksHost, "changes">,
  tx: Pick<Tx, "afterCommit">,
  kind: "CREATED" | "UPDATED" | "DELETED",
  row: Pick<Row, "id" | "tenantId" | "ownerId"> & { readonly typeName: "InboundWebhook" | "Webhook" | "WebhookDelivery" },
): void {
  const { typeName, id, tenantId, ownerId } = row;
  tx.afterCommit(() => changes.publish({ kind, typeName, id, tenantId, ownerId }));
}

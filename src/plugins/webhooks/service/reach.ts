import type { EntityClass } from "@mikro-orm/core";
import { hasRole, type Scope } from "#weftline";
import type { InboundWebhook, Webhook, WebhookDelivery } from "../entities.ts";

type Row = InboundWebhook | Webhook | WebhookDelivery;

/** How far a viewer sees that webhooks exist: admins see those of their tenant. */
export function reachOf({ viewer }: Scope): "MINE" | "TENANT" {
  return hasRole(viewer, "admin") ? "TENANT" : "MINE";
}

/** Whether the viewer may read what a webhook is called and where it leads. What an auditor reads of others is logged once a request. */
export function seesContent(scope: Scope, { id, tenantId, ownerId }: Row): boolean {
  const { viewer } = scope;
  if (ownerId === viewer.actorId && tenantId === viewer.tenantId) return true;
  if (!hasRole(viewer, "admin") || !hasRole(viewer, "audit")) return false;
  void scope.load(seesContent, id, async (webhookIds) => {
    scope.log.info({ audit: { tenantId: viewer.tenantId, actorId: viewer.actorId, webhookIds } }, "a webhook of another was read");
    return webhookIds.map(() => true);
  });
  return true;
}

/** Loads rows as far as the viewer may see that they exist. */
export function loadVisible<Entity extends Row>(entity: EntityClass<Entity>) {
  return async (ids: readonly string[], scope: Scope): Promise<readonly (Entity | undefined)[]> => {
    const rows = await scope.rowsById(entity, ids, reachOf(scope));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  };
}

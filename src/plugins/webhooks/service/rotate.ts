import { WeftlineError, localIdOrNothing, type Scope } from "#weftline";
import { InboundWebhook, Webhook } from "../entities.ts";
import type { WebhooksHost } from "./host.ts";
import { publish, rowToChange } from "./rows.ts";
import { placeOf, replaceSecret } from "./secrets.ts";

/**
 * Gives a webhook of either sort a new signing secret. The old one stays good for a while.
 *
 * @returns the new secret, for the one time that it is shown.
 * @throws INVALID_ID, NOT_FOUND
 */
export async function rotateSigningSecret(host: WebhooksHost, scope: Scope, webhook: string): Promise<string> {
  const { entity, id, typeName } = named(webhook);
  const secretId = await scope.write(async (tx) => {
    const row: InboundWebhook | Webhook = await rowToChange<InboundWebhook | Webhook>(tx, entity, id, ["webhook"]);
    await replaceSecret(host.sealed, tx, row, Date.now() + host.config.overlapMs);
    publish(host, tx, "UPDATED", { id, tenantId: row.tenantId, ownerId: row.ownerId, typeName });
    return row.secretId;
  }, "webhooks.rotate");
  return host.sealed.open(placeOf(scope.viewer.tenantId, secretId));
}

function named(webhook: string) {
  const outbound = localIdOrNothing("Webhook", webhook);
  if (outbound !== undefined) return { entity: Webhook, id: outbound, typeName: "Webhook" } as const;
  const inbound = localIdOrNothing("InboundWebhook", webhook);
  if (inbound !== undefined) return { entity: InboundWebhook, id: inbound, typeName: "InboundWebhook" } as const;
  const issue = { path: ["webhook"], message: "Expected the id of a Webhook or an InboundWebhook." };
  throw new WeftlineError("INVALID_ID", { ...issue, issues: [issue] });
}

import { v7 as newId } from "uuid";
import { globalId, idempotently, localId, runTargetNamed, type NamedTarget, type Scope } from "#weftline";
import { InboundWebhook } from "../entities.ts";
import { checkCleared, checkFields, tidyName } from "../service/checks.ts";
import type { WebhooksHost } from "../service/host.ts";
import type { CreateInbound, UpdateInbound } from "../service/inputs.ts";
import { madeWebhook } from "../service/made.ts";
import { checkCount, committed, publish, rowToChange } from "../service/rows.ts";
import { removeSecrets, sealSecret } from "../service/secrets.ts";

const typeName = "InboundWebhook";

/** A webhook and its signing secret, for the one time that it is shown. */
export interface MadeInbound {
  readonly webhook: InboundWebhook;
  readonly signingSecret: string;
}

/**
 * Makes an inbound webhook of the viewer. The same idempotency key gives the same secret again: whoever repeats a request has not seen the first answer.
 *
 * @throws INVALID_INPUT, NOT_FOUND, CONFLICT, RATE_LIMITED, and what the target refuses with.
 */
export async function createInbound(host: WebhooksHost, scope: Scope, input: CreateInbound): Promise<MadeInbound> {
  checkFields(host.outgoing, input);
  const named = runTargetNamed(scope, input.target);
  const { tenantId, actorId } = scope.viewer;
  const made = await idempotently(scope, { mutation: "createInboundWebhook", key: input.idempotencyKey, body: input }, async (tx) => {
    const target = await named.find();
    await checkCount(host, tx, InboundWebhook);
    const secretId = await sealSecret(host.sealed, tx, tenantId);
    const row = tx.em.create(InboundWebhook, {
      id: newId(),
      tenantId,
      ownerId: actorId,
      name: tidyName(input.name),
      targetType: named.targetType,
      targetField: named.field,
      targetId: target.id,
      secretId,
      enabled: input.enabled ?? true,
      createdAt: Date.now(),
    });
    publish(host, tx, "CREATED", { ...row, typeName });
    return { webhook: row.id, secret: secretId };
  });
  return madeWebhook(host, scope, InboundWebhook, made);
}

/** Changes an inbound webhook of the viewer. Enabling it looks for its target, and clears the reason. @throws as {@link createInbound}. */
export async function updateInbound(host: WebhooksHost, scope: Scope, input: UpdateInbound): Promise<InboundWebhook> {
  checkCleared(input, ["name", "target", "enabled"]);
  checkFields(host.outgoing, input);
  const id = localId(typeName, input.webhook, ["input", "webhook"]);
  const named = input.target == null ? undefined : runTargetNamed(scope, input.target);
  await scope.write(async (tx) => {
    const row = await rowToChange(tx, InboundWebhook, id, ["input", "webhook"]);
    if (named) Object.assign(row, { targetType: named.targetType, targetField: named.field, targetId: (await named.find()).id });
    if (input.name != null) row.name = tidyName(input.name);
    if (input.enabled === true && !named) await targetOf(scope, row).find();
    if (input.enabled != null) Object.assign(row, { enabled: input.enabled, reason: null });
    publish(host, tx, "UPDATED", { ...row, typeName });
  }, "webhooks.updateInbound");
  return committed(scope, InboundWebhook, id);
}

/** @throws INVALID_ID, NOT_FOUND */
export async function removeInbound(host: WebhooksHost, scope: Scope, webhook: string): Promise<string> {
  const id = localId(typeName, webhook, ["webhook"]);
  await scope.write(async (tx) => {
    const row = await rowToChange(tx, InboundWebhook, id, ["webhook"]);
    await removeSecrets(host.sealed, tx, row);
    tx.em.remove(row);
    publish(host, tx, "DELETED", { ...row, typeName });
  }, "webhooks.removeInbound");
  return id;
}

function targetOf(scope: Scope, { targetType, targetField, targetId }: InboundWebhook): NamedTarget {
  return runTargetNamed(scope, { [targetField]: { id: globalId(targetType, targetId) } });
}

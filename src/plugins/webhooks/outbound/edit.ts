import { v7 as newId } from "uuid";
import { WeftlineError, idempotently, localId, type Scope, type Tx } from "#weftline";
import { Webhook, WebhookDelivery } from "../entities.ts";
import { checkCleared, checkFields, tidyName } from "../service/checks.ts";
import type { WebhooksHost } from "../service/host.ts";
import type { CreateWebhook, UpdateWebhook } from "../service/inputs.ts";
import { madeWebhook } from "../service/made.ts";
import { checkCount, committed, publish, rowToChange } from "../service/rows.ts";
import { removeSecrets, sealSecret } from "../service/secrets.ts";

const typeName = "Webhook";

/** A webhook and its signing secret, for the one time that it is shown. */
export interface MadeWebhook {
  readonly webhook: Webhook;
  readonly signingSecret: string;
}

/** Makes a webhook of the viewer; idempotent as `createInbound` is. @throws INVALID_INPUT, RATE_LIMITED, NOT_FOUND, CONFLICT */
export async function createWebhook(host: WebhooksHost, scope: Scope, input: CreateWebhook): Promise<MadeWebhook> {
  checkFields(host.outgoing, input);
  const { tenantId, actorId } = scope.viewer;
  const made = await idempotently(scope, { mutation: "createWebhook", key: input.idempotencyKey, body: input }, async (tx) => {
    await checkCount(host, tx, Webhook);
    const secretId = await sealSecret(host.sealed, tx, tenantId);
    const row = tx.em.create(Webhook, {
      id: newId(),
      tenantId,
      ownerId: actorId,
      name: tidyName(input.name),
      url: input.url,
      events: [...new Set(input.events)],
      secretId,
      enabled: input.enabled ?? true,
      createdAt: Date.now(),
    });
    host.listens(row);
    publish(host, tx, "CREATED", { ...row, typeName });
    return { webhook: row.id, secret: secretId };
  });
  return madeWebhook(host, scope, Webhook, made);
}

/** Changes a webhook of the viewer. Enabling it clears the reason; disabling it gives up what waits to be sent. @throws as {@link createWebhook}. */
export async function updateWebhook(host: WebhooksHost, scope: Scope, input: UpdateWebhook): Promise<Webhook> {
  checkCleared(input, ["name", "url", "events", "enabled"]);
  checkFields(host.outgoing, input);
  const id = localId(typeName, input.webhook, ["input", "webhook"]);
  await scope.write(async (tx) => {
    const row = await rowToChange(tx, Webhook, id, ["input", "webhook"]);
    if (input.name != null) row.name = tidyName(input.name);
    if (input.url != null) Object.assign(row, { url: input.url, failures: 0 });
    if (input.events != null) row.events = [...new Set(input.events)];
    if (input.enabled != null) Object.assign(row, { enabled: input.enabled, reason: null, failures: 0 });
    if (input.enabled === false) await giveUpPending(tx, id, "The webhook was disabled.");
    host.listens(row);
    publish(host, tx, "UPDATED", { ...row, typeName });
  }, "webhooks.update");
  return committed(scope, Webhook, id);
}

/** @throws INVALID_ID, NOT_FOUND */
export async function removeWebhook(host: WebhooksHost, scope: Scope, webhook: string): Promise<string> {
  const id = localId(typeName, webhook, ["webhook"]);
  await scope.write(async (tx) => {
    const row = await rowToChange(tx, Webhook, id, ["webhook"]);
    await removeSecrets(host.sealed, tx, row);
    await tx.sql.run("delete from webhooks_delivery where webhook_id = ?", id);
    tx.em.remove(row);
    publish(host, tx, "DELETED", { ...row, typeName });
  }, "webhooks.remove");
  return id;
}

/** Fails what waits to be sent. It can be delivered again by hand. */
export async function giveUpPending({ sql }: Pick<Tx, "sql">, webhookId: string, error: string): Promise<void> {
  await sql.run(
    "update webhooks_delivery set status = 'FAILED', error = ?, next_attempt_at = null where webhook_id = ? and next_attempt_at is not null",
    error,
    webhookId,
  );
}

/**
 * Sends a delivery again, with the same message id, as often as a new one.
 *
 * @throws INVALID_ID, NOT_FOUND, CONFLICT where its webhook is disabled.
 */
export async function redeliver(host: WebhooksHost, scope: Scope, delivery: string): Promise<WebhookDelivery> {
  const path = ["delivery"];
  const id = localId("WebhookDelivery", delivery, path);
  await scope.write(async (tx) => {
    const row = await rowToChange(tx, WebhookDelivery, id, path);
    const webhook = await rowToChange(tx, Webhook, row.webhookId, path);
    if (!webhook.enabled)
      throw new WeftlineError("CONFLICT", { path, message: "Its webhook is disabled.", fix: "Enable it with updateWebhook first." });
    await tx.sql.run(
      `update webhooks_delivery set status = 'PENDING', tries = 0, error = null, next_attempt_at = ${tx.sql.now} where id = ?`,
      id,
    );
    publish(host, tx, "UPDATED", { ...row, typeName: "WebhookDelivery" });
    tx.afterCommit(() => host.wake());
  }, "webhooks.redeliver");
  return committed(scope, WebhookDelivery, id);
}

import type { EntityClass } from "@mikro-orm/core";
import { WeftlineError, loadRow, type Scope } from "#weftline";
import type { InboundWebhook, Webhook } from "../entities.ts";
import type { WebhooksHost } from "./host.ts";
import { placeOf } from "./secrets.ts";

/** What was written when a webhook was made: ids, since an answer that is kept holds no secret. */
export interface MadeIds {
  readonly webhook: string;
  readonly secret: string;
}

/**
 * A webhook that was made, with its first secret; also for whoever sends the same again, as long as both are there.
 *
 * @throws NOT_FOUND where it was removed meanwhile, CONFLICT where the secret was replaced and is good no more.
 */
export async function madeWebhook<Entity extends InboundWebhook | Webhook>(
  { sealed }: Pick<WebhooksHost, "sealed">,
  scope: Scope,
  entity: EntityClass<Entity>,
  { webhook: id, secret }: MadeIds,
): Promise<{ readonly webhook: Entity; readonly signingSecret: string }> {
  const path = ["input", "idempotencyKey"];
  const webhook = await loadRow(scope, entity, id);
  if (!webhook) {
    const message = "The webhook that was made with this idempotency key was removed.";
    throw new WeftlineError("NOT_FOUND", { message, fix: "Use another key to make a new one.", path });
  }
  const isGood = webhook.secretId === secret || (webhook.previousSecretId === secret && (webhook.previousUntil ?? 0) > Date.now());
  const signingSecret = isGood ? await sealed.open(placeOf(webhook.tenantId, secret)).catch(unlessGone) : undefined;
  if (signingSecret !== undefined) return { webhook, signingSecret };
  const message = "The webhook was made with this idempotency key; its first signing secret was replaced and is not valid any more.";
  throw new WeftlineError("CONFLICT", { message, fix: "Use the newest secret, or get a new one with rotateSigningSecret.", path });
}

/** It may be replaced while it is read. */
function unlessGone(error: unknown): undefined {
  if (!(error instanceof WeftlineError) || error.code !== "NOT_FOUND") throw error;
}

import { isUtf8 } from "node:buffer";
import {
  WeftlineError,
  asWeftlineError,
  globalId,
  idempotently,
  plainJson,
  runTargetNamed,
  runTargets,
  startRequested,
  tellingProblems,
  type Scope,
} from "#weftline";
import type { InboundWebhook } from "../entities.ts";
import type { WebhooksHost } from "../service/host.ts";
import { publish } from "../service/rows.ts";

/** A call whose signature was right. */
interface Call {
  /** The sender's own id of it: the same one starts one run. */
  readonly messageId: string;
  readonly text: Buffer;
  readonly requestId: string;
}

/**
 * Starts the run that a call asks for, as the webhook's owner; within 24 hours the same message gives the first answer.
 *
 * @returns the run's id.
 * @throws WEBHOOK_DISABLED where its owner may not act any more or its target is gone: it is disabled with that reason.
 * @throws INVALID_INPUT, and what starting a run throws.
 */
export async function receive(host: WebhooksHost, webhook: InboundWebhook, { messageId, text, requestId }: Call): Promise<string> {
  const input = readInput(text);
  try {
    const scope = await host.acting.of({ tenantId: webhook.tenantId, actorId: webhook.ownerId }, requestId);
    return await start(scope, webhook, { messageId, input });
  } catch (error) {
    const { code, message } = asWeftlineError(error);
    if (code !== "ACCESS_LOST" && code !== "NOT_FOUND") throw error;
    const reason = code === "ACCESS_LOST" ? message : "Its target is gone.";
    await disable(host, webhook, reason);
    throw new WeftlineError("WEBHOOK_DISABLED", {}, { cause: error });
  }
}

async function start(
  scope: Scope,
  webhook: InboundWebhook,
  { messageId, input }: { readonly messageId: string; readonly input: unknown },
): Promise<string> {
  const { id, targetType, targetField, targetId } = webhook;
  // A plugin that is left out may come back.
  if (!scope.contributions(runTargets).has(targetType))
    throw new WeftlineError("UNAVAILABLE", { what: "The target", reason: "its plugin is not running.", fix: "See the query plugins." });
  const named = runTargetNamed(scope, { [targetField]: { id: globalId(targetType, targetId) } });
  // Outside the transaction, since a target may take its time; told only where there is no first answer.
  const [checked] = await Promise.allSettled([check(scope, named, input)]);
  const request = { mutation: `webhook ${id}`, key: messageId, body: { input }, path: ["webhook-id"], name: "webhooks.receive" };
  const { run } = await idempotently(scope, request, async (tx) => {
    if (checked.status === "rejected") throw checked.reason;
    const target = await named.find(checked.value);
    const started = await startRequested(scope, tx, { targetType, target, trigger: "WEBHOOK", input });
    await tx.sql.run(`update webhooks_inbound set last_used_at = ${tx.sql.now} where id = ?`, id);
    return { run: started.id };
  });
  return run;
}

async function check(scope: Scope, named: ReturnType<typeof runTargetNamed>, input: unknown) {
  const problems = await tellingProblems(scope, { input });
  const [first] = problems;
  if (first) throw new WeftlineError("INVALID_INPUT", { path: first.path, issues: problems, message: first.message });
  return named.check({ input });
}

/** @throws INVALID_INPUT for what is no JSON. */
function readInput(text: Buffer): unknown {
  // Text that is decoded loosely has the same signature as other bytes.
  if (!isUtf8(text)) throw new WeftlineError("INVALID_INPUT", { message: "The body is not UTF-8.", path: ["body"] });
  try {
    return plainJson(JSON.parse(text.toString("utf8"))).value;
  } catch {
    throw new WeftlineError("INVALID_INPUT", { message: "The body is not JSON.", path: ["body"] });
  }
}

async function disable(host: WebhooksHost, { id, tenantId, ownerId }: InboundWebhook, reason: string): Promise<void> {
  await host.database.commit(async (tx) => {
    await tx.sql.run("update webhooks_inbound set enabled = 0, reason = ? where id = ?", reason, id);
    publish(host, tx, "UPDATED", { id, tenantId, ownerId, typeName: "InboundWebhook" });
  }, "webhooks.disableInbound");
  host.log.warn({ webhookId: id, reason }, "an inbound webhook was disabled");
}

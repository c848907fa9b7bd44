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
import { findEnabled, lockEnabled } from "./find.ts";

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
 * @throws INVALID_INPUT, NOT_FOUND where it was disabled or removed meanwhile, and what starting a run throws.
 */
export async function receive(host: WebhooksHost, webhook: InboundWebhook, { messageId, text, requestId }: Call): Promise<string> {
  const input = readInput(text);
  for (let current = webhook; ; current = await findEnabled(host, webhook.id)) {
    try {
      const scope = await host.acting.of({ tenantId: current.tenantId, actorId: current.ownerId }, requestId);
      const run = await start(scope, current, { messageId, input });
      if (run !== undefined) return run;
    } catch (error) {
      const { code, message } = asWeftlineError(error);
      if (code !== "ACCESS_LOST" && code !== "WEBHOOK_DISABLED") throw error;
      const isDisabled = await disable(host, current, code === "ACCESS_LOST" ? message : "Its target is gone.");
      if (isDisabled) throw code === "ACCESS_LOST" ? new WeftlineError("WEBHOOK_DISABLED", {}, { cause: error }) : error;
    }
  }
}

/** @returns nothing where the owner gave the webhook another target after it was read. */
async function start(
  scope: Scope,
  webhook: InboundWebhook,
  { messageId, input }: { readonly messageId: string; readonly input: unknown },
): Promise<string | undefined> {
  const { id, targetType, targetField, targetId } = webhook;
  // A plugin that is left out may come back.
  if (!scope.contributions(runTargets).has(targetType))
    throw new WeftlineError("UNAVAILABLE", { what: "The target", reason: "its plugin is not running.", fix: "See the query plugins." });
  const named = runTargetNamed(scope, { [targetField]: { id: globalId(targetType, targetId) } });
  // Outside the transaction, since a target may take its time; told only where there is no first answer.
  const [checked] = await Promise.allSettled([check(scope, named, input)]);
  const request = { mutation: `webhook ${id}`, key: messageId, body: { input }, path: ["webhook-id"], name: "webhooks.receive" };
  const changed = new WeftlineError("CONFLICT", { message: "The webhook has another target by now." });
  const started = idempotently(scope, request, async (tx) => {
    if (!(await lockEnabled(tx, webhook))) throw changed;
    if (checked.status === "rejected") throw checked.reason;
    const target = await unlessGone(named.find(checked.value));
    const run = await startRequested(scope, tx, { targetType, target, trigger: "WEBHOOK", input });
    await tx.sql.run(`update webhooks_inbound set last_used_at = ${tx.sql.now} where id = ?`, id);
    return { run: run.id };
  });
  return started.then(
    ({ run }) => run,
    (error: unknown) => (error === changed ? undefined : Promise.reject(error)),
  );
}

async function check(scope: Scope, named: ReturnType<typeof runTargetNamed>, input: unknown) {
  const problems = await tellingProblems(scope, { input });
  const [first] = problems;
  if (first) throw new WeftlineError("INVALID_INPUT", { path: first.path, issues: problems, message: first.message });
  return unlessGone(named.check({ input }));
}

/** @throws WEBHOOK_DISABLED where the target is gone. */
async function unlessGone<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    throw asWeftlineError(error).code === "NOT_FOUND" ? new WeftlineError("WEBHOOK_DISABLED", {}, { cause: error }) : error;
  }
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

/** @returns false where it changed meanwhile: another target is judged by itself. */
async function disable(host: WebhooksHost, webhook: InboundWebhook, reason: string): Promise<boolean> {
  const { id, tenantId, ownerId, targetType, targetId } = webhook;
  const disabled = await host.database.commit(async (tx) => {
    const written = await tx.sql.run(
      "update webhooks_inbound set enabled = 0, reason = ? where id = ? and enabled = 1 and target_type = ? and target_id = ?",
      reason,
      id,
      targetType,
      targetId,
    );
    if (written > 0) publish(host, tx, "UPDATED", { id, tenantId, ownerId, typeName: "InboundWebhook" });
    return written > 0;
  }, "webhooks.disableInbound");
  if (disabled) host.log.warn({ webhookId: id, reason }, "an inbound webhook was disabled");
  return disabled;
}

import {
  globalId,
  idempotently,
  isTerminal,
  Message,
  Run,
  WeftlineError,
  type FoundTarget,
  type RunSettings,
  type Scope,
  type Tx,
} from "#weftline";
import { Thread } from "../entities.ts";
import { attachFiles } from "./attach.ts";
import { checkContent, invalid } from "./checks.ts";
import { announce, type ChatDeps } from "./deps.ts";
import type { RegenerateMessage, SendMessage } from "./requests.ts";

/** A message and the run that answers it, or answers anew. */
export interface Answering {
  readonly message: Message;
  readonly run: Run;
}

/**
 * Adds a person's message and starts the run that answers it, both or neither.
 *
 * @throws INVALID_INPUT, NOT_FOUND, a conflict for an archived thread, a busy one or an agent that takes no runs.
 */
export async function sendMessage(deps: ChatDeps, scope: Scope, request: SendMessage): Promise<Answering> {
  const parts = checkContent(request, deps.config.messageBytes);
  let sent: Answering | undefined;
  const ids = await idempotently(scope, { mutation: "sendMessage", key: request.idempotencyKey, body: request }, async (tx) => {
    const thread = await writableThread(scope, request.thread, ["input", "thread"]);
    const run = {
      targetType: "Agent",
      target: await agentFor(deps, scope, thread, request),
      trigger: "CHAT",
      thread: { id: thread.id, streamNum: thread.streamNum },
      settings: settingsOf(deps, thread),
      onBusy: request.onBusy ?? "ENQUEUE",
      ...(request.limits ? { limits: request.limits } : {}),
    } as const;
    const message = { role: "USER", parts: await attachFiles(deps, scope, tx, thread, parts), authorId: scope.viewer.actorId } as const;
    sent = await deps.runs.answer(scope, tx, run, message);
    await touch(deps, tx, thread);
    // What was typed is said now.
    tx.afterCommit(() => deps.activities.type(scope, thread, "idle"));
    return { message: sent.message.id, run: sent.run.id };
  });
  return sent ?? answering(scope, ids);
}

/**
 * Starts another answer in place of one of the thread's latest turn. The old answer stands until the new one begins.
 *
 * @throws NOT_FOUND, INVALID_INPUT for a message that is no answer, a conflict for an earlier turn or an open run.
 */
export async function regenerateMessage(deps: ChatDeps, scope: Scope, request: RegenerateMessage): Promise<Answering> {
  const keyed = { mutation: "regenerateMessage", key: request.idempotencyKey, body: request, path: ["idempotencyKey"] };
  const ids = await idempotently(scope, keyed, async (tx) => {
    const message = await tx.em.findOne(Message, { id: request.message });
    if (message?.threadId == null) throw new WeftlineError("NOT_FOUND", { what: "message", path });
    const thread = await writableThread(scope, message.threadId, path);
    const before = await answerRun(tx, thread, message);
    const run = await deps.runs.start(scope, tx, {
      targetType: "Agent",
      target: await targetById(deps, scope, before.targetId, path),
      trigger: "CHAT",
      thread: { id: thread.id, streamNum: thread.streamNum },
      ...(await deps.runs.inputOf(tx, before)),
      settings: { ...before.settings, ...settingsOf(deps, thread) },
      limits: before.limits,
      onBusy: "REJECT",
      regeneratesId: before.id,
    });
    await touch(deps, tx, thread);
    return { message: message.id, run: run.id };
  });
  return answering(scope, ids);
}

const path = ["message"];

/** What a thread decides for its runs. */
export function settingsOf({ config }: Pick<ChatDeps, "config">, thread: Thread): RunSettings {
  return {
    simulated: thread.simulatedAllowed ? "allowed" : "forbidden",
    historyLimit: thread.historyLimit,
    historyTokens: thread.historyTokens ?? config.historyTokens,
    ...(config.historySummary === "rolling" ? { historySummary: "rolling" } : {}),
  };
}

/** @throws a conflict for an archived thread. */
export function refuseArchived(thread: Thread, at: readonly string[]): void {
  if (!thread.archived) return;
  throw new WeftlineError("CONFLICT", {
    message: "The thread is archived.",
    fix: "Bring it back: updateThread with archived: false.",
    path: at,
  });
}

async function writableThread(scope: Scope, id: string, at: readonly string[]): Promise<Thread> {
  const [thread] = await scope.rowsById(Thread, [id]);
  if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread", path: at });
  refuseArchived(thread, at);
  return thread;
}

async function agentFor(deps: ChatDeps, scope: Scope, thread: Thread, { agent }: SendMessage): Promise<FoundTarget> {
  if (agent) return deps.agents.target(await deps.agents.resolve(scope, agent, ["input", "agent"]), ["input", "agent"]);
  if (thread.agentId == null)
    throw invalid(["input", "agent"], "The thread has no agent: name one here, or set the thread's with updateThread.");
  return targetById(deps, scope, thread.agentId, ["input", "thread"]);
}

async function targetById({ agents }: ChatDeps, scope: Scope, id: string, at: readonly string[]): Promise<FoundTarget> {
  return agents.target(await agents.resolve(scope, { id: globalId("Agent", id) }, at), at);
}

/** The run behind an answer that may be given anew. */
async function answerRun(tx: Tx, thread: Thread, message: Message): Promise<Run> {
  if (message.role !== "ASSISTANT") throw invalid(path, "Only an agent's answer can be given anew.");
  if (message.status === "STREAMING") throw new WeftlineError("BUSY", { message: "This answer is still being written.", path });
  if (message.supersededById != null) throw conflict("Another answer has already replaced this one.", "Regenerate the newest answer.");
  const latest = await tx.em.findOne(Run, { streamNum: thread.streamNum, parentId: null }, { orderBy: { startSeq: "desc" } });
  const run = await tx.em.findOne(Run, { id: message.runId ?? "" });
  if (!run || !latest || originOf(run) !== originOf(latest)) {
    throw conflict("Only the latest answer can be given anew.", "Fork the thread before this message with forkThread, then send again.");
  }
  if (run.targetType !== "Agent") throw conflict("Only an agent's answer can be given anew.", "Start the run again with retryRun.");
  if (!isTerminal(latest.status)) throw new WeftlineError("BUSY", { message: "A run of this thread is still open.", path });
  return run;
}

/** The run that the user's message started: answers given anew point to it. */
function originOf(run: Run): string {
  return run.regeneratesId ?? run.id;
}

function conflict(message: string, fix: string): WeftlineError {
  return new WeftlineError("CONFLICT", { message, fix, path });
}

async function touch(deps: ChatDeps, tx: Tx, thread: Thread): Promise<void> {
  await tx.sql.run("update chat_thread set updated_at = ? where id = ?", Date.now(), thread.id);
  announce(deps, tx, thread, "UPDATED");
}

async function answering(scope: Scope, ids: { readonly message: string; readonly run: string }): Promise<Answering> {
  const [[message], [run]] = [await scope.rowsById(Message, [ids.message]), await scope.rowsById(Run, [ids.run])];
  if (!message || !run) throw new WeftlineError("NOT_FOUND", { what: "message: the thread was cleared or deleted since" });
  return { message, run };
}

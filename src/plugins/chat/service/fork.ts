import { idempotently, Message, ToolCall, WeftlineError, type Scope, type StoredPart, type Tx } from "#weftline";
import type { Thread } from "../entities.ts";
import { shareFiles } from "./attach.ts";
import type { ChatDeps } from "./deps.ts";
import type { ForkThread } from "./requests.ts";
import { findThread, openThread, threadIn } from "./threads.ts";

/**
 * Copies a thread up to a message, which may be one that another answer replaced, into a new one.
 *
 * @throws NOT_FOUND, or a conflict while a message of that part is being written.
 */
export async function forkThread(deps: ChatDeps, scope: Scope, request: ForkThread): Promise<Thread> {
  const keyed = { mutation: "forkThread", key: request.idempotencyKey, body: request, path: ["idempotencyKey"] };
  const { thread } = await idempotently(scope, keyed, async (tx) => {
    const source = await threadIn(tx, request.thread);
    const messages = await messagesUpTo(tx, source, request.at);
    const { title, agentId, historyLimit, retention, simulatedAllowed, metadata } = source;
    const fields = { title, agentId, historyLimit, retention, simulatedAllowed, metadata, forkedFromMessageId: request.at };
    const fork = await openThread(deps, scope, tx, fields);
    const calls = await callsOf(tx, messages);
    for (const message of messages) await copy(deps, tx, fork, message, calls);
    await shareFiles(
      deps,
      tx,
      fork,
      messages.flatMap(({ parts }) => parts),
    );
    return { thread: fork.id };
  });
  return findThread(scope, thread);
}

async function messagesUpTo(tx: Tx, thread: Thread, at: string): Promise<Message[]> {
  const { streamNum, id: threadId } = thread;
  const last = await tx.em.findOne(Message, { id: at, streamNum, threadId });
  if (!last) throw new WeftlineError("NOT_FOUND", { what: "message in this thread", path: ["at"] });
  const messages = await tx.em.find(
    Message,
    { streamNum, threadId, startSeq: { $lte: last.startSeq }, $or: [{ supersededById: null }, { id: at }] },
    { orderBy: { startSeq: "asc" } },
  );
  if (!messages.some(({ status }) => status === "STREAMING")) return messages;
  throw new WeftlineError("BUSY", {
    message: "A message of that part is still being written.",
    fix: "Wait for it, or fork at an earlier message.",
    path: ["at"],
  });
}

type CallsByRun = ReadonlyMap<string, ReadonlyMap<number, ToolCall>>;

async function callsOf(tx: Tx, messages: readonly Message[]): Promise<CallsByRun> {
  const runIds = [
    ...new Set(messages.flatMap(({ runId, parts }) => (runId != null && parts.some(({ type }) => type === "toolCall") ? [runId] : []))),
  ];
  const calls = runIds.length === 0 ? [] : await tx.em.find(ToolCall, { runId: { $in: runIds } });
  return new Map(
    [...Map.groupBy(calls, ({ runId }) => runId)].map(([runId, rows]) => [runId, new Map(rows.map((call) => [call.num, call]))]),
  );
}

/** A copy has no run, so what a call was and what came of it becomes data. */
async function copy({ streams }: ChatDeps, tx: Tx, fork: Thread, message: Message, calls: CallsByRun): Promise<void> {
  const { role, authorId, agentId, agentName, provenance, status } = message;
  const parts = message.parts.flatMap((part) => copiedPart(part, message, calls));
  if (status !== "COMPLETE") parts.push({ type: "data", name: "status", data: { status } });
  await streams.addMessage(tx, fork.streamNum, {
    role: role === "TOOL" ? "SYSTEM" : role,
    parts,
    threadId: fork.id,
    ...(authorId == null ? {} : { authorId }),
    ...(agentId == null ? {} : { agentId }),
    ...(agentName == null ? {} : { agentName }),
    ...(provenance == null ? {} : { provenance }),
  });
}

function copiedPart(part: StoredPart, { runId }: Message, calls: CallsByRun): StoredPart[] {
  if (part.type !== "toolCall") return [part];
  const call = calls.get(runId ?? "")?.get(part.call);
  if (!call) return [];
  const { name, arguments: args, status, result, error } = call;
  return [{ type: "data", name: "toolCall", data: { name, arguments: args, status, result, error } }];
}

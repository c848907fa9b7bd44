import { Interrupt, isTerminal, Message, Run, Step, ToolCall, WeftlineError, type Scope, type Tx } from "#weftline";
import type { Thread } from "../entities.ts";
import { announce, type ChatDeps } from "./deps.ts";
import { appendChanges, findThread, threadIn } from "./threads.ts";

/** Of a run whose content was erased. */
const nothingSaid = { input: null, inputRefs: null, output: null, outputRefs: null, text: null, textRefs: null };

/** How many runs one statement names. */
const batch = 500;

/**
 * Removes what was said in a thread, everywhere: messages, calls, answers, and what plugins keep of them. What its runs cost stays.
 *
 * @throws NOT_FOUND, or BUSY while a run is open.
 */
export async function clearThread(deps: ChatDeps, scope: Scope, id: string): Promise<Thread> {
  await scope.write(async (tx) => {
    const thread = await threadIn(tx, id);
    const runs = await runsOf(tx, thread);
    if (runs.some(({ status }) => !isTerminal(status))) {
      throw new WeftlineError("BUSY", {
        message: "A run of this thread is still open.",
        fix: "Wait for it, or cancel it with cancelRun.",
        path: ["thread"],
      });
    }
    await erase(deps, tx, thread, runs);
    await tx.em.nativeUpdate(Run, { streamNum: thread.streamNum }, nothingSaid);
    await deps.streams.forget(tx, thread.streamNum);
    await appendChanges(deps, tx, thread, ["CLEARED"]);
    thread.updatedAt = Date.now();
    announce(deps, tx, thread, "UPDATED");
  }, "chat.clear");
  return findThread(scope, id);
}

/**
 * Deletes a thread with all that belongs to it. Its open runs are cancelled; who follows it is told and ends.
 *
 * @throws NOT_FOUND
 */
export async function deleteThread(deps: ChatDeps, scope: Scope, id: string): Promise<void> {
  await scope.write(async (tx) => {
    const thread = await threadIn(tx, id);
    const runs = await runsOf(tx, thread);
    for (const run of runs) {
      if (run.parentId == null && !isTerminal(run.status)) await deps.runs.cancelIn(tx, run, "The thread was deleted.");
    }
    await tx.em.flush();
    await erase(deps, tx, thread, runs);
    await appendChanges(deps, tx, thread, ["DELETED"]);
    await deps.streams.delete(tx, thread.streamNum);
    await tx.em.nativeDelete(Run, { streamNum: thread.streamNum });
    tx.em.remove(thread);
    announce(deps, tx, thread, "DELETED");
    tx.afterCommit(() => deps.activities.end(thread.streamNum));
  }, "chat.delete");
}

function runsOf(tx: Tx, thread: Thread): Promise<Run[]> {
  return tx.em.find(Run, { streamNum: thread.streamNum }, { orderBy: { startSeq: "asc" } });
}

async function erase({ purgers }: ChatDeps, tx: Tx, { id: threadId, tenantId, streamNum }: Thread, runs: readonly Run[]): Promise<void> {
  const runIds = runs.map((run) => run.id);
  for (const { value } of purgers.values()) await value.purge(tx, { threadId, runIds, tenantId });
  await tx.em.flush();
  await tx.em.nativeDelete(Message, { streamNum });
  await tx.em.nativeDelete(Interrupt, { streamNum });
  for (let at = 0; at < runIds.length; at += batch) {
    const runId = { $in: runIds.slice(at, at + batch) };
    await tx.em.nativeDelete(ToolCall, { runId });
    await tx.em.nativeDelete(Step, { runId });
  }
}

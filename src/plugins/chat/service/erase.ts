import { isTerminal, Run, WeftlineError, type Scope, type Tx } from "#weftline";
import { ImportedThread, type Thread } from "../entities.ts";
import { announce, type ChatDeps } from "./deps.ts";
import { refuseHeld } from "./legal-hold.ts";
import { appendChanges, findThread, threadIn } from "./threads.ts";

/**
 * Removes what was said in a thread, everywhere: messages, calls, answers, and what plugins keep of them. What its runs cost stays.
 *
 * @throws NOT_FOUND, LEGAL_HOLD, or BUSY while a run is open.
 */
export async function clearThread(deps: ChatDeps, scope: Scope, id: string): Promise<Thread> {
  await prepare(deps, await findThread(scope, id));
  await scope.write(async (tx) => {
    const thread = await threadIn(tx, id);
    await refuseHeld(deps, tx, thread);
    const runs = await runsOf(tx, thread);
    if (runs.some(({ status }) => !isTerminal(status))) {
      throw new WeftlineError("BUSY", {
        message: "A run of this thread is still open.",
        fix: "Wait for it, or cancel it with cancelRun.",
        path: ["thread"],
      });
    }
    await erase(deps, tx, thread, runs, "KEEP_ROWS");
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
 * @throws NOT_FOUND, LEGAL_HOLD
 */
export async function deleteThread(deps: ChatDeps, scope: Scope, id: string): Promise<void> {
  await prepare(deps, await findThread(scope, id));
  await scope.write(async (tx) => {
    const thread = await threadIn(tx, id);
    await refuseHeld(deps, tx, thread);
    const runs = await runsOf(tx, thread);
    for (const run of runs) {
      if (run.parentId == null && !isTerminal(run.status)) await deps.runs.cancelIn(tx, run, "The thread was deleted.");
    }
    await tx.em.flush();
    await erase(deps, tx, thread, runs, "REMOVE");
    await appendChanges(deps, tx, thread, ["DELETED"]);
    await deps.streams.delete(tx, thread.streamNum);
    tx.em.remove(thread);
    announce(deps, tx, thread, "DELETED");
    tx.afterCommit(() => deps.activities.end(thread.streamNum));
  }, "chat.delete");
}

/** What is much goes before, in small transactions, unless a run is open or the thread is held: what is refused then has changed nothing. */
async function prepare({ beginnings, database, purgers }: ChatDeps, { id: threadId, tenantId, streamNum }: Thread): Promise<void> {
  await beginnings.shorten(streamNum);
  const { read } = database;
  const kept = await read.get(
    `select 1 from runs_stream s where num = ? and (held = 1 or exists (select 1 from runs_run where thread_id = s.id and finished_at is null))`,
    streamNum,
  );
  if (kept) return;
  const runs = await read.all<{ id: string }>("select id from runs_run where stream_num = ?", streamNum);
  for (const { value } of purgers.values()) await value.prepare?.({ threadId, tenantId, runIds: runs.map(({ id }) => id) });
}

function runsOf(tx: Tx, thread: Thread): Promise<Run[]> {
  return tx.em.find(Run, { streamNum: thread.streamNum }, { orderBy: { startSeq: "asc" } });
}

async function erase(
  { purgers, streams }: ChatDeps,
  tx: Tx,
  { id: threadId, tenantId, streamNum }: Thread,
  ended: readonly Run[],
  runs: "KEEP_ROWS" | "REMOVE",
): Promise<void> {
  const runIds = ended.map((run) => run.id);
  for (const { value } of purgers.values()) await value.purge(tx, { threadId, runIds, tenantId });
  await tx.em.flush();
  await tx.em.nativeDelete(ImportedThread, { threadId });
  await streams.erase(tx, streamNum, runs);
}

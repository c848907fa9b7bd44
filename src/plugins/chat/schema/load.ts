import { WeftlineError, localIdOrNothing, type Scope } from "#weftline";
import { Thread } from "../contract.ts";
import { noteReading, reachOf } from "../service/reach.ts";

/** Threads by their ids, as far as the viewer may see that they exist. */
export async function loadThreads(ids: readonly string[], scope: Scope): Promise<readonly (Thread | undefined)[]> {
  const rows = await scope.rowsById(Thread, ids, reachOf(scope));
  for (const row of rows) noteReading(scope, row);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** One thread, batched with others; null where there is no id, or nothing that the viewer may see. */
export async function loadThread(scope: Scope, id: string | null | undefined): Promise<Thread | null> {
  if (id == null) return null;
  return (await scope.load(loadThreads, id, (ids) => loadThreads(ids, scope))) ?? null;
}

/**
 * The viewer's thread for a subscription.
 *
 * @throws NOT_FOUND also for what is no id of a thread: a subscription tells no difference.
 */
export async function threadToFollow(scope: Scope, id: string): Promise<Thread> {
  const local = localIdOrNothing("Thread", id);
  const [thread] = local === undefined ? [] : await scope.rowsById(Thread, [local]);
  if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread", path: ["thread"] });
  return thread;
}

/** Asks whether the thread is still there for the viewer; keeps its id alone for as long as a subscription lasts. */
export function stillSees(scope: Scope, threadId: string): () => Promise<boolean> {
  return async () => (await scope.countRows(Thread, { where: "e.id = ?", params: [threadId] })) > 0;
}

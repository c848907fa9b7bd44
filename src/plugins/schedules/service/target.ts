import { globalId, runTargetNamed, threadResolver, type FoundTarget, type NamedTarget, type Scope } from "#weftline";
import type { Schedule } from "../entities.ts";

/** The target of a schedule, by its id. @throws NOT_FOUND where no plugin has such targets any more. */
export function targetNamed(
  scope: Scope,
  { targetType, targetField, targetId }: Pick<Schedule, "targetType" | "targetField" | "targetId">,
): NamedTarget {
  return runTargetNamed(scope, { [targetField]: { id: globalId(targetType, targetId) } });
}

/** The thread of a schedule as the graph names it. */
export function threadOf({ threadId }: Pick<Schedule, "threadId">): string | null {
  return threadId == null ? null : globalId("Thread", threadId);
}

/** What a schedule would start, as its owner. */
export interface Startable {
  readonly named: NamedTarget;
  readonly input: unknown;
  readonly text: string | null;
  /** A thread's id in the graph. */
  readonly thread: string | null;
}

/**
 * Checks that a run of it could be started now.
 *
 * @returns the target and the thread's id in the database.
 * @throws as `startRun` would.
 */
export async function checkStartable(
  scope: Scope,
  { named, input, text, thread }: Startable,
): Promise<{ readonly target: FoundTarget; readonly threadId: string | null }> {
  const checked = await named.check({ input, text });
  const target = await named.find(checked);
  const path = ["input", "thread"];
  return { target, threadId: thread === null ? null : (await scope.use(threadResolver).find(scope, thread, path)).id };
}

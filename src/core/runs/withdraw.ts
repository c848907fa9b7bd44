import type { Database } from "../database/database.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import type { Run } from "./entities/run.ts";
import { event } from "./events.ts";
import { checkOwner } from "./fence.ts";
import { projectedRun } from "./projector.ts";

interface Pending extends Record<string, string | number | null> {
  readonly id: string;
  readonly call: number | null;
}

/**
 * Cancels what is still asked for steps of a run. What is pending is read in the same transaction: a decision may come at any time.
 *
 * @returns the numbers of the calls that waited for it.
 * @throws RUN_FENCED where another owner took over.
 */
export async function withdrawQuestions(
  { database, signals }: { readonly database: Database; readonly signals: AppendHost },
  run: Run,
  stepIds: readonly string[],
): Promise<readonly number[]> {
  const marks = stepIds.map(() => "?").join(", ");
  const pending = `select i.id, c.num as call from runs_interrupt i left join runs_tool_call c on c.id = i.tool_call_id
    where i.run_id = ? and i.status = 'PENDING' and i.step_id in (${marks})`;
  if ((await database.read.get(pending, run.id, ...stepIds)) === undefined) return [];
  return database.commit(async (tx) => {
    await checkOwner(tx.sql, run);
    const asked = await tx.sql.all<Pending>(pending, run.id, ...stepIds);
    const cancelled = asked.map(({ id }) => event("interrupt.resolved", { interrupt: id, status: "CANCELLED" }));
    if (cancelled.length > 0) await appendSignal(signals, tx, projectedRun(run), cancelled);
    return asked.flatMap(({ call }) => (call === null ? [] : [call]));
  }, "withdraw");
}

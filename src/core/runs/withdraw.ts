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
 * Cancels what a run still asks, or what some of its steps ask. What is pending is read in the same transaction: a question is resolved once, and a
 * decision may come at any time.
 *
 * @param of ids of steps.
 * @returns the numbers of the calls that waited for an answer.
 * @throws RUN_FENCED where another owner took over.
 */
export async function withdrawQuestions(
  { database, signals }: { readonly database: Database; readonly signals: AppendHost },
  run: Run,
  of: readonly string[] | "whole run",
): Promise<readonly number[]> {
  const [steps, ids] = of === "whole run" ? ["", []] : [`and i.step_id in (${of.map(() => "?").join(", ")})`, of];
  const pending = `select i.id, c.num as call from runs_interrupt i left join runs_tool_call c on c.id = i.tool_call_id
    where i.run_id = ? and i.status = 'PENDING' ${steps}`;
  if ((await database.read.get(pending, run.id, ...ids)) === undefined) return [];
  return database.commit(async (tx) => {
    await checkOwner(tx.sql, run);
    const asked = await tx.sql.all<Pending>(pending, run.id, ...ids);
    const cancelled = asked.map(({ id }) => event("interrupt.resolved", { interrupt: id, status: "CANCELLED" }));
    if (cancelled.length > 0) await appendSignal(signals, tx, projectedRun(run), cancelled);
    return asked.flatMap(({ call }) => (call === null ? [] : [call]));
  }, "withdrawQuestions");
}

import type { Database } from "../database/database.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import type { Run } from "./entities/run.ts";
import { event } from "./events.ts";
import { checkOwner } from "./fence.ts";
import { projectedRow, projectedRun, type PlaceColumns } from "./projector.ts";

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

/** How many questions one transaction takes back. */
const atOnce = 100;

interface Asking extends PlaceColumns {
  readonly interrupt: string;
}

/** Takes back what runs of a tenant ask under keys that begin so: they go on, and ask again where they have to. */
export async function askAgain(host: AppendHost & { readonly database: Database }, tenantId: string, prefix: string): Promise<void> {
  for (;;) {
    const taken = await host.database.commit(async (tx) => {
      const rows = await tx.sql.all<Asking>(
        `select i.id as interrupt, r.id, r.tenant_id, r.owner_id, r.stream_num, r.start_seq, r.thread_id, r.parent_id, r.target_type, r.target_id
         from runs_interrupt i join runs_run r on r.id = i.run_id
         where i.tenant_id = ? and i.status = 'PENDING' and i.kind = 'BUDGET' and i.key >= ? and i.key < ? order by i.created_at limit ${atOnce}`,
        tenantId,
        prefix,
        `${prefix.slice(0, -1)}0`,
      );
      for (const row of rows)
        await appendSignal(host, tx, projectedRow(row), [event("interrupt.resolved", { interrupt: row.interrupt, status: "EXPIRED" })]);
      return rows.length;
    }, "askAgain");
    if (taken < atOnce) return;
  }
}

import type { Database } from "../../database/database.ts";
import { documentOf } from "../../database/rows.ts";
import type { Sql } from "../../database/sql.ts";
import type { EventPayloads, LoggedEvent } from "../events.ts";
import { checkOwner } from "../fence.ts";
import { json } from "../projector.ts";
import type { TakenSignal } from "./types.ts";

/** Keeps a signal for whoever waits for it, now or later. */
export async function insertSignal(
  sql: Sql,
  runId: string,
  { payload, at, seq }: LoggedEvent<EventPayloads["signal.received"]>,
): Promise<void> {
  await sql.run(
    `insert into runs_signal (id, run_id, num, name, payload, at)
     values (?, ?, (select coalesce(max(num), 0) + 1 from runs_signal where run_id = ?), ?, ?, ?)`,
    `${runId}.g${seq}`,
    runId,
    runId,
    payload.name,
    json(payload.payload),
    at,
  );
}

/**
 * Takes the oldest signal of a name for a step, once: the same step is given the same signal again, after a lost process too.
 *
 * @throws RUN_FENCED where another owner took the run over.
 */
export async function takeSignal(
  database: Database,
  run: { readonly id: string; readonly epoch: number },
  stepId: string,
  name: string,
): Promise<TakenSignal | undefined> {
  return database.commit(async ({ sql }) => {
    await checkOwner(sql, run);
    const taken = await sql.get<Row>("select payload from runs_signal where taken_by = ? and run_id = ?", stepId, run.id);
    const row =
      taken ??
      (await sql.get<Row>(
        `update runs_signal set taken_by = ? where run_id = ? and taken_by is null and num =
         (select min(num) from runs_signal where run_id = ? and taken_by is null and name = ?) returning payload`,
        stepId,
        run.id,
        run.id,
        name,
      ));
    return row && { payload: row.payload === null ? null : documentOf(row.payload) };
  }, "takeSignal");
}

interface Row extends Record<string, string | null> {
  readonly payload: string | null;
}

export async function purgeSignals(sql: Sql, runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) await sql.run("delete from runs_signal where run_id = ?", runId);
}

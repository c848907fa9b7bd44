import type { Sql } from "../../database/sql.ts";
import { purgeApprovers } from "../approvers/rows.ts";
import { purgeCheckpoints } from "../checkpoint-store.ts";
import { purgeUsage } from "../metering/ledger.ts";
import { purgeStates } from "../jobs/state.ts";
import { purgeSignals } from "../signals/rows.ts";

/** Removes ended runs with all that belongs to them. What they cost stands in the ledger. */
export async function removeRuns(sql: Sql, runIds: readonly string[]): Promise<void> {
  await purgeParts(sql, runIds);
  for (const runId of runIds) {
    await sql.run("delete from runs_run_metadata where run_id = ?", runId);
    await sql.run("delete from runs_run where id = ?", runId);
  }
}

async function purgeParts(sql: Sql, runIds: readonly string[]): Promise<void> {
  await purgeApprovers(sql, runIds);
  await purgeSignals(sql, runIds);
  await purgeCheckpoints(sql, runIds);
  await purgeStates(sql, runIds);
  // What they cost stays, without a link; no thread is named so.
  await purgeUsage(sql, { threadId: "", runIds });
  for (const runId of runIds)
    for (const table of ["runs_message", "runs_interrupt", "runs_tool_call", "runs_step"])
      await sql.run(`delete from ${table} where run_id = ?`, runId);
}

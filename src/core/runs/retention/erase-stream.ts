import type { Sql } from "../../database/sql.ts";
import { erasedKey } from "../../host/idempotency.ts";
import type { RunFailure } from "../events.ts";

/** Of a run whose content was erased: what it was, how it ended and what it cost stays. */
const nothingSaid = `input = null, input_refs = null, output = null, output_refs = null, text = null, text_refs = null, metadata = null,
  cancel_reason = null, settings = '{"simulated":"allowed"}'`;

/** What hangs on a run, by its id. */
const ofRuns = [
  "runs_approver",
  "runs_signal",
  "runs_checkpoint_write",
  "runs_checkpoint_value",
  "runs_checkpoint",
  "runs_job_state",
  "runs_run_metadata",
  "runs_tool_call",
  "runs_step",
  "runs_interrupt",
];

/** A log, and whose it is. */
export interface ErasedStream {
  readonly num: number;
  /** The thread's id. */
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
}

/**
 * Removes what was said in a stream, within the caller's transaction: messages, and all that its runs were given, did and said. Rows of audit stay, without
 * the hashes of arguments; answers to idempotency keys stay as bare ids, without their keys and the hashes of what was asked, so that a repeated request does nothing again.
 *
 * @param runs whether the rows of its runs stay, as ended runs that cost what they cost, or go.
 */
export async function eraseStream(sql: Sql, { num, id, tenantId, ownerId }: ErasedStream, runs: "KEEP_ROWS" | "REMOVE"): Promise<void> {
  await forgetRequests(sql, { num, id, tenantId, ownerId });
  const runIds = "select id from runs_run where stream_num = ?";
  await sql.run(`update runs_tool_call_audit set arguments_hash = null where run_id in (${runIds})`, num);
  for (const table of ofRuns) await sql.run(`delete from ${table} where run_id in (${runIds})`, num);
  await sql.run("delete from runs_message where stream_num = ?", num);
  if (runs === "REMOVE") return void (await sql.run("delete from runs_run where stream_num = ?", num));
  await sql.run(`update runs_run set ${nothingSaid} where stream_num = ?`, num);
  const failed = await sql.all<{ id: string; failure: string }>(
    "select id, failure from runs_run where stream_num = ? and failure is not null",
    num,
  );
  for (const run of failed) {
    const { code } = JSON.parse(run.failure) as RunFailure;
    const failure: RunFailure = { code, message: "What went wrong was erased with the rest.", retryable: false };
    await sql.run("update runs_run set failure = ? where id = ?", JSON.stringify(failure), run.id);
  }
}

/** Keys are kept for a day; the answers to those that made something of the stream name it. */
async function forgetRequests(sql: Sql, { num, id, tenantId, ownerId }: ErasedStream): Promise<void> {
  const keys = await sql.all<{ mutation: string; key: string; result: string }>(
    "select mutation, key, result from platform_idempotency_key where tenant_id = ? and owner_id = ? and body_hash <> ''",
    tenantId,
    ownerId,
  );
  for (const { mutation, key, result } of keys) {
    const ids = Object.values(JSON.parse(result) as Record<string, string>);
    if (!ids.includes(id) && !(await areOf(sql, num, ids))) continue;
    await sql.run(
      "update platform_idempotency_key set body_hash = '', key = ? where tenant_id = ? and owner_id = ? and mutation = ? and key = ?",
      erasedKey(key),
      tenantId,
      ownerId,
      mutation,
      key,
    );
  }
}

/** Whether one of these is a run or a message of the stream. */
async function areOf(sql: Sql, streamNum: number, ids: readonly string[]): Promise<boolean> {
  for (const id of ids) {
    const found = await sql.get(
      "select id from runs_run where id = ? and stream_num = ? union all select id from runs_message where id = ? and stream_num = ?",
      id,
      streamNum,
      id,
      streamNum,
    );
    if (found !== undefined) return true;
  }
  return false;
}

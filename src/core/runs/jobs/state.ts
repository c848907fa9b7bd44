import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Sql } from "../../database/sql.ts";
import { WeftlineError, messageOf } from "../../errors.ts";
import { boundedJson, type BoundedJson } from "../../json/bounded.ts";
import type { JobDefinition } from "./definition.ts";

/** The most that a job may save, in bytes of JSON. */
const maxBytes = 64 * 1024;

/** The state as it is kept. @throws JOB_STATE_INVALID */
export function storedState({ name }: JobDefinition, state: unknown): string {
  const refuse = (problem: string): never => {
    throw new WeftlineError("JOB_STATE_INVALID", { job: name, problem });
  };
  const { text } = jsonOf(state, refuse);
  return text ?? refuse(`it has more than ${maxBytes / 1024} KiB.`);
}

function jsonOf(state: unknown, refuse: (problem: string) => never): BoundedJson {
  try {
    return boundedJson(state, maxBytes);
  } catch (error) {
    return refuse(messageOf(error));
  }
}

/** What a run of a job saved last. @throws JOB_STATE_INVALID where it is no state of the job as it is now. */
export async function readState(read: Sql, runId: string, { name, state: schema }: JobDefinition): Promise<unknown> {
  const row = await read.get<{ state: string }>("select state from runs_job_state where run_id = ?", runId);
  if (!row) return undefined;
  const value = JSON.parse(row.state) as unknown;
  if (!schema) return value;
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return result.value;
  throw new WeftlineError("JOB_STATE_INVALID", { job: name, problem: wordsOf(result.issues) });
}

function wordsOf(issues: readonly StandardSchemaV1.Issue[]): string {
  return issues.map(({ path, message }) => [pathOf(path).join("."), message].filter(Boolean).join(": ")).join("; ");
}

/** The place of a problem. */
export function pathOf(path: StandardSchemaV1.Issue["path"]): string[] {
  return (path ?? []).map((part) => String(typeof part === "object" ? part.key : part));
}

/** A claimed run. */
export interface ClaimedRun {
  readonly id: string;
  readonly epoch: number;
}

/** Within a transaction: keeps where a run is. Who gets on was not lost in vain, so that losses count from here. @throws RUN_FENCED for a worker that lost its run. */
export async function saveState(sql: Sql, { id, epoch }: ClaimedRun, state: string | undefined): Promise<void> {
  const held = await sql.run("update runs_run set takeovers = 0 where id = ? and epoch = ? and finished_at is null", id, epoch);
  if (held === 0) throw new WeftlineError("RUN_FENCED");
  if (state === undefined) return;
  await sql.run(
    `insert into runs_job_state (run_id, state, saved_at) values (?, ?, ${sql.now})
     on conflict (run_id) do update set state = excluded.state, saved_at = excluded.saved_at`,
    id,
    state,
  );
}

/** Forgets what runs of jobs saved. */
export async function purgeStates(sql: Sql, runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) await sql.run("delete from runs_job_state where run_id = ?", runId);
}

import { v7 as newId } from "uuid";
import type { Sql } from "../../database/sql.ts";
import { stepIdOf, type EventPayloads, type LoggedEvent } from "../events.ts";
import { text, type ProjectedRun } from "../projector.ts";

/** The run at the top of a tree, as far as the ledger names it. */
interface Root {
  readonly id: string;
  readonly thread_id: string | null;
  readonly target_type: string;
  readonly target_id: string;
}

/** Writes down a model call, with whom and what it was for. Its id says nothing of the run: rows outlive what they name. */
export async function insertUsage(
  sql: Sql,
  run: ProjectedRun,
  { payload, at }: LoggedEvent<EventPayloads["usage.recorded"]>,
  row: Readonly<Record<string, unknown>>,
): Promise<void> {
  const root = (await rootOf(sql, run)) ?? { id: run.id, thread_id: run.threadId, target_type: run.targetType, target_id: run.targetId };
  const [nanos, source] = payload.cost ?? [null, null];
  await sql.run(
    `insert into runs_usage (id, tenant_id, owner_id, run_id, root_id, step_id, thread_id, target_type, target_id, workflow_id, provider, model, provenance,
     input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, cost_nanos, price_source, created_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    newId(),
    run.tenantId,
    run.ownerId,
    run.id,
    root.id,
    payload.s === undefined ? null : stepIdOf(run.id, payload.s),
    run.threadId ?? root.thread_id,
    run.targetType,
    run.targetId,
    root.target_type === "Workflow" ? root.target_id : null,
    payload.provider,
    payload.model,
    text(row.provenance) ?? "LIVE",
    payload.inputTokens,
    payload.outputTokens,
    payload.cachedInputTokens ?? null,
    payload.reasoningTokens ?? null,
    payload.estimated === true ? 1 : 0,
    nanos,
    source,
    at,
  );
}

async function rootOf(sql: Sql, { id, parentId }: ProjectedRun): Promise<Root | undefined> {
  if (parentId === null) return undefined;
  return sql.get<Root>(
    "select id, thread_id, target_type, target_id from runs_run where id = (select root_id from runs_run where id = ?)",
    id,
  );
}

/** What a run and the runs below it used so far. */
export interface TreeUsage {
  readonly calls: number;
  readonly unpriced: number;
  readonly estimated: number;
  readonly input: number;
  readonly output: number;
  readonly nanos: number;
  readonly sources: string;
}

/** Sums up the calls of a run and of those below it. */
export async function treeUsage(sql: Sql, runId: string): Promise<TreeUsage> {
  const row = await sql.get<TreeUsage>(
    `with recursive tree (id) as (select id from runs_run where id = ? union select r.id from runs_run r join tree t on r.parent_id = t.id)
     select count(*) as calls, coalesce(sum(case when cost_nanos is null then 1 else 0 end), 0) as unpriced, coalesce(max(estimated), 0) as estimated,
     coalesce(sum(input_tokens), 0) as input, coalesce(sum(output_tokens), 0) as output, coalesce(sum(cost_nanos), 0) as nanos,
     coalesce(group_concat(distinct price_source), '') as sources from runs_usage where run_id in (select id from tree)`,
    runId,
  );
  return row ?? { calls: 0, unpriced: 0, estimated: 0, input: 0, output: 0, nanos: 0, sources: "" };
}

/** Takes the links out of what runs cost: of a thread that is erased, the amounts stay. */
export async function purgeUsage(
  sql: Sql,
  { threadId, runIds }: { readonly threadId: string; readonly runIds: readonly string[] },
): Promise<void> {
  await sql.run("delete from runs_usage_sum where key = ? and dimension = 'THREAD'", threadId);
  for (const runId of runIds) {
    // Earlier versions made the ids of rows of those of runs.
    const named = await sql.all<{ id: string }>(
      "select id from runs_usage where run_id = ? and id >= ? and id < ?",
      runId,
      `${runId}.u`,
      `${runId}.v`,
    );
    for (const { id } of named) await sql.run("update runs_usage set id = ? where id = ?", newId(), id);
    await sql.run("update runs_usage set run_id = '', root_id = '', step_id = null, thread_id = null where run_id = ?", runId);
  }
}

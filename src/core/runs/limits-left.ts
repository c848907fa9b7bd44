import type { Sql } from "../database/sql.ts";
import type { StoredUsage } from "./events.ts";
import { WeftlineError } from "../errors.ts";
import type { Run, RunLimits } from "./entities/run.ts";
import { storedUsage } from "./usage.ts";

const tokensOf = ({ inputTokens, outputTokens }: StoredUsage): number => inputTokens + outputTokens;

/** What is left of a run's tokens, less what it used and what the runs below it used so far; nothing where it has no limit. */
export async function tokensLeft(sql: Sql, runId: string, { maxTokens }: RunLimits): Promise<number | undefined> {
  if (maxTokens === undefined) return undefined;
  const used = await sql.all<{ usage: string }>(
    `with recursive tree (id) as (select id from runs_run where id = ? union select r.id from runs_run r join tree t on r.parent_id = t.id)
     select usage from runs_run where id in (select id from tree)`,
    runId,
  );
  return used.reduce((left, { usage }) => left - tokensOf(storedUsage(JSON.parse(usage))), maxTokens);
}

/** Milliseconds until a run's deadline by the store's clock: this process's own decides nothing. */
export async function timeLeft(sql: Sql, { deadlineAt }: Pick<Run, "deadlineAt">): Promise<number | undefined> {
  if (deadlineAt == null) return undefined;
  const clock = await sql.get<{ now: number }>(`select ${sql.now} as now`);
  return deadlineAt - (clock?.now ?? 0);
}

/**
 * What is left of a run's limits for one that continues in its place.
 *
 * @throws RUN_LIMIT where nothing is left of its tokens.
 */
export async function limitsLeft(sql: Sql, run: Pick<Run, "id" | "limits" | "deadlineAt">): Promise<RunLimits> {
  const { id, limits } = run;
  const maxTokens = await tokensLeft(sql, id, limits);
  if (maxTokens !== undefined && maxTokens <= 0) throw new WeftlineError("RUN_LIMIT", { limit: `${limits.maxTokens} tokens` });
  const leftMs = await timeLeft(sql, run);
  return {
    ...limits,
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(leftMs === undefined ? {} : { deadlineMs: Math.max(1, leftMs) }),
  };
}

import type { Sql } from "../database/sql.ts";
import type { StoredUsage } from "./events.ts";
import { WeftlineError } from "../errors.ts";
import type { Run, RunLimits } from "./entities/run.ts";
import { amountOf, nanosOf } from "./metering/cost.ts";
import { treeUsage } from "./metering/ledger.ts";
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

/**
 * A run's limits for one that continues in its place, with what is left of its tokens.
 *
 * @throws RUN_LIMIT where nothing is left.
 */
export async function limitsLeft(sql: Sql, { id, limits }: Pick<Run, "id" | "limits">): Promise<RunLimits> {
  const maxTokens = await tokensLeft(sql, id, limits);
  if (maxTokens !== undefined && maxTokens <= 0) throw new WeftlineError("RUN_LIMIT", { limit: `${limits.maxTokens} tokens` });
  const maxCost = await costLeft(sql, id, limits);
  return { ...limits, ...(maxTokens === undefined ? {} : { maxTokens }), ...(maxCost === undefined ? {} : { maxCost }) };
}

/** What is left of a run's money, less what it and the runs below it spent. @throws RUN_LIMIT where nothing is. */
async function costLeft(sql: Sql, runId: string, { maxCost }: RunLimits): Promise<RunLimits["maxCost"]> {
  const most = maxCost && nanosOf(maxCost.amount);
  if (!maxCost || most === undefined) return maxCost;
  const left = most - (await treeUsage(sql, runId)).nanos;
  if (left <= 0) throw new WeftlineError("RUN_LIMIT", { limit: `${maxCost.amount} ${maxCost.currency}` });
  return { ...maxCost, amount: amountOf(left) };
}

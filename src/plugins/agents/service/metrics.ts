import { raw, type FilterQuery } from "@mikro-orm/core";
import { Run, UsageRow, UsageView, hasRole, type Scope } from "#weftline";
import type { Agent } from "../entities.ts";

type Entities = Scope["em"];

/** How an agent did over some time, as far as the viewer may see its runs. */
export interface Metrics {
  /** Finished runs. */
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Milliseconds from start to end; null where no run finished. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** Of the runs that are counted. */
  readonly usage: UsageView;
}

/**
 * Counts the runs of an agent that finished within some time.
 *
 * @param lastMs how far back, in milliseconds.
 */
export async function metricsOf(scope: Scope, agent: Agent, lastMs: number): Promise<Metrics> {
  // Admins see status and cost of all runs of their tenant, others those of their own.
  const em = scope.emWith(hasRole(scope.viewer, "admin") ? "TENANT" : "MINE");
  const where = { targetType: "Agent", targetId: agent.id, finishedAt: { $gte: Date.now() - lastMs } } satisfies FilterQuery<Run>;
  const [runs, succeeded, failed, durations, usage] = await Promise.all([
    em.count(Run, where),
    em.count(Run, { ...where, status: "SUCCEEDED" }),
    em.count(Run, { ...where, status: { $in: ["FAILED", "EXPIRED"] } }),
    em.count(Run, { ...where, startedAt: { $ne: null } }),
    usageOf(em, where),
  ]);
  const [p50Ms, p95Ms] = await Promise.all([percentile(em, where, durations, 0.5), percentile(em, where, durations, 0.95)]);
  return { runs, succeeded, failed, p50Ms, p95Ms, usage };
}

/** The duration that this share of the runs did not exceed: the nearest rank, so it is one that was measured. */
async function percentile(em: Entities, where: FilterQuery<Run>, count: number, share: number): Promise<number | null> {
  if (count === 0) return null;
  const [run] = await em.find(
    Run,
    { $and: [where, { startedAt: { $ne: null } }] },
    {
      fields: ["startedAt", "finishedAt"],
      orderBy: { [raw((alias) => `${alias}.finished_at - ${alias}.started_at`)]: "asc" },
      offset: Math.ceil(count * share) - 1,
      limit: 1,
    },
  );
  return run?.startedAt == null || run.finishedAt == null ? null : run.finishedAt - run.startedAt;
}

interface Sums {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly modelCalls: number;
  readonly estimated: number | null;
  readonly unpriced: number | null;
  readonly nanos: string | null;
  readonly sources: string | null;
}

const sums: Record<keyof Sums, string> = {
  inputTokens: "sum(u.input_tokens)",
  outputTokens: "sum(u.output_tokens)",
  cachedInputTokens: "sum(u.cached_input_tokens)",
  reasoningTokens: "sum(u.reasoning_tokens)",
  modelCalls: "count(*)",
  estimated: "max(case when u.estimated then 1 else 0 end)",
  unpriced: "sum(case when u.cost_nanos is null then 1 else 0 end)",
  nanos: "cast(sum(u.cost_nanos) as text)",
  sources: "group_concat(distinct u.price_source)",
};

async function usageOf(em: Entities, where: FilterQuery<Run>): Promise<UsageView> {
  const runs = em
    .createQueryBuilder(Run, "r")
    .select("r.id")
    .where(where as never);
  const query = em
    .createQueryBuilder(UsageRow, "u")
    .select(Object.entries(sums).map(([name, sql]) => raw(`${sql} as "${name}"`)))
    .where({ runId: { $in: runs } });
  await query.applyFilters();
  const [row] = await query.execute<Sums[]>("all", false);
  const tokens = {
    inputTokens: row?.inputTokens ?? 0,
    outputTokens: row?.outputTokens ?? 0,
    cachedInputTokens: row?.cachedInputTokens ?? null,
    reasoningTokens: row?.reasoningTokens ?? null,
    modelCalls: row?.modelCalls ?? 0,
    estimated: row?.estimated === 1,
    unpricedCalls: row?.unpriced ?? 0,
    nanos: BigInt(row?.nanos ?? 0),
    priceSources: row?.sources?.split(",") ?? [],
  };
  return new UsageView(tokens);
}

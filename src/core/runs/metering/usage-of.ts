import { raw, type FilterQuery } from "@mikro-orm/core";
import { databaseService } from "../../database/database.ts";
import { readerOf } from "../../database/ownership.ts";
import type { Reach } from "../../database/viewer.ts";
import { localIdOrNothing } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Run, UsageRow } from "../entities/run.ts";
import { conditionsOf, type RunFilter } from "../schema/run-list.ts";
import { dimensions, type Dimension } from "./dimensions.ts";
import { checkFew } from "./few-runs.ts";
import { mostKeys, usageOfRow, usageSums, type SumQuery, type SumRow, type UsageSum } from "./sums.ts";

/** Which model calls to sum up, as the viewer may see them. */
export interface UsageQuery extends Pick<SumQuery, "by" | "bucketMs"> {
  /** Whose; the viewer's own by default. */
  readonly reach?: Reach;
  /** Only of these runs. */
  readonly filter?: RunFilter | null | undefined;
  /** Made then or later, and before that; in milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * Sums of model calls, the dearest first, at most 1,000 of them. Where the filter asks for no more than one agent, workflow or thread and the sums are
 * not by something else, they stand there by hours and days; else the calls of the runs are read.
 *
 * @throws FORBIDDEN for reach TENANT of a viewer who is no admin; INVALID_INPUT where the calls of too many runs would have to be read.
 */
export async function usageOf(scope: Scope, { reach = "MINE", filter, by = "ALL", ...rest }: UsageQuery): Promise<UsageSum[]> {
  readerOf(scope.viewer, reach);
  const { tenantId, actorId } = scope.viewer;
  const only = onlyOf(filter);
  const fits = only === "nothing" || (only !== undefined && (by === "ALL" || by === only.by));
  if (!fits) return filteredUsage(scope, { reach, filter: filter ?? {}, by, ...rest });
  const { read } = scope.use(databaseService);
  const ownerId = reach === "MINE" ? actorId : undefined;
  return usageSums(read, { tenantId, ownerId, ...rest, ...(only === "nothing" ? { by } : only) });
}

/** The one thing that a filter asks for, as the sums have it. */
function onlyOf(filter: RunFilter | null | undefined): "nothing" | Required<Pick<SumQuery, "by" | "key">> | undefined {
  const given = Object.entries(filter ?? {}).filter(([, value]) => value != null);
  if (given.length === 0) return "nothing";
  const [[name, value] = ["", ""]] = given;
  const kind = ({ agent: ["Agent", "AGENT"], workflow: ["Workflow", "WORKFLOW"], thread: ["Thread", "THREAD"] } as const)[name as "agent"];
  const key = kind === undefined ? undefined : localIdOrNothing(kind[0], String(value));
  // A workflow's runs are its own; what it started counts to it in sums by WORKFLOW alone.
  return given.length > 1 || kind === undefined || key === undefined || name === "workflow" ? undefined : { by: kind[1] as Dimension, key };
}

const sums: Record<Exclude<keyof SumRow, "key">, string> = {
  calls: "count(*)",
  unpriced: "sum(case when u.cost_nanos is null then 1 else 0 end)",
  estimated: "sum(u.estimated)",
  input: "sum(u.input_tokens)",
  output: "sum(u.output_tokens)",
  cached: "sum(u.cached_input_tokens)",
  reasoning: "sum(u.reasoning_tokens)",
  nanos: "cast(coalesce(sum(u.cost_nanos), 0) as text)",
  sources: "group_concat(distinct u.price_source)",
};

/** The calls of the runs that a filter asks for. */
async function filteredUsage(
  scope: Scope,
  { reach = "MINE", filter, by = "ALL", since, until, bucketMs }: UsageQuery,
): Promise<UsageSum[]> {
  await checkFew(scope, { reach, filter });
  const em = scope.emWith(reach);
  const runs = em
    .createQueryBuilder(Run, "r")
    .select("r.id")
    .where({ $and: [{}, ...conditionsOf(scope, reach, filter ?? {})] } as never);
  const dimension = dimensions[by === "OWNER" ? "ALL" : by];
  const time = bucketMs === undefined ? undefined : `u.created_at - u.created_at % ${Math.trunc(bucketMs)}`;
  const key = time ?? (by === "OWNER" ? "u.owner_id" : dimension.key);
  const where: FilterQuery<UsageRow>[] = [
    { runId: { $in: runs } } as never,
    ...(since === undefined ? [] : [{ createdAt: { $gte: since } }]),
    ...(until === undefined ? [] : [{ createdAt: { $lt: until } }]),
    { [raw(dimension.where)]: [] } as never,
  ];
  const query = em
    .createQueryBuilder(UsageRow, "u")
    .select([raw(`${key} as "key"`), ...Object.entries(sums).map(([name, sql]) => raw(`${sql} as "${name}"`))])
    .where({ $and: where } as never)
    .groupBy(raw(key) as never)
    .orderBy({ [raw("coalesce(sum(u.cost_nanos), 0)")]: "desc", [raw(`1`)]: "asc" } as never)
    .limit(mostKeys);
  await query.applyFilters();
  const rows = await query.execute<SumRow[]>("all", false);
  return rows.filter(({ calls }) => calls > 0).map((row) => ({ key: String(row.key), usage: usageOfRow(row) }));
}

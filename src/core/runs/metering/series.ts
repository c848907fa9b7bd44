import { raw } from "@mikro-orm/core";
import { databaseService } from "../../database/database.ts";
import { readerOf } from "../../database/ownership.ts";
import type { SqlValue } from "../../database/sql.ts";
import type { Reach } from "../../database/viewer.ts";
import { WeftlineError } from "../../errors.ts";
import { parseGlobalId } from "../../graphql/ids.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Run } from "../entities/run.ts";
import { conditionsOf, type RunFilter } from "../schema/run-list.ts";
import { noUsage } from "../usage.ts";
import { grains } from "./dimensions.ts";
import { checkFew } from "./few-runs.ts";
import { keyOfTarget } from "./run-sums.ts";
import { addSpan, outcomesOf, width, type Outcomes, type Span } from "./spans.ts";
import type { SummedUsage } from "./sums.ts";
import { usageOf, type UsageQuery } from "./usage-of.ts";

/** The most times that a series has, and how many milliseconds one of them lasts at least. */
const mostBuckets = 500;
const shortest = 1_000;

/** How runs did that were asked for within some time. */
export interface RunBucket extends Outcomes {
  /** When it begins, in milliseconds since 1970. */
  readonly from: number;
  /** Of the model calls that were made within it. */
  readonly usage: SummedUsage;
}

/** Which runs, and how to cut the time. */
export interface SeriesQuery extends Pick<UsageQuery, "reach" | "filter"> {
  readonly since: number;
  readonly until: number;
  readonly bucketMs: number;
}

/**
 * Runs by the time at which they were asked for. Times begin at whole multiples of their length in UTC; the first is the one that `since` falls into.
 *
 * @throws INVALID_INPUT for more than 500 times, and for too many runs where no sums fit; FORBIDDEN for reach TENANT of a viewer who is no admin.
 */
export async function runSeries(scope: Scope, { reach = "MINE", filter, since, until, bucketMs }: SeriesQuery): Promise<RunBucket[]> {
  readerOf(scope.viewer, reach);
  if (bucketMs < shortest) throw invalid("bucket", "At least a second, as in PT1H.");
  const first = since - (((since % bucketMs) + bucketMs) % bucketMs);
  const count = Math.ceil((until - first) / bucketMs);
  if (count > mostBuckets) throw invalid("bucket", `At most ${mostBuckets} buckets; these are ${count}.`);
  if (count <= 0) return [];
  const [buckets, usage] = await Promise.all([
    bucketsOf(scope, { reach, filter, since: first, until, bucketMs }),
    usageOf(scope, { reach, filter, since: first, until, bucketMs }),
  ]);
  const usages = new Map(usage.map((each) => [Number(each.key), each.usage]));
  return Array.from({ length: count }, (_, at) => {
    const from = first + at * bucketMs;
    return { from, ...outcomesOf([...(buckets.get(from)?.values() ?? [])]), usage: usages.get(from) ?? noUsage };
  });
}

type Buckets = Map<number, Map<string, Span>>;

const ended = "case when r.started_at is null then null else r.finished_at - r.started_at end";
/** Of runs as their rows have it: the same as {@link binOf} counts. */
const binInSql = `cast(ln(max(${ended}, 0) + 1) / ${width} as integer)`;

async function bucketsOf(scope: Scope, query: Required<Pick<SeriesQuery, "reach">> & SeriesQuery): Promise<Buckets> {
  const key = keyOf(query.filter);
  const rows =
    key === undefined || query.bucketMs % grains.hour.ms !== 0
      ? await rowsOfRuns(scope, query)
      : await rowsOfSums(scope, { ...query, key });
  const buckets: Buckets = new Map();
  for (const { bucket, spans } of rows) {
    const spansOf = buckets.get(bucket) ?? new Map<string, Span>();
    buckets.set(bucket, spansOf);
    for (const span of JSON.parse(spans) as Span[]) addSpan(spansOf, span);
  }
  return buckets;
}

interface Part {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

interface Row {
  readonly bucket: number;
  readonly spans: string;
}

/** What the sums are kept by; nothing for filters that ask for more than one target. */
function keyOf(filter: RunFilter | null | undefined): string | undefined {
  const given = Object.entries(filter ?? {}).filter(([, value]) => value != null);
  const [[name, value] = ["", ""]] = given;
  if (given.length === 0) return "";
  const target = parseGlobalId(String(value));
  const isTarget =
    name === "target" || (name === "agent" && target?.typeName === "Agent") || (name === "workflow" && target?.typeName === "Workflow");
  return given.length > 1 || !isTarget || !target ? undefined : keyOfTarget(target.typeName, target.id);
}

/** Sums of whole hours or days, with the runs that are not in them yet: those that are open, those that ended just now, and those of an hour that `until` cuts. */
async function rowsOfSums(
  scope: Scope,
  { reach, since, until, bucketMs, key }: SeriesQuery & { readonly reach: Reach; readonly key: string },
): Promise<readonly Row[]> {
  const { read } = scope.use(databaseService);
  const { tenantId, actorId } = scope.viewer;
  const grain = bucketMs % grains.day.ms === 0 ? grains.day : grains.hour;
  // What comes after now has no runs, so that its hour is whole.
  const end = until >= (await scope.use(databaseService).now()) ? Math.ceil(until / grain.ms) * grain.ms : until - (until % grain.ms);
  const mine = reach === "MINE" ? { text: " and r.owner_id = ?", params: [actorId] } : { text: "", params: [] };
  const [, type = "", id = ""] = /^(\w+)\/(.*)$/s.exec(key) ?? [];
  const of = key === "" ? { text: "", params: [] } : { text: " and r.target_type = ? and r.target_id = ?", params: [type, id] };
  const bucket = (time: string): string => `${time} - ${time} % ${bucketMs}`;
  const single = (from: string, where: string, ...params: readonly SqlValue[]): Part => ({
    text: `select ${bucket("r.created_at")} as bucket, json_array(json_array(r.status, ${binInSql}, count(*), max(${ended}))) as spans from ${from}
      where r.tenant_id = ?${mine.text}${of.text} and ${where} group by 1, r.status, ${binInSql}`,
    params: [tenantId, ...mine.params, ...of.params, ...params],
  });
  const parts = [
    {
      text: `select ${bucket("starts_at")} as bucket, spans from runs_run_sum
        where tenant_id = ? and owner_id = ? and key = ? and grain = ? and starts_at >= ? and starts_at < ?`,
      params: [tenantId, reach === "MINE" ? actorId : "", key, grain.name, since, end],
    },
    // A plus, a bound that all are in, and the order of a cross join have the store look among these few, not among all of the time.
    single("runs_run r", "r.owner_id > '' and r.finished_at is null and +r.created_at >= ? and +r.created_at < ?", since, end),
    single("runs_run_ended e cross join runs_run r on r.id = e.run_id", "+r.created_at >= ? and +r.created_at < ?", since, end),
    ...(end < until ? [single("runs_run r", "r.created_at >= ? and r.created_at < ?", end, until)] : []),
  ];
  return read.all<Row>(parts.map(({ text }) => text).join(" union all "), ...parts.flatMap(({ params }) => params));
}

/** The runs themselves, as far as they are not too many. */
async function rowsOfRuns(scope: Scope, query: SeriesQuery & { readonly reach: Reach }): Promise<readonly Row[]> {
  const { reach, filter, since, until, bucketMs } = query;
  await checkFew(scope, { reach, filter, since, until });
  const bucket = `r.created_at - r.created_at % ${Math.trunc(bucketMs)}`;
  const runs = scope
    .emWith(reach)
    .createQueryBuilder(Run, "r")
    .select([raw(`${bucket} as "bucket"`), raw(`json_array(json_array(r.status, ${binInSql}, count(*), max(${ended}))) as "spans"`)])
    .where({ $and: [{ createdAt: { $gte: since, $lt: until } }, ...conditionsOf(scope, reach, filter ?? {})] } as never)
    .groupBy([raw(bucket), raw("r.status"), raw(binInSql)] as never);
  await runs.applyFilters();
  return runs.execute<Row[]>("all", false);
}

function invalid(argument: string, message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { path: [argument], message, issues: [{ path: [argument], message }] });
}

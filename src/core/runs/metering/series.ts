import { raw } from "@mikro-orm/core";
import { readerOf } from "../../database/ownership.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Run } from "../entities/run.ts";
import { conditionsOf } from "../schema/run-list.ts";
import { noUsage } from "../usage.ts";
import type { SummedUsage } from "./sums.ts";
import { usageOf, type UsageQuery } from "./usage-of.ts";

/** The most times that a series has, and how many milliseconds one of them lasts at least. */
const mostBuckets = 500;
const shortest = 1_000;

/** How runs did that were asked for within some time. */
export interface RunBucket {
  /** When it begins, in milliseconds since 1970. */
  readonly from: number;
  readonly runs: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Milliseconds from start to end, of those that ended: within a hundredth. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
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
 * @throws INVALID_INPUT for more than 500 times; FORBIDDEN for reach TENANT of a viewer who is no admin.
 */
export async function runSeries(scope: Scope, { reach = "MINE", filter, since, until, bucketMs }: SeriesQuery): Promise<RunBucket[]> {
  readerOf(scope.viewer, reach);
  if (bucketMs < shortest) throw invalid("bucket", "At least a second, as in PT1H.");
  const first = since - (((since % bucketMs) + bucketMs) % bucketMs);
  const count = Math.ceil((until - first) / bucketMs);
  if (count > mostBuckets) throw invalid("bucket", `At most ${mostBuckets} buckets; these are ${count}.`);
  if (count <= 0) return [];
  const [spans, usage] = await Promise.all([
    spansOf(scope, { reach, filter, since: first, until, bucketMs }),
    usageOf(scope, { reach, filter, since: first, until, bucketMs }),
  ]);
  const usages = new Map(usage.map((each) => [Number(each.key), each.usage]));
  return Array.from({ length: count }, (_, at) => {
    const from = first + at * bucketMs;
    return { from, ...bucketOf(spans.filter((span) => span.bucket === from)), usage: usages.get(from) ?? noUsage };
  });
}

/** Runs of one bucket that ended alike after about as long: within a hundredth. */
interface Span {
  readonly bucket: number;
  readonly status: string;
  readonly runs: number;
  /** The longest of them; null for those that did not run to an end. */
  readonly ms: number | null;
}

const width = Math.log(1.01);

async function spansOf(scope: Scope, { reach = "MINE", filter, since, until, bucketMs }: SeriesQuery): Promise<Span[]> {
  const bucket = `r.created_at - r.created_at % ${Math.trunc(bucketMs)}`;
  const ms = "case when r.started_at is null then null else r.finished_at - r.started_at end";
  const bin = `cast(ln(max(${ms}, 0) + 1) / ${width} as integer)`;
  const query = scope
    .emWith(reach)
    .createQueryBuilder(Run, "r")
    .select([raw(`${bucket} as "bucket"`), raw('r.status as "status"'), raw('count(*) as "runs"'), raw(`max(${ms}) as "ms"`)])
    .where({ $and: [{ createdAt: { $gte: since, $lt: until } }, ...conditionsOf(scope, reach, filter ?? {})] } as never)
    .groupBy([raw(bucket), raw("r.status"), raw(bin)] as never);
  await query.applyFilters();
  return query.execute<Span[]>("all", false);
}

function bucketOf(spans: readonly Span[]): Omit<RunBucket, "from" | "usage"> {
  const count = (those: readonly Span[]): number => those.reduce((sum, { runs }) => sum + runs, 0);
  const of = (...statuses: readonly string[]): number => count(spans.filter(({ status }) => statuses.includes(status)));
  const ended = spans.filter((span): span is Span & { readonly ms: number } => span.ms !== null).toSorted((a, b) => a.ms - b.ms);
  const total = count(ended);
  const percentile = (share: number): number | null => {
    let left = Math.ceil(total * share);
    return ended.find(({ runs }) => (left -= runs) <= 0)?.ms ?? null;
  };
  return {
    runs: count(spans),
    succeeded: of("SUCCEEDED"),
    failed: of("FAILED", "EXPIRED"),
    p50Ms: total === 0 ? null : percentile(0.5),
    p95Ms: total === 0 ? null : percentile(0.95),
  };
}

function invalid(argument: string, message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { path: [argument], message, issues: [{ path: [argument], message }] });
}

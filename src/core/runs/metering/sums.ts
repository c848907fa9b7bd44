import type { Sql, SqlValue } from "../../database/sql.ts";
import type { StoredUsage } from "../events.ts";
import { dimensions, grains, type Dimension } from "./dimensions.ts";

/** Whose calls, of which time, and by what. */
export interface SumQuery {
  readonly tenantId: string;
  /** All owners of the tenant by default. */
  readonly ownerId?: string | undefined;
  /** From then on, and before that, in milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** One sum a key of it, or one an owner; one in all by default. */
  readonly by?: Dimension | "OWNER" | undefined;
  /** Only of this key, by `by`. */
  readonly key?: string | undefined;
  /** One sum a time of this length, in milliseconds; its key is when it begins. Such times begin at whole multiples of it since 1970. */
  readonly bucketMs?: number | undefined;
}

/** The sum of what one key names. */
export interface UsageSum {
  readonly key: string;
  readonly usage: SummedUsage;
}

/** Counts and money together; the money of many calls may be past what a number holds. */
export type SummedUsage = Omit<StoredUsage, "nanos"> & { readonly nanos?: number | bigint };

/** The most keys that one answer has: those that cost the most. */
export const mostKeys = 1_000;

/**
 * Sums of model calls: those of whole days and hours stand there, so that only the calls at both ends of the time, and those of the last second, are read
 * one by one.
 *
 * @returns the dearest first; one in all has the key "".
 */
export async function usageSums(sql: Sql, query: SumQuery): Promise<UsageSum[]> {
  const { text, params } = statementOf(query);
  const rows = await sql.all<SumRow>(
    `select key, sum(calls) as calls, sum(unpriced) as unpriced, sum(estimated) as estimated, sum(input_tokens) as input, sum(output_tokens) as output,
     sum(cached_input_tokens) as cached, sum(reasoning_tokens) as reasoning, cast(sum(nanos) as text) as nanos, group_concat(distinct price_sources) as sources
     from (${text}) group by key order by sum(nanos) desc, sum(input_tokens) + sum(output_tokens) desc, key limit ${mostKeys}`,
    ...params,
  );
  return rows.map((row) => ({ key: row.key, usage: usageOfRow(row) }));
}

/** The columns that {@link usageOfRow} reads. */
export interface SumRow {
  readonly key: string;
  readonly calls: number;
  readonly unpriced: number;
  readonly estimated: number;
  readonly input: number;
  readonly output: number;
  readonly cached: number | null;
  readonly reasoning: number | null;
  readonly nanos: string;
  readonly sources: string | null;
}

export function usageOfRow(row: SumRow): SummedUsage {
  const most = Number.MAX_SAFE_INTEGER;
  return {
    inputTokens: Math.min(row.input, most),
    outputTokens: Math.min(row.output, most),
    cachedInputTokens: row.cached === null ? null : Math.min(row.cached, most),
    reasoningTokens: row.reasoning === null ? null : Math.min(row.reasoning, most),
    modelCalls: row.calls,
    estimated: row.estimated > 0,
    unpricedCalls: row.unpriced,
    nanos: BigInt(row.nanos),
    priceSources: [...new Set((row.sources ?? "").split(",").filter(Boolean))],
  };
}

interface Part {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

const never = 8.64e15;

function statementOf({ tenantId, ownerId, since = 0, until = never, by = "ALL", key, bucketMs }: SumQuery): Part {
  const keyOf = (column: string, time: string): string =>
    bucketMs === undefined ? (by === "OWNER" ? "owner_id" : column) : `${time} - ${time} % ${Math.trunc(bucketMs)}`;
  const dimension = by === "OWNER" ? "ALL" : by;
  const hours = { from: ceil(since, grains.hour.ms), to: floor(until, grains.hour.ms) };
  const days = { from: ceil(since, grains.day.ms), to: floor(until, grains.day.ms) };
  const fits = (ms: number): boolean => bucketMs === undefined || bucketMs % ms === 0;
  const hasDays = days.from < days.to && fits(grains.day.ms);
  const summed = (grain: string, from: number, to: number): Part => {
    const owner = by === "OWNER" ? { text: "owner_id <> ''", params: [] } : { text: "owner_id = ?", params: [ownerId ?? ""] };
    const only = key === undefined ? { text: "", params: [] } : { text: " and key = ?", params: [key] };
    return {
      text: `select ${keyOf("key", "starts_at")} as key, calls, unpriced, estimated, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, nanos, price_sources
        from runs_usage_sum where tenant_id = ? and ${owner.text} and grain = '${grain}' and dimension = '${dimension}' and starts_at >= ? and starts_at < ?${only.text}`,
      params: [tenantId, ...owner.params, from, to, ...only.params],
    };
  };
  // Those not in the sums yet are few: a plus keeps the store from looking for them among all others.
  const single = (where: string, params: readonly SqlValue[], plus = ""): Part => {
    const { key: column, where: has } = dimensions[dimension];
    return {
      text: `select ${keyOf(column, "created_at")} as key, 1 as calls, case when cost_nanos is null then 1 else 0 end as unpriced, estimated, input_tokens, output_tokens,
        cached_input_tokens, reasoning_tokens, coalesce(cost_nanos, 0) as nanos, coalesce(price_source, '') as price_sources
        from runs_usage where ${plus}tenant_id = ?${ownerId === undefined ? "" : ` and ${plus}owner_id = ?`} and ${has}${key === undefined ? "" : ` and ${by === "MODEL" ? "" : plus}${column} = ?`} and ${where}`,
      params: [tenantId, ...(ownerId === undefined ? [] : [ownerId]), ...(key === undefined ? [] : [key]), ...params],
    };
  };
  const inTime = "created_at >= ? and created_at < ?";
  const parts = [
    single(`summed = 0 and +${inTime.replace(" and ", " and +")}`, [since, until], "+"),
    ...(hours.from < hours.to && fits(grains.hour.ms)
      ? [
          ...(hasDays
            ? [
                summed("DAY", days.from, days.to),
                ...(hours.from < days.from ? [summed("HOUR", hours.from, days.from)] : []),
                ...(days.to < hours.to ? [summed("HOUR", days.to, hours.to)] : []),
              ]
            : [summed("HOUR", hours.from, hours.to)]),
          ...(since < hours.from ? [single(`summed = 1 and ${inTime}`, [since, hours.from])] : []),
          ...(hours.to < until ? [single(`summed = 1 and ${inTime}`, [hours.to, until])] : []),
        ]
      : [single(`summed = 1 and ${inTime}`, [since, until])]),
  ];
  return { text: parts.map(({ text }) => text).join(" union all "), params: parts.flatMap(({ params }) => params) };
}

const floor = (time: number, ms: number): number => Math.floor(time / ms) * ms;
const ceil = (time: number, ms: number): number => Math.ceil(time / ms) * ms;

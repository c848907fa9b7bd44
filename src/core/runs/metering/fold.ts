import { setTimeout } from "node:timers/promises";
import type { Database } from "../../database/database.ts";
import type { Sql } from "../../database/sql.ts";
import { dimensions, grains, type Dimension } from "./dimensions.ts";

/** How many calls one transaction adds to the sums, and how long others go first after it, in milliseconds. */
const atOnce = 50;
const restMs = 10;

/** Adds calls that are not in the sums yet, oldest first, in small transactions with rests. */
export async function sumUsage(database: Database): Promise<void> {
  for (;;) {
    if ((await database.read.get("select id from runs_usage where summed = 0 limit 1")) === undefined) return;
    if ((await database.commit(({ sql }) => addNew(sql), "sumUsage")) < atOnce) return;
    await setTimeout(restMs);
  }
}

const fresh = `(select id from runs_usage where summed = 0 order by id limit ${atOnce})`;

async function addNew(sql: Sql): Promise<number> {
  for (const statement of statements) await sql.run(statement);
  return sql.run(`update runs_usage set summed = 1 where id in ${fresh}`);
}

/** One a dimension, grain and owner or all owners. */
const statements = Object.entries(dimensions).flatMap(([dimension, { key, where }]) =>
  Object.values(grains).flatMap(({ name, ms }) =>
    ["owner_id", "''"].map((owner) => statementOf({ dimension: dimension as Dimension, grain: name, ms, key, where, owner })),
  ),
);

interface Sum {
  readonly dimension: Dimension;
  readonly grain: string;
  readonly ms: number;
  readonly key: string;
  readonly where: string;
  readonly owner: string;
}

/** Price sources are few, so each is looked for in those that stand there. */
function statementOf({ dimension, grain, ms, key, where, owner }: Sum): string {
  return `insert into runs_usage_sum (tenant_id, owner_id, grain, dimension, starts_at, key, calls, unpriced, estimated, input_tokens, output_tokens,
      cached_input_tokens, reasoning_tokens, nanos, price_sources)
    select tenant_id, ${owner}, '${grain}', '${dimension}', created_at - created_at % ${ms}, ${key}, count(*), sum(case when cost_nanos is null then 1 else 0 end),
      sum(estimated), sum(input_tokens), sum(output_tokens), sum(cached_input_tokens), sum(reasoning_tokens), coalesce(sum(cost_nanos), 0), coalesce(price_source, '')
    from runs_usage where id in ${fresh} and ${where}
    group by tenant_id, ${owner}, created_at - created_at % ${ms}, ${key}, coalesce(price_source, '')
    on conflict (tenant_id, owner_id, grain, dimension, starts_at, key) do update set
      calls = calls + excluded.calls, unpriced = unpriced + excluded.unpriced, estimated = estimated + excluded.estimated,
      input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
      cached_input_tokens = case when cached_input_tokens is null then excluded.cached_input_tokens else cached_input_tokens + coalesce(excluded.cached_input_tokens, 0) end,
      reasoning_tokens = case when reasoning_tokens is null then excluded.reasoning_tokens else reasoning_tokens + coalesce(excluded.reasoning_tokens, 0) end,
      nanos = nanos + excluded.nanos,
      price_sources = case when excluded.price_sources = '' or ',' || price_sources || ',' like '%,' || excluded.price_sources || ',%' then price_sources
        when price_sources = '' then excluded.price_sources else price_sources || ',' || excluded.price_sources end`;
}

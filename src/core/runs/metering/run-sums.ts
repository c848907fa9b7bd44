import { setTimeout } from "node:timers/promises";
import { defineEntity } from "@mikro-orm/core";
import type { Database } from "../../database/database.ts";
import { owned } from "../../database/ownership.ts";
import type { Sql } from "../../database/sql.ts";
import { grains } from "./dimensions.ts";
import { addSpan, binOf, type Span } from "./spans.ts";

const EndedRunSchema = defineEntity({
  name: "EndedRun",
  tableName: "runs_run_ended",
  properties: (p) => ({ runId: p.string().primary() }),
});

/** A run that ended and is not in the sums yet: there are few. */
class EndedRun extends EndedRunSchema.class {}
EndedRunSchema.setClass(EndedRun);
export const endedRunEntity = owned(EndedRunSchema, { rule: "INTERNAL" });

const RunSumSchema = defineEntity({
  name: "RunSum",
  tableName: "runs_run_sum",
  properties: (p) => ({
    tenantId: p.string().primary(),
    /** Empty for the sum of all owners. */
    ownerId: p.string().primary(),
    /** Empty for all runs, or what they are of, as `Agent/<id>`. */
    key: p.string().primary(),
    /** An hour or a day, in UTC. */
    grain: p.enum(["HOUR", "DAY"] as const).primary(),
    /** When it begins, in milliseconds since 1970. */
    startsAt: p.bigint("number").primary(),
    spans: p.json<readonly Span[]>(),
  }),
});

/** How runs ended that were asked for in one hour or day, and how long they took: so that a series reads as many rows as it has hours, however many runs. */
class RunSum extends RunSumSchema.class {}
RunSumSchema.setClass(RunSum);
export const runSumEntity = owned(RunSumSchema, { rule: "INTERNAL" });

/** How many runs one transaction adds to the sums, and how long others go first after it, in milliseconds. */
const atOnce = 50;
const restMs = 10;

/** Within the transaction that ends a run. */
export async function noteEnd(sql: Sql, runId: string): Promise<void> {
  await sql.run("insert into runs_run_ended (run_id) values (?) on conflict do nothing", runId);
}

/** Adds runs that ended to the sums, in small transactions with rests. */
export async function sumRuns(database: Database): Promise<void> {
  for (;;) {
    if ((await database.read.get("select run_id from runs_run_ended limit 1")) === undefined) return;
    if ((await database.commit(({ sql }) => addEnded(sql), "sumRuns")) < atOnce) return;
    await setTimeout(restMs);
  }
}

interface EndedRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly status: string;
  readonly created_at: number;
  readonly ms: number | null;
}

async function addEnded(sql: Sql): Promise<number> {
  const some = `(select run_id from runs_run_ended order by run_id limit ${atOnce})`;
  // Those that were removed meanwhile count no more.
  const ended = await sql.all<EndedRow>(
    `select id, tenant_id, owner_id, target_type, target_id, status, created_at, finished_at - started_at as ms from runs_run where id in ${some}`,
  );
  const sums = new Map<string, { readonly place: readonly (string | number)[]; readonly runs: EndedRow[] }>();
  for (const run of ended) {
    for (const place of placesOf(run)) {
      const name = JSON.stringify(place);
      const sum = sums.get(name) ?? { place, runs: [] };
      sum.runs.push(run);
      sums.set(name, sum);
    }
  }
  for (const { place, runs } of sums.values()) {
    const row = await sql.get<{ spans: string }>(
      "select spans from runs_run_sum where tenant_id = ? and owner_id = ? and key = ? and grain = ? and starts_at = ?",
      ...place,
    );
    const spans = new Map<string, Span>();
    for (const span of row ? (JSON.parse(row.spans) as Span[]) : []) addSpan(spans, span);
    for (const { status, ms } of runs) addSpan(spans, [status, binOf(ms), 1, ms]);
    await sql.run(
      `insert into runs_run_sum (tenant_id, owner_id, key, grain, starts_at, spans) values (?, ?, ?, ?, ?, ?)
       on conflict (tenant_id, owner_id, key, grain, starts_at) do update set spans = excluded.spans`,
      ...place,
      JSON.stringify([...spans.values()]),
    );
  }
  return sql.run(`delete from runs_run_ended where run_id in ${some}`);
}

/** The sums that a run counts to. */
function placesOf({ tenant_id: tenantId, owner_id: ownerId, target_type: type, target_id: id, created_at: at }: EndedRow) {
  return Object.values(grains).flatMap(({ name, ms }) =>
    [ownerId, ""].flatMap((owner) => ["", keyOfTarget(type, id)].map((key) => [tenantId, owner, key, name, at - (at % ms)] as const)),
  );
}

export const keyOfTarget = (type: string, id: string): string => `${type}/${id}`;

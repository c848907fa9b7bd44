import type { Database } from "../../database/database.ts";
import { compact, keepMs, type CompactionOptions } from "../compaction.ts";
import type { RetainedData, RetentionRule } from "./contract.ts";

/** Streams that one transaction looks at anew. */
const streamsAtOnce = 200;
/** Rows that one read counts. */
const rowsAtOnce = 2_000;

/** How long tenants keep the deltas of finished messages, where they say. */
export class DeltaAges {
  readonly #byTenant = new Map<string, number>();

  get all(): ReadonlyMap<string, number> {
    return this.#byTenant;
  }

  set(rules: readonly RetentionRule[]): void {
    this.#byTenant.clear();
    for (const { tenantId, maxAgeMs } of rules) if (maxAgeMs !== undefined) this.#byTenant.set(tenantId, maxAgeMs);
  }
}

/** Deltas of finished messages, whose text stands in the message: they go by themselves, after the age that a policy says or after some minutes. */
export function retainedDeltas(database: Database, ages: DeltaAges, options: Pick<CompactionOptions, "broken" | "freed">): RetainedData {
  return {
    by: ["maxAge"],
    govern: (rules) => ages.set(rules),
    async preview({ tenantId, maxAgeMs = keepMs }) {
      let rows = 0;
      let oldest: number | null = null;
      for await (const streamNum of streamsOf(database, tenantId)) {
        const found = await deltasOf(database, streamNum, maxAgeMs);
        rows += found.rows;
        if (found.oldest !== null && (oldest === null || found.oldest < oldest)) oldest = found.oldest;
      }
      return { rows, oldest };
    },
    async prune({ tenantId, maxAgeMs = keepMs }, { signal, rest }) {
      // Those that were put off by a longer age of before.
      for (let changed = streamsAtOnce; changed === streamsAtOnce;) {
        changed = await database.upkeep(
          ({ sql }) =>
            sql.run(
              `update runs_stream set compactable_at = ${sql.now} - ? where num in
               (select num from runs_stream where compactable_at > ${sql.now} - ? and tenant_id = ? limit ${streamsAtOnce})`,
              maxAgeMs + 1,
              maxAgeMs,
              tenantId,
            ),
          "retention.deltas",
        );
        await rest(0);
      }
      const removed = await compact(database, keepMs, { ...options, ages: new Map([...ages.all, [tenantId, maxAgeMs]]), signal });
      await rest(removed);
      return removed;
    },
  };
}

async function* streamsOf({ read }: Database, tenantId: string): AsyncGenerator<number> {
  for (let after = { at: -1, num: -1 }; ;) {
    const page = await read.all<{ at: number; num: number }>(
      `select compactable_at as at, num from runs_stream where compactable_at is not null and (compactable_at, num) > (?, ?) and tenant_id = ? and held = 0
       order by compactable_at, num limit ${streamsAtOnce}`,
      after.at,
      after.num,
      tenantId,
    );
    for (const { num } of page) yield num;
    const last = page.at(-1);
    if (!last) return;
    after = last;
  }
}

/** Up to the first open run, from which on a worker may still need them. */
async function deltasOf({ read }: Database, streamNum: number, maxAgeMs: number): Promise<{ rows: number; oldest: number | null }> {
  const found: { rows: number; oldest: number | null } = { rows: 0, oldest: null };
  const stream = await read.get<{ horizon: number; last: number }>(
    `select horizon, coalesce((select min(start_seq) - 1 from runs_run where stream_num = s.num and start_seq > s.horizon and finished_at is null), head) as last
     from runs_stream s where num = ?`,
    streamNum,
  );
  if (!stream) return found;
  for (let after = stream.horizon; after < stream.last;) {
    const page = await read.get<{ last: number | null; rows: number; oldest: number | null }>(
      `select max(seq) as last, count(*) filter (where kind = 'message.delta' and at < ${read.now} - ?) as rows,
       min(case when kind = 'message.delta' and at < ${read.now} - ? then at end) as oldest
       from (select seq, at, kind from runs_event where stream_num = ? and seq > ? and seq <= ? order by seq limit ${rowsAtOnce})`,
      maxAgeMs,
      maxAgeMs,
      streamNum,
      after,
      stream.last,
    );
    if (!page || page.last === null) break;
    found.rows += page.rows;
    found.oldest ??= page.oldest;
    after = page.last;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

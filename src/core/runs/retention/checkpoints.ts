import type { Database, SqlTx } from "../../database/database.ts";
import type { Sql, SqlValue } from "../../database/sql.ts";
import { agedRows } from "./aged-rows.ts";
import type { RetainedData, RetentionRule } from "./contract.ts";
import { isFree } from "./holds.ts";

/** Checkpoints that one transaction removes at most. */
const checkpointsAtOnce = 25;

/** Of a run, the newest of each part of it: where a retry, and the next run of a graph, begins. */
const isOld = "exists (select 1 from runs_checkpoint n where n.run_id = e.run_id and n.namespace = e.namespace and n.num > e.num)";
const hasEnded = "exists (select 1 from runs_run r where r.id = e.run_id and r.finished_at is not null)";

/** Checkpoints of runs that have ended, but the newest of each: an open run needs all of its own. A count is of each run. */
export function retainedCheckpoints(database: Database): RetainedData {
  return agedRows(database, {
    table: "runs_checkpoint",
    at: "created_at",
    removable: ({ maxAgeMs, maxCount }: RetentionRule) => {
      const limits: string[] = [];
      const params: SqlValue[] = [];
      if (maxAgeMs !== undefined) {
        limits.push(`e.created_at < ${database.read.now} - ?`);
        params.push(maxAgeMs);
      }
      if (maxCount !== undefined) {
        limits.push(`(select count(*) from (select 1 from runs_checkpoint n where n.run_id = e.run_id and n.namespace = e.namespace
          and n.num > e.num limit ?)) >= ?`);
        params.push(maxCount, maxCount);
      }
      return { sql: `${isOld} and ${hasEnded} and ${isFree("e.run_id")} and (${limits.join(" or ") || "0"})`, params };
    },
    counted: "by removable",
    async remove(ids, work) {
      let removed = 0;
      for (let at = 0; at < ids.length; at += checkpointsAtOnce) {
        const some = ids.slice(at, at + checkpointsAtOnce);
        const went = await database.upkeep((tx) => removeCheckpoints(tx, some), "retention.checkpoints");
        await work.rest(went);
        removed += went;
      }
      return removed;
    },
  });
}

/** @returns how many went: a hold may have come since they were read. */
async function removeCheckpoints({ sql }: SqlTx, ids: readonly string[]): Promise<number> {
  let removed = 0;
  const parts = new Map<string, readonly [runId: string, namespace: string]>();
  for (const id of ids) {
    const row = await sql.get<{ run_id: string; namespace: string; name: string }>(
      `delete from runs_checkpoint where id = ? and ${isFree("runs_checkpoint.run_id")} returning run_id, namespace, name`,
      id,
    );
    if (!row) continue;
    removed++;
    parts.set(JSON.stringify([row.run_id, row.namespace]), [row.run_id, row.namespace]);
    await sql.run(
      "delete from runs_checkpoint_write where run_id = ? and namespace = ? and checkpoint = ?",
      row.run_id,
      row.namespace,
      row.name,
    );
  }
  for (const part of parts.values()) await removeUnnamedValues(sql, part);
  return removed;
}

/** Versions of values that no checkpoint of the part names any more, and none that one names is made of. */
async function removeUnnamedValues(sql: Sql, part: readonly [runId: string, namespace: string]): Promise<void> {
  const left = await sql.all<{ versions: string }>("select versions from runs_checkpoint where run_id = ? and namespace = ?", ...part);
  const values = await sql.all<Version>(
    "select channel, version, base from runs_checkpoint_value where run_id = ? and namespace = ?",
    ...part,
  );
  const byKey = new Map(values.map((value) => [keyOf(value), value]));
  const named = new Set<string>();
  for (const { versions } of left) {
    for (const [channel, version] of Object.entries(JSON.parse(versions) as Record<string, string>)) {
      let at = byKey.get(keyOf({ channel, version }));
      while (at && !named.has(keyOf(at))) {
        named.add(keyOf(at));
        at = at.base === null ? undefined : byKey.get(keyOf({ channel, version: at.base }));
      }
    }
  }
  for (const value of values) {
    if (named.has(keyOf(value))) continue;
    await sql.run(
      "delete from runs_checkpoint_value where run_id = ? and namespace = ? and channel = ? and version = ?",
      ...part,
      value.channel,
      value.version,
    );
  }
}

interface Version {
  readonly channel: string;
  readonly version: string;
  readonly base: string | null;
}

const keyOf = ({ channel, version }: Pick<Version, "channel" | "version">): string => JSON.stringify([channel, version]);

import type { SqlTx } from "#weftline";
import { removeCalls } from "./calls.ts";
import type { MemoryStore, Place, RecordKey, ThreadsAndRuns } from "../store.ts";

/** How many records are removed at once. */
const batch = 200;

const ofPlace = "s.tenant_id = ? and s.scope = ? and s.scope_id = ? and s.owner_id = ?";
const keyOf = ({ tenantId, scope, scopeId, ownerId }: Place): string[] => [tenantId, scope, scopeId, ownerId];

/** What of the store is about rows alone. */
export type RowStore = Pick<MemoryStore, "twin" | "change" | "size" | "lineage" | "some" | "removeExpired" | "removeOf" | "removeSomeOf">;

export function createRowStore(remove: MemoryStore["remove"]): RowStore {
  return {
    async twin({ sql }, { place, digest, now, but }) {
      const row = await sql.get<RecordKey & { metadata: string; expiresAt: number | null }>(
        `select r.num, r.id, r.metadata, r.expires_at as "expiresAt" from memory_record r join memory_space s on s.num = r.space
         where ${ofPlace} and r.digest = ? and r.superseded_by_id is null and (r.expires_at is null or r.expires_at > ?) and r.id <> ? limit 1`,
        ...keyOf(place),
        digest,
        now,
        but,
      );
      return row && { ...row, metadata: JSON.parse(row.metadata) as Readonly<Record<string, unknown>> };
    },
    async change({ sql }, num, { metadata, expiresAt, now }) {
      const kept = JSON.stringify(metadata);
      await sql.run("update memory_record set metadata = ?, expires_at = ?, updated_at = ? where num = ?", kept, expiresAt, now, num);
    },
    async size({ sql }, place) {
      const space = await sql.get<{ records: number }>(`select records from memory_space s where ${ofPlace}`, ...keyOf(place));
      return space?.records ?? 0;
    },
    lineage: ({ sql }, num) =>
      sql.all<RecordKey>(
        `with recursive gone (num, id) as (
           select num, id from memory_record where num = ?
           union select r.num, r.id from memory_record r join gone g on r.superseded_by_id = g.id)
         select num, id from gone`,
        num,
      ),
    some: ({ sql }, place, limit) =>
      sql.all<RecordKey>(
        `select r.num, r.id from memory_record r join memory_space s on s.num = r.space where ${ofPlace} limit ?`,
        ...keyOf(place),
        limit,
      ),
    async removeExpired(tx, limit) {
      const rows = await tx.sql.all<{ num: number }>(
        `select num from memory_record where expires_at <= ${tx.sql.now} order by expires_at limit ?`,
        limit,
      );
      if (rows.length > 0)
        await remove(
          tx,
          rows.map(({ num }) => num),
        );
      return rows.length;
    },
    async removeOf(tx, what) {
      for (const num of await spacesOf(tx, what)) await removeSpace(tx, num, remove);
      await removeCalls(tx.sql, what.runIds);
    },
    async removeSomeOf(tx, what, limit) {
      const rows = await tx.sql.all<{ num: number }>(
        "select num from memory_record where space in (select value from json_each(?)) limit ?",
        JSON.stringify(await spacesOf(tx, what)),
        limit,
      );
      await remove(
        tx,
        rows.map(({ num }) => num),
      );
      return rows.length;
    },
  };
}

/** The spaces of threads, and of the trees of runs. */
async function spacesOf({ sql }: SqlTx, { tenantId, threadIds, runIds }: ThreadsAndRuns): Promise<number[]> {
  const spaces = await sql.all<{ num: number }>(
    `select num from memory_space where tenant_id = ? and scope = 'THREAD' and scope_id in (select value from json_each(?))
     union all select num from memory_space where tenant_id = ? and scope = 'WORKFLOW' and scope_id in (select value from json_each(?))`,
    tenantId,
    JSON.stringify(threadIds),
    tenantId,
    JSON.stringify(runIds),
  );
  return spaces.map(({ num }) => num);
}

async function removeSpace(tx: SqlTx, space: number, remove: MemoryStore["remove"]): Promise<void> {
  for (;;) {
    const rows = await tx.sql.all<{ num: number }>("select num from memory_record where space = ? limit ?", space, batch);
    await remove(
      tx,
      rows.map(({ num }) => num),
    );
    if (rows.length < batch) break;
  }
  await tx.sql.run("delete from memory_space where num = ?", space);
}

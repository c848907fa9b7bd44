import type { Database, Sql } from "#weftline";
import type { MadeCall, MemoryStore } from "../store.ts";

/** What of the store is about calls of tools. */
export function createCallStore({ read }: Database): Pick<MemoryStore, "callOf" | "noteCall"> {
  return {
    callOf: (key, tx) => callOf(tx?.sql ?? read, key),
    async noteCall({ sql }, key, id) {
      await sql.run("insert into memory_call (key, num) select ?, num from memory_record where id = ?", key, id);
    },
  };
}

async function callOf(sql: Sql, key: string): Promise<MadeCall | undefined> {
  const row = await sql.get<{ id: string | null; scope: MadeCall["scope"] }>(
    "select r.id, r.scope from memory_call c left join memory_record r on r.num = c.num where c.key = ?",
    key,
  );
  return row && { id: row.id ?? undefined, scope: row.id === null ? undefined : row.scope };
}

/** Keys begin with the id of the run and a slash: what comes behind the slash is "0". */
export async function removeCalls(sql: Sql, runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) await sql.run("delete from memory_call where key > ? and key < ?", `${runId}/`, `${runId}0`);
}

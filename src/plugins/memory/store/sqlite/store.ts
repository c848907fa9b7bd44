import type { Database } from "#weftline";
import type { MemoryStore, Place } from "../store.ts";
import { vectorExtension } from "./extension.ts";
import { createCallStore } from "./calls.ts";
import { createEmbedderStore } from "./embedders.ts";
import { factsOf } from "./facts.ts";
import { clearIndex, insertRecord, insertVector, spaceNumber } from "./index-writes.ts";
import { retainedMemory } from "./retention.ts";
import { createRowStore } from "./rows.ts";
import { createSearch } from "./search.ts";
import { SketchTable } from "./sketch-table.ts";

/** The store on SQLite: rows, FTS5, and sqlite-vec where it is there. */
export function createSqliteStore(database: Database): MemoryStore {
  const extension = database.extensions.get(vectorExtension) ?? { state: "missing", problem: "Nobody brings it." };
  const library = extension.state === "loaded" ? extension.file : undefined;
  const sketches = new SketchTable(database, library === undefined ? "left out" : "kept");
  const searching = createSearch({ database, sketches, library });

  const remove: MemoryStore["remove"] = async (tx, nums) => {
    await clearIndex(tx, nums, sketches.kept);
    const list = JSON.stringify(nums);
    await tx.sql.run(
      `update memory_space set records = records - (select count(*) from memory_record r where r.space = memory_space.num and r.num in (select value from json_each(?)))
         where num in (select space from memory_record where num in (select value from json_each(?)))`,
      list,
      list,
    );
    await tx.sql.run("delete from memory_record where num in (select value from json_each(?))", list);
  };

  return {
    status: () => (extension.state === "loaded" ? { vectors: "EXTENSION" } : { vectors: "SCAN", reason: extension.problem }),
    open: () => sketches.open(),
    close: () => {
      sketches.close();
      searching.close();
    },
    ...createEmbedderStore(database.read),
    spaces: async (places) => {
      const rows = await Promise.all(places.map((place) => findSpace(database, place)));
      return [...new Set(rows.flatMap((row) => (row ? [row.num] : [])))];
    },
    add: async (tx, records) => {
      const spaces = new Map<string, { readonly num: number; added: number }>();
      for (const record of records) {
        const key = JSON.stringify(Object.values(record.place));
        let space = spaces.get(key);
        if (!space) spaces.set(key, (space = { num: await spaceNumber(tx, record.place), added: 0 }));
        space.added++;
        await insertRecord(tx, record, { space: space.num, sketches: sketches.kept });
      }
      for (const { num, added } of spaces.values())
        await tx.sql.run("update memory_space set records = records + ? where num = ?", added, num);
    },
    embed: async (tx, vectors) => {
      for (const { num, vector } of vectors) {
        const row = await tx.sql.get<{ space: number; tenant_id: string }>(
          "select space, tenant_id from memory_record where num = ? and embedder_num is not 0",
          num,
        );
        if (!row) continue;
        await insertVector(tx, { num, space: row.space, tenantId: row.tenant_id, vector }, sketches.kept);
        await tx.sql.run("update memory_record set embedder_num = ? where num = ?", vector.embedder, num);
      }
    },
    supersede: async (tx, num, { id, now }) => {
      await clearIndex(tx, [num], sketches.kept);
      await tx.sql.run("update memory_record set embedder_num = 0, superseded_by_id = ?, updated_at = ? where num = ?", id, now, num);
    },
    remove,
    ...createRowStore(remove),
    ...createCallStore(database),
    facts: (place, bounds) => factsOf(database, place, bounds),
    retained: (holds) => retainedMemory({ database, remove, holds }),
    search: searching.search,
  };
}

function findSpace({ read }: Database, { tenantId, scope, scopeId, ownerId }: Place): Promise<{ num: number } | undefined> {
  return read.get(
    "select num from memory_space where tenant_id = ? and scope = ? and scope_id = ? and owner_id = ?",
    tenantId,
    scope,
    scopeId,
    ownerId,
  );
}

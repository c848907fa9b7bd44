import { createOffload, type Database } from "#weftline";
import type { MemoryStore, Place, StoreQuery } from "../store.ts";
import { vectorExtension } from "./extension.ts";
import { createCallStore } from "./calls.ts";
import { createEmbedderStore } from "./embedders.ts";
import { factsOf } from "./facts.ts";
import { clearIndex, insertRecord, insertVector, spaceNumber } from "./index-writes.ts";
import { retainedMemory } from "./retention.ts";
import { createRowStore } from "./rows.ts";
import { asksSomething, searchStatement, toHit, type Plan, type SearchStatement } from "./search-sql.ts";
import { SketchTable } from "./sketch-table.ts";

/** Up to so many vectors are measured one by one, and up to so many of them on the event loop. */
const mostExact = 4_000;
const mostBeside = 200;
/** How long one search may take, in milliseconds. */
const searchMs = 10_000;

/** The store on SQLite: rows, FTS5, and sqlite-vec where it is there. */
export function createSqliteStore(database: Database): MemoryStore {
  const extension = database.extensions.get(vectorExtension) ?? { state: "missing", problem: "Nobody brings it." };
  const library = extension.state === "loaded" ? extension.file : undefined;
  const sketches = new SketchTable(database, library === undefined ? "left out" : "kept");
  const thread = createOffload(new URL(`./search-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    what: "searching memory",
    limitMs: searchMs,
  });

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

  const onThread = async (caller: string, statement: SearchStatement): Promise<unknown[]> =>
    (await thread.run(caller, { file: database.file, extension: library, ...statement })) as unknown[];

  return {
    status: () => (extension.state === "loaded" ? { vectors: "EXTENSION" } : { vectors: "SCAN", reason: extension.problem }),
    open: () => sketches.open(),
    close: () => {
      sketches.close();
      thread.close();
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
    search: async (query) => {
      if (!asksSomething(query)) return [];
      const plan = await planOf(database, query, sketches);
      const statement = searchStatement(query, plan.how);
      const rows =
        plan.where === "thread" ? await onThread(query.caller, statement) : await database.read.all(statement.sql, ...statement.params);
      return rows.map(toHit);
    },
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

interface SearchPlan {
  readonly how: Plan;
  readonly where: "thread" | "event loop";
}

/** Few vectors are measured one by one; of many the nearest sketches first. What takes more than a moment has a thread of its own. */
async function planOf({ read }: Database, { spaces, vector, metadata }: StoreQuery, sketches: SketchTable): Promise<SearchPlan> {
  const counted = await read.get<{ records: number; last: number }>(
    `select coalesce(sum(records), 0) as records, (select coalesce(max(num), 0) from memory_record) as last
     from memory_space where num in (${spaces.map(() => "?").join(", ")})`,
    ...spaces,
  );
  const { records, last } = counted ?? { records: 0, last: 0 };
  const words = records > mostExact && records > last / 4 ? "ROWS" : "INDEX";
  if (sketches.kept === "left out") return { how: { vectors: "EXACT", words }, where: vector ? "thread" : placeFor(records) };
  // Sketches know no metadata: the nearest of them may all be without what is asked for.
  const vectors = records > mostExact && metadata === undefined && sketches.ready ? "SKETCH" : "EXACT";
  return { how: { vectors, words }, where: placeFor(records) };
}

const placeFor = (records: number): SearchPlan["where"] => (records > mostBeside ? "thread" : "event loop");

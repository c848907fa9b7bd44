import { createOffload, type Database } from "#weftline";
import type { MemoryStore, StoreQuery } from "../store.ts";
import { searchStatement, toHit } from "./search-sql.ts";
import type { SketchTable } from "./sketch-table.ts";
import { marks, type Plan, type SearchStatement } from "./statement.ts";
import { wordStatement } from "./word-sql.ts";

/** Up to so many vectors are measured one by one, and up to so many of them on the event loop. */
const mostExact = 4_000;
const mostBeside = 200;
/** How long one search may take, in milliseconds. */
const searchMs = 10_000;

interface SearchParts {
  readonly database: Database;
  readonly sketches: SketchTable;
  /** The file of the extension, where it is loaded. */
  readonly library: string | undefined;
}

/** Searches in two statements, since words can be looked up while the query is still being embedded. */
export function createSearch({ database, sketches, library }: SearchParts): Pick<MemoryStore, "search"> & { close(): void } {
  const thread = createOffload(new URL(`./search-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    what: "searching memory",
    limitMs: searchMs,
  });

  async function rowsOf<Row>({ sql, params }: SearchStatement, where: SearchPlan["where"], caller: string): Promise<readonly Row[]> {
    if (where === "event loop") return database.read.all<object>(sql, ...params) as Promise<Row[]>;
    return (await thread.run(caller, { file: database.file, extension: library, sql, params })) as Row[];
  }

  async function lookUp(query: StoreQuery): Promise<SearchPlan & { readonly words: readonly number[] }> {
    const plan = await planOf(database, query, sketches);
    if (query.keywords.length === 0 || query.spaces.length === 0) return { ...plan, words: [] };
    const rows = await rowsOf<{ readonly num: number }>(wordStatement(query, plan.how), plan.where, query.caller);
    return { ...plan, words: rows.map(({ num }) => num) };
  }

  return {
    async search({ vector: coming, ...query }) {
      const [vector, { words, how, where }] = await Promise.all([coming, lookUp(query)]);
      if (!vector && words.length === 0) return [];
      return (await rowsOf(searchStatement({ ...query, vector }, words, how), where, query.caller)).map(toHit);
    },
    close: () => thread.close(),
  };
}

interface SearchPlan {
  readonly how: Plan;
  readonly where: "thread" | "event loop";
}

/** Few vectors are measured one by one; of many the nearest sketches first. What takes more than a moment has a thread of its own. */
async function planOf({ read }: Database, { spaces, metadata }: StoreQuery, sketches: SketchTable): Promise<SearchPlan> {
  const counted = await read.get<{ records: number; last: number }>(
    `select coalesce(sum(records), 0) as records, (select coalesce(max(num), 0) from memory_record) as last
     from memory_space where num in (${marks(spaces)})`,
    ...spaces,
  );
  const { records, last } = counted ?? { records: 0, last: 0 };
  const words = records > mostExact && records > last / 4 ? "ROWS" : "INDEX";
  if (sketches.kept === "left out") return { how: { vectors: "EXACT", words }, where: "thread" };
  // Sketches know no metadata: the nearest of them may all be without what is asked for.
  const vectors = records > mostExact && metadata === undefined && sketches.ready ? "SKETCH" : "EXACT";
  return { how: { vectors, words }, where: placeFor(records) };
}

const placeFor = (records: number): SearchPlan["where"] => (records > mostBeside ? "thread" : "event loop");

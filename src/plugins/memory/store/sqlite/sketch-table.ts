import { setTimeout as rest } from "node:timers/promises";
import type { Database, SqlTx } from "#weftline";
import type { Sketches } from "./index-writes.ts";
import { createSketches, dropSketches, insertSketch } from "./sketch-rows.ts";
import { floatsOf } from "./vector-bytes.ts";

const batch = 200;
const restMs = 20;
const retryMs = 5_000;

/** In `memory_state`: up to which record sketches were made anew; absent where they all are there. */
const progress = "sketches";

/**
 * The table of sketches, which lives by the extension. Without it vectors come and go and the sketches stay behind, so it is made anew when the extension
 * is back; until it is whole vectors are measured one by one.
 */
export class SketchTable {
  readonly kept: Sketches;
  readonly #database: Database;
  readonly #closing = new AbortController();
  #filling: Promise<void> | undefined;
  #ready = false;

  constructor(database: Database, kept: Sketches) {
    this.#database = database;
    this.kept = kept;
  }

  /** Whether each vector has its sketch. */
  get ready(): boolean {
    return this.#ready;
  }

  async open(): Promise<void> {
    const { tables } = (await this.#database.read.get<{ tables: number }>(
      "select count(*) as tables from sqlite_master where name in ('memory_sketch', 'memory_shard')",
    )) ?? { tables: 0 };
    const upTo = await noted(this.#database.read);
    if (this.kept === "left out") {
      if (tables > 0 && upTo !== 0) await this.#database.commit((tx) => note(tx, 0), "memory.sketches-stale");
      return;
    }
    const there = tables === createSketches.length;
    if (there && upTo === undefined) {
      this.#ready = true;
      return;
    }
    await this.#database.commit(async (tx) => {
      if (there && upTo !== 0) return;
      for (const statement of [...dropSketches, ...createSketches]) await tx.sql.run(statement);
      await note(tx, 0);
    }, "memory.sketches");
    this.#filling = this.#fill();
  }

  close(): void {
    this.#closing.abort();
  }

  /** Resolves when the table is whole, or the platform closes. */
  async filled(): Promise<void> {
    await this.#filling;
  }

  async #fill(): Promise<void> {
    const { signal } = this.#closing;
    const pause = (ms: number): Promise<void> => rest(ms, undefined, { signal, ref: false }).catch(() => undefined);
    while (!signal.aborted && !this.#ready) {
      try {
        this.#ready = !(await this.#database.upkeep(fillSome, "memory.sketch"));
        await pause(restMs);
      } catch {
        // A full disk, say, which the health of the database tells. Vectors are measured one by one meanwhile.
        await pause(retryMs);
      }
    }
  }
}

/** @returns whether there may be more. */
async function fillSome(tx: SqlTx): Promise<boolean> {
  const upTo = await noted(tx.sql);
  if (upTo === undefined) return false;
  const rows = await tx.sql.all<{ num: number; space: number; embedder_num: number; vector: Buffer; tenant_id: string }>(
    `select v.num, v.space, v.embedder_num, v.vector, r.tenant_id from memory_vector v join memory_record r on r.num = v.num
     where v.num > ? order by v.num limit ?`,
    upTo,
    batch,
  );
  for (const { num, space, embedder_num, vector, tenant_id } of rows)
    await insertSketch(tx, { num, tenantId: tenant_id, embedder: embedder_num, space, values: floatsOf(vector) });
  const last = rows.at(-1);
  if (last) await note(tx, last.num);
  else await tx.sql.run("delete from memory_state where key = ?", progress);
  return last !== undefined;
}

async function noted(sql: Pick<SqlTx["sql"], "get">): Promise<number | undefined> {
  return (await sql.get<{ value: number }>("select value from memory_state where key = ?", progress))?.value;
}

async function note({ sql }: SqlTx, value: number): Promise<void> {
  await sql.run(
    "insert into memory_state (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
    progress,
    value,
  );
}

import { WeftlineError, type SqlTx } from "#weftline";
import { sketchBits, sketchOf } from "./sketch.ts";

/** How many sketches a shard holds. */
export const shardRows = 4_096;

/**
 * Sketches, partitioned by tenant and embedder, and these into shards: what vec0 takes for a row grows with how many nearest are wanted, so few are wanted
 * of each shard instead of many of all. `memory_shard` counts the rows of each, so that what is forgotten makes room again.
 */
export const createSketches = [
  `create virtual table memory_sketch using vec0(
     num integer primary key, tenant text partition key, embedder integer partition key, shard integer partition key, space integer,
     sketch bit[${sketchBits}], chunk_size=512)`,
  `create table memory_shard (
     tenant text not null, embedder integer not null, shard integer not null, rows integer not null,
     primary key (tenant, embedder, shard)) without rowid`,
];

export const dropSketches = ["drop table if exists memory_sketch", "drop table if exists memory_shard"];

/** A vector that gets a sketch. */
export interface Sketched {
  readonly num: number;
  readonly tenantId: string;
  readonly embedder: number;
  readonly space: number;
  readonly values: Float32Array;
}

/** In place of one that is there. The extension takes whole numbers by their declared type only. */
export async function insertSketch({ sql }: Pick<SqlTx, "sql">, { num, tenantId, embedder, space, values }: Sketched): Promise<void> {
  await deleteSketch({ sql }, num);
  const found = await sql.get<{ shard: number }>(
    `select coalesce(
       (select min(shard) from memory_shard where tenant = ? and embedder = ? and rows < ${shardRows}),
       (select max(shard) + 1 from memory_shard where tenant = ? and embedder = ?), 0) as shard`,
    tenantId,
    embedder,
    tenantId,
    embedder,
  );
  const shard = found?.shard ?? 0;
  await sql.run(
    `insert into memory_shard (tenant, embedder, shard, rows) values (?, ?, ?, 1)
     on conflict (tenant, embedder, shard) do update set rows = rows + 1`,
    tenantId,
    embedder,
    shard,
  );
  const inserted = sql.run(
    `insert into memory_sketch (num, tenant, embedder, shard, space, sketch)
     values (cast(? as integer), ?, cast(? as integer), cast(? as integer), cast(? as integer), vec_bit(?))`,
    num,
    tenantId,
    embedder,
    shard,
    space,
    sketchOf(values),
  );
  await inserted.catch((error: unknown) => {
    throw isFull(error) ? new WeftlineError("STORE_UNAVAILABLE", { problem: "there is no room for sketches" }, { cause: error }) : error;
  });
}

/** On a full disk the extension says nothing but what it could not do. */
function isFull(error: unknown): boolean {
  return error instanceof Error && error.message.includes("Could not insert a new vector chunk");
}

/** Of a record that may have none. */
export async function deleteSketch({ sql }: Pick<SqlTx, "sql">, num: number): Promise<void> {
  const there = await sql.get<{ tenant: string; embedder: number; shard: number }>(
    "select tenant, embedder, shard from memory_sketch where num = cast(? as integer)",
    num,
  );
  if (!there) return;
  const { tenant, embedder, shard } = there;
  await sql.run("delete from memory_sketch where num = cast(? as integer)", num);
  await sql.run("update memory_shard set rows = rows - 1 where tenant = ? and embedder = ? and shard = ?", tenant, embedder, shard);
}

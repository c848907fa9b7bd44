import type { SqlTx } from "#weftline";
import type { NewRecord, Place, Vector } from "../store.ts";
import { deleteSketch, insertSketch } from "./sketch-rows.ts";
import { bytesOf } from "./vector-bytes.ts";

/** Whether sketches are kept: they take the extension. */
export type Sketches = "kept" | "left out";

const recordColumns =
  "id, tenant_id, owner_id, scope, scope_id, space, text, digest, metadata, embedder_num, source_run_id, superseded_by_id, created_at, updated_at, expires_at";

/** Inserts one record with its words and its vector. */
export async function insertRecord(
  { sql }: SqlTx,
  record: NewRecord,
  { space, sketches }: { readonly space: number; readonly sketches: Sketches },
): Promise<void> {
  const { id, place, ownerId, text, digest, metadata, sourceRunId, at, expiresAt, vector } = record;
  const row = await sql.get<{ num: number }>(
    `insert into memory_record (${recordColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, ?) returning num`,
    id,
    place.tenantId,
    ownerId,
    place.scope,
    place.scopeId,
    space,
    text,
    digest,
    JSON.stringify(metadata),
    vector?.embedder ?? null,
    sourceRunId,
    at,
    at,
    expiresAt,
  );
  const num = row?.num ?? 0;
  await sql.run("insert into memory_text (rowid, text, space) values (?, ?, ?)", num, text, space);
  if (vector) await insertVector({ sql }, { num, space, tenantId: place.tenantId, vector }, sketches);
}

interface PlacedVector {
  readonly num: number;
  readonly space: number;
  readonly tenantId: string;
  readonly vector: Vector;
}

/** In place of one that is there. */
export async function insertVector(
  { sql }: Pick<SqlTx, "sql">,
  { num, space, tenantId, vector }: PlacedVector,
  sketches: Sketches,
): Promise<void> {
  const { embedder, values } = vector;
  await sql.run(
    `insert into memory_vector (num, space, embedder_num, vector) values (?, ?, ?, ?)
     on conflict (num) do update set embedder_num = excluded.embedder_num, vector = excluded.vector`,
    num,
    space,
    embedder,
    bytesOf(values),
  );
  if (sketches === "kept") await insertSketch({ sql }, { num, tenantId, embedder, space, values });
}

/** Takes the words and the vectors of records out of the index. */
export async function clearIndex({ sql }: Pick<SqlTx, "sql">, nums: readonly number[], sketches: Sketches): Promise<void> {
  const list = JSON.stringify(nums);
  const listed = "(select value from json_each(?))";
  await sql.run(
    `insert into memory_text (memory_text, rowid, text, space)
     select 'delete', num, text, space from memory_record where num in ${listed} and embedder_num is not 0`,
    list,
  );
  await sql.run(`delete from memory_vector where num in ${listed}`, list);
  if (sketches === "kept") for (const num of nums) await deleteSketch({ sql }, num);
}

/** The number of a space, made where it is new. */
export async function spaceNumber({ sql }: Pick<SqlTx, "sql">, { tenantId, scope, scopeId, ownerId }: Place): Promise<number> {
  const key = [tenantId, scope, scopeId, ownerId] as const;
  const known = await sql.get<{ num: number }>(
    "select num from memory_space where tenant_id = ? and scope = ? and scope_id = ? and owner_id = ?",
    ...key,
  );
  if (known) return known.num;
  const made = await sql.get<{ num: number }>(
    "insert into memory_space (tenant_id, scope, scope_id, owner_id, records) values (?, ?, ?, ?, 0) returning num",
    ...key,
  );
  return made?.num ?? 0;
}

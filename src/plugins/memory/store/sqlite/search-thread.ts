import Database, { type Database as SqliteHandle } from "better-sqlite3";
import type { SearchStatement } from "./search-sql.ts";
import { floatsOf } from "./vector-bytes.ts";

/** A search on this thread: by which file, with which extension, or with the distance counted here. */
export interface SearchTask extends SearchStatement {
  readonly file: string;
  readonly extension: string | undefined;
}

/** Open connections by what they were opened for: one, as long as the platform keeps one database. */
const connections = new Map<string, SqliteHandle>();

/** Runs a search. */
export function work({ file, extension, sql, params }: SearchTask): unknown[] {
  const key = `${file}\n${extension ?? ""}`;
  let handle = connections.get(key);
  if (!handle) connections.set(key, (handle = open(file, extension)));
  return handle.prepare(sql).all(...params);
}

/** A connection that could write, since one that cannot leaves files of the write-ahead log behind; it does not. */
function open(file: string, extension: string | undefined): SqliteHandle {
  const handle = new Database(file, { timeout: 5_000, fileMustExist: true });
  handle.pragma("query_only = ON");
  handle.pragma("mmap_size = 268435456");
  if (extension === undefined) handle.function("vec_distance_cosine", { deterministic: true }, distance);
  else handle.loadExtension(extension);
  return handle;
}

/** One less the cosine of two vectors of length 1. */
function distance(a: unknown, b: unknown): number | null {
  if (!Buffer.isBuffer(a) || !Buffer.isBuffer(b) || a.length !== b.length) return null;
  const [left, right] = [floatsOf(a), floatsOf(b)];
  let dot = 0;
  for (let at = 0; at < left.length; at++) dot += (left[at] ?? 0) * (right[at] ?? 0);
  return 1 - dot;
}

import Database, { type Database as SqliteHandle, type Statement } from "better-sqlite3";
import { LRUCache } from "lru-cache";
import type { SearchStatement } from "./statement.ts";
import { floatsOf } from "./vector-bytes.ts";

/** A search on this thread: by which file, with which extension, or with the distance counted here. */
export interface SearchTask extends SearchStatement {
  readonly file: string;
  readonly extension: string | undefined;
}

/** A connection with the statements that it has prepared: their text differs by the number of spaces and by the plan alone. */
class Connection {
  readonly #handle: SqliteHandle;
  readonly #statements = new LRUCache<string, Statement>({ max: 50 });

  constructor(handle: SqliteHandle) {
    this.#handle = handle;
  }

  all(sql: string, params: SearchStatement["params"]): unknown[] {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, (statement = this.#handle.prepare(sql)));
    return statement.all(...params);
  }
}

/** Open connections by what they were opened for: one, as long as the platform keeps one database. */
const connections = new Map<string, Connection>();

/** Runs a search. */
export function work({ file, extension, sql, params }: SearchTask): unknown[] {
  const key = `${file}\n${extension ?? ""}`;
  let connection = connections.get(key);
  if (!connection) connections.set(key, (connection = new Connection(open(file, extension))));
  return connection.all(sql, params);
}

/**
 * A connection that could write, since one that cannot leaves files of the write-ahead log behind; it does not. The file is not mapped: SQLite unmaps all of
 * it whenever somebody has written, and to fault its pages in again takes longer than to read them.
 */
function open(file: string, extension: string | undefined): SqliteHandle {
  const handle = new Database(file, { timeout: 5_000, fileMustExist: true });
  handle.pragma("query_only = ON");
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

import type { Database as SqliteHandle, Statement } from "better-sqlite3";

/**
 * Prepared SQL for the hot paths, portable between stores: `?` placeholders, no dialect words but those of {@link Sql.now}.
 * Booleans are integers, times are milliseconds since 1970, documents are JSON text.
 */
export interface Sql {
  /** An expression for the database clock, in milliseconds. */
  readonly now: string;
  all<Row>(sql: string, ...params: SqlValue[]): Promise<Row[]>;
  get<Row>(sql: string, ...params: SqlValue[]): Promise<Row | undefined>;
  /** @returns how many rows were changed. */
  run(sql: string, ...params: SqlValue[]): Promise<number>;
}

export type SqlValue = string | number | null;

/** Keeps one prepared statement a text: the hot paths use a few dozen texts over and over. */
export function sqliteSql(handle: SqliteHandle): Sql {
  const statements = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = handle.prepare(sql)));
    return statement;
  };
  return {
    now: "cast(unixepoch('subsec') * 1000 as integer)",
    all: async <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).all(...params) as Row[],
    get: async <Row>(sql: string, ...params: SqlValue[]) => prepare(sql).get(...params) as Row | undefined,
    run: async (sql, ...params) => prepare(sql).run(...params).changes,
  };
}

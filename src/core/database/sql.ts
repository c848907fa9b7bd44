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

export type SqlValue = string | number | Uint8Array | null;

/** Everything with one connection. */
export function sqliteSql(handle: SqliteHandle): Sql {
  const prepare = statementsOf(handle);
  return sqlOf(prepare, prepare);
}

/**
 * Reads committed rows: with the writing connection where no transaction is open on it, since each commit empties the page cache of every other
 * connection. What is no mere read goes to the reading connection, which refuses it.
 */
export function committedSql({ reader, writer }: { readonly reader: SqliteHandle; readonly writer: SqliteHandle }): Sql {
  const ofReader = statementsOf(reader);
  const ofWriter = statementsOf(writer);
  const toRead = (sql: string): Statement => {
    if (writer.inTransaction) return ofReader(sql);
    const statement = ofWriter(sql);
    return statement.reader && statement.readonly ? statement : ofReader(sql);
  };
  return sqlOf(toRead, ofReader);
}

function sqlOf(toRead: Prepare, toRun: Prepare): Sql {
  return {
    now: "cast(unixepoch('subsec') * 1000 as integer)",
    all: async <Row>(sql: string, ...params: SqlValue[]) => toRead(sql).all(...params) as Row[],
    get: async <Row>(sql: string, ...params: SqlValue[]) => toRead(sql).get(...params) as Row | undefined,
    run: async (sql, ...params) => toRun(sql).run(...params).changes,
  };
}

type Prepare = (sql: string) => Statement;

/** Keeps one prepared statement a text: the hot paths use a few dozen texts over and over. */
function statementsOf(handle: SqliteHandle): Prepare {
  const statements = new Map<string, Statement>();
  return (sql) => {
    let statement = statements.get(sql);
    if (!statement) statements.set(sql, (statement = handle.prepare(sql)));
    return statement;
  };
}

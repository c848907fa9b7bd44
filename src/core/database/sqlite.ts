import Database, { type Database as SqliteHandle } from "better-sqlite3";
import { CompiledQuery, SqliteAdapter, SqliteDialect } from "kysely";

/** The two connections to one SQLite file: whoever reads sees committed rows only, also while a write is open. */
export interface SqliteHandles {
  readonly writer: SqliteHandle;
  readonly reader: SqliteHandle;
}

/** Opens a file in WAL mode. FULL: what a commit acknowledged survives a power loss. */
export function openSqlite(file: string): SqliteHandles {
  const writer = new Database(file, { timeout: 5_000 });
  try {
    writer.pragma("journal_mode = WAL");
    writer.pragma("synchronous = FULL");
    writer.pragma("foreign_keys = ON");
    const reader = new Database(file, { timeout: 5_000 });
    reader.pragma("query_only = ON");
    return { writer, reader };
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** A dialect over a handle that we own. Transactions begin IMMEDIATE: a deferred one that reads first fails under contention, whatever its timeout. */
export function sqliteDialect(handle: SqliteHandle): SqliteDialect {
  const dialect = new SqliteDialect({ database: handle });
  const createDriver = dialect.createDriver.bind(dialect);
  dialect.createDriver = () => {
    const driver = createDriver();
    driver.beginTransaction = async (connection) => {
      await connection.executeQuery(CompiledQuery.raw("begin immediate"));
    };
    return driver;
  };
  dialect.createAdapter = () => new UnlockedAdapter();
  return dialect;
}

/** Kysely's lock of an only connection is never released once BEGIN or COMMIT fails. The write queue is in its place. */
class UnlockedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Whether SQLite refused for a reason outside the statement: disk full, read-only, locked, damaged. */
export function isStoreFailure(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = "code" in at ? String(at.code) : "";
    if (/^SQLITE_(FULL|READONLY|BUSY|IOERR|CANTOPEN|CORRUPT|NOTADB)/.test(code)) return true;
  }
  return false;
}

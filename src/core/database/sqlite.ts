import Database, { type Database as SqliteHandle, type Statement } from "better-sqlite3";
import { SqliteAdapter, SqliteDialect } from "kysely";
import { watchPresence } from "./presence.ts";
import { makePrivateFile, repairFiles } from "./private-files.ts";
import type { Durable, Transactions } from "./queue.ts";
import { mostWalPages } from "./wal-checkpointer.ts";

/** The two connections to one SQLite file: whoever reads sees committed rows only, also while a write is open. */
export interface SqliteHandles {
  readonly writer: SqliteHandle;
  readonly reader: SqliteHandle;
  /** Begins a write, waiting a little for another program that holds the file. */
  readonly begin: Begin;
}

type Begin = () => Promise<void>;

/** How long a write waits while another program holds the file, in milliseconds: from then on writes are refused until it lets go. */
const lockPatienceMs = 1_000;
const lockRetryMs = 20;

/** Opens a file in WAL mode. FULL: what a commit acknowledged survives a power loss. Only this user may read it. */
export function openSqlite(file: string): SqliteHandles {
  const beside = { log: `${file}-wal`, index: `${file}-shm` };
  makePrivateFile(file);
  repairFiles(Object.values(beside));
  const writer = new Database(file, { timeout: 5_000 });
  try {
    // Only a new file takes this: pages that hold nothing any more can be given back to the disk.
    writer.pragma("auto_vacuum = INCREMENTAL");
    writer.pragma("journal_mode = WAL");
    // What is deleted is overwritten.
    writer.pragma("secure_delete = ON");
    writer.pragma("synchronous = FULL");
    writer.pragma("foreign_keys = ON");
    // What a savepoint keeps for its undoing: beyond 64 KiB SQLite would write it to a temporary file, at every write.
    writer.pragma("temp_store = MEMORY");
    writer.pragma(`wal_autocheckpoint = ${mostWalPages}`);
    const reader = new Database(file, { timeout: 5_000 });
    reader.pragma("query_only = ON");
    // The first read makes the write-ahead log, which lasts until the last connection closes.
    writer.pragma("schema_version");
    return { writer, reader, begin: createBegin(writer, watchPresence([file, beside.log])) };
  } catch (error) {
    writer.close();
    throw error;
  }
}

/**
 * Opens a file that is there for reading only, beside a server that may have it open. The connection is one that could write, since one that
 * cannot leaves files of the write-ahead log behind.
 */
export function openToRead(file: string): SqliteHandles {
  const reader = new Database(file, { timeout: 5_000, fileMustExist: true });
  reader.pragma("query_only = ON");
  return { writer: reader, reader, begin: () => Promise.reject(new Error("This connection only reads.")) };
}

/**
 * Transactions begin IMMEDIATE: a deferred one that reads first fails under contention, whatever its timeout. SQLite's own waiting would hold up
 * the whole process, so it is switched off and done here.
 */
function createBegin(writer: SqliteHandle, checkPresence: () => void): Begin {
  writer.pragma("busy_timeout = 0");
  const begin = writer.prepare("begin immediate");
  let lockedSince: number | undefined;
  return async () => {
    checkPresence();
    for (;;) {
      try {
        begin.run();
        lockedSince = undefined;
        return;
      } catch (error) {
        if (!isLocked(error)) throw error;
        lockedSince ??= performance.now();
        if (performance.now() - lockedSince > lockPatienceMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, lockRetryMs));
      }
    }
  };
}

function isLocked(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

/** A dialect over a handle that we own. `begin` is how its transactions begin; who only reads has none. */
export function sqliteDialect(
  handle: SqliteHandle,
  begin: Begin = () => Promise.reject(new Error("This connection only reads.")),
): SqliteDialect {
  const dialect = new SqliteDialect({ database: handle });
  const createDriver = dialect.createDriver.bind(dialect);
  dialect.createDriver = () => {
    const driver = createDriver();
    driver.beginTransaction = begin;
    return driver;
  };
  dialect.createAdapter = () => new UnlockedAdapter();
  return dialect;
}

/** The transactions of the writing connection, as the write queue opens and closes them. */
export function transactionsOf(
  { writer, begin }: SqliteHandles,
  watch: { committing(): Promise<void> | undefined; committed(rows: number, watched: "watched" | "unwatched"): void },
): Transactions {
  const [commit, rollback, mark, keep, undo] = ["commit", "rollback", "savepoint work", "release work", "rollback to work"].map((sql) =>
    writer.prepare(sql),
  ) as [Statement, Statement, Statement, Statement, Statement];
  const changes = writer.prepare("select total_changes()").pluck();
  let before = 0;
  let current: Durable = "now";
  return {
    begin: async (durable) => {
      if (durable !== current) writer.pragma(`synchronous = ${durable === "now" ? "FULL" : "NORMAL"}`);
      current = durable;
      await begin();
      before = changes.get() as number;
    },
    commit: async () => {
      const rows = (changes.get() as number) - before;
      const isWatched = rows > 0 && current === "now";
      if (isWatched) await watch.committing();
      commit.run();
      watch.committed(rows, isWatched ? "watched" : "unwatched");
    },
    rollback: () => void rollback.run(),
    mark: () => void mark.run(),
    settle(outcome) {
      if (outcome === "undo") undo.run();
      keep.run();
    },
    get open() {
      return writer.inTransaction;
    },
  };
}

/** Kysely's lock of an only connection is never released once BEGIN or COMMIT fails. The write queue is in its place. */
class UnlockedAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** Pages that one step gives back: a fraction of a MiB. */
const pagesAtOnce = 64;

/** Gives empty pages back, within a transaction. @returns how many bytes; 0 in a file that was made before pages could be given back */
export function shrinkBySome(writer: SqliteHandle): number {
  const read = (name: string): number => writer.pragma(name, { simple: true }) as number;
  const incremental = 2;
  const before = read("freelist_count");
  if (before === 0 || read("auto_vacuum") !== incremental) return 0;
  writer.pragma(`incremental_vacuum(${pagesAtOnce})`);
  return (before - read("freelist_count")) * read("page_size");
}

/** Whether SQLite refused for a reason outside the statement: disk full, read-only, locked, damaged. */
export function isStoreFailure(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code = "code" in at ? String(at.code) : "";
    if (/^SQLITE_(FULL|READONLY|BUSY|IOERR|CANTOPEN|CORRUPT|NOTADB)/.test(code)) return true;
  }
  return false;
}

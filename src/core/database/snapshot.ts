import Database, { type Database as SqliteHandle } from "better-sqlite3";
import { sqliteSql, type Sql } from "./sql.ts";

/** So many pages are copied at once (8 MiB): a signal is heard in between. */
const pagesAtOnce = 2_000;

/** One state of a database, read beside the server that writes it. It takes no lock that a writer would wait for. */
export class DatabaseSnapshot {
  /** Reads the state that is pinned, else the newest. */
  readonly sql: Sql;
  readonly #handle: SqliteHandle;

  /** Like every connection to a file that nobody else has open, it copies back the write-ahead log of a lost server when it closes. */
  constructor(file: string) {
    this.#handle = new Database(file, { timeout: 5_000, fileMustExist: true });
    this.#handle.pragma("query_only = ON");
    this.sql = sqliteSql(this.#handle);
  }

  /** Stays with the newest state from now on. Meanwhile the write-ahead log keeps what is written. */
  pin(): void {
    this.release();
    this.#handle.exec("begin");
    // A transaction sees what there is when it first reads.
    this.#handle.pragma("schema_version");
  }

  release(): void {
    if (this.#handle.inTransaction) this.#handle.exec("rollback");
  }

  hasTable(name: string): boolean {
    return this.#handle.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== undefined;
  }

  /** Copies the pinned state, page by page. @param progress is told which part is done, from 0 to 1. */
  async copyTo(target: string, { progress, signal }: { progress(part: number): void; readonly signal: AbortSignal }): Promise<void> {
    await this.#handle.backup(target, {
      progress: ({ totalPages, remainingPages }) => {
        signal.throwIfAborted();
        if (totalPages > 0) progress((totalPages - remainingPages) / totalPages);
        return pagesAtOnce;
      },
    });
  }

  close(): void {
    this.release();
    this.#handle.close();
  }
}

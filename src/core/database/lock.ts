import Database from "better-sqlite3";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { WeftlineError } from "../errors.ts";
import { makePrivateFile } from "./private-files.ts";

/** A lock that one process holds on a database file. */
export interface FileLock {
  release(): void;
}

/**
 * Locks a database file against a second server. The lock is SQLite's own on a file beside it, so the system drops it with the
 * process, also after `kill -9`: there is no stale lock to clean up.
 *
 * @throws DATABASE_LOCKED with the process that holds it.
 */
export function lockFile(file: string): FileLock {
  const pidFile = `${file}.pid`;
  makePrivateFile(`${file}.lock`);
  const handle = new Database(`${file}.lock`, { timeout: 0 });
  try {
    handle.exec("begin exclusive");
  } catch (error) {
    handle.close();
    if (!isBusy(error)) throw error;
    throw new WeftlineError("DATABASE_LOCKED", { file, pid: holderOf(pidFile) }, { cause: error });
  }
  makePrivateFile(pidFile);
  writeFileSync(pidFile, String(process.pid));
  return {
    release: () => {
      rmSync(pidFile, { force: true });
      handle.close();
    },
  };
}

/** The process that holds the lock of a database file, as it says itself; nothing where nobody does. */
export function lockHolder(file: string): string | undefined {
  if (!existsSync(`${file}.lock`)) return undefined;
  const handle = new Database(`${file}.lock`, { timeout: 0 });
  try {
    handle.pragma("schema_version");
    return undefined;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return holderOf(`${file}.pid`);
  } finally {
    handle.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY");
}

function holderOf(pidFile: string): string {
  try {
    return readFileSync(pidFile, "utf8");
  } catch {
    return "unknown";
  }
}

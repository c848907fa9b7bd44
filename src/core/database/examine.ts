import Database, { type Database as SqliteHandle } from "better-sqlite3";
import { migrationTable } from "./migration-table.ts";
import { sqliteSql, type Sql } from "./sql.ts";

/** So many problems are named. */
const shownProblems = 5;

/** A database file that nobody else has open, as it stands. */
export interface Examined {
  readonly sql: Sql;
  /** What is wrong with its pages and its references, the first few; nothing where it is sound. */
  problems(how: "quickly" | "thoroughly"): string[];
  /** The migrations that ran, oldest first. */
  migrations(): string[];
  /** How full the file is, in bytes. */
  size(): { readonly total: number; readonly free: number };
  /** Whether free pages can be given back to the disk while the database is open. */
  givesBack(): boolean;
  hasTable(name: string): boolean;
  /** All tables, but those that belong to a virtual one: they are its own affair, and it may need a module that is not here. */
  tables(): string[];
}

/**
 * Looks at a copy of a database, and leaves it as one file without a write-ahead log.
 *
 * @throws what SQLite says where the file is none of its.
 */
export async function examineCopy<T>(file: string, look: (examined: Examined) => Promise<T>): Promise<T> {
  const handle = new Database(file, { fileMustExist: true });
  try {
    handle.pragma("journal_mode = DELETE");
    return await look(examined(handle));
  } finally {
    handle.close();
  }
}

/** The same of a file that a server may have open: only reads. */
export async function examineLive<T>(file: string, look: (examined: Examined) => Promise<T>): Promise<T> {
  const handle = new Database(file, { timeout: 5_000, fileMustExist: true });
  try {
    handle.pragma("query_only = ON");
    return await look(examined(handle));
  } finally {
    handle.close();
  }
}

/** What keeps a database from being read: its bytes, or where it stands. Nothing where the error is of something else. */
export function faultOf(error: unknown): "damaged" | "out of reach" | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return "damaged";
  return code.startsWith("SQLITE_") ? "out of reach" : undefined;
}

/** The version of SQLite that is linked in. */
export function sqliteVersion(): string {
  const handle = new Database(":memory:");
  try {
    return handle.prepare("select sqlite_version()").pluck().get() as string;
  } finally {
    handle.close();
  }
}

function examined(handle: SqliteHandle): Examined {
  const hasTable = (name: string): boolean =>
    handle.prepare("select 1 from sqlite_master where type = 'table' and name = ?").get(name) !== undefined;
  return {
    sql: sqliteSql(handle),
    hasTable,
    tables: () => tablesOf(handle),
    givesBack: () => handle.pragma("auto_vacuum", { simple: true }) !== 0,
    size: () => {
      const pragma = (name: string): number => handle.pragma(name, { simple: true }) as number;
      const page = pragma("page_size");
      return { total: page * pragma("page_count"), free: page * pragma("freelist_count") };
    },
    problems: (how) => [...pageProblems(handle, how), ...referenceProblems(handle)].slice(0, shownProblems),
    migrations: () => (hasTable(migrationTable) ? namesOf(handle) : []),
  };
}

function tablesOf(handle: SqliteHandle): string[] {
  const names = handle.prepare(
    `select l.name from pragma_table_list l where l.schema = 'main' and l.type = 'table' and l.name not like 'sqlite!_%' escape '!'
     and not exists (select 1 from pragma_table_list v where v.type = 'virtual' and l.name like v.name || '!_%' escape '!') order by l.name`,
  );
  return names.pluck().all() as string[];
}

function namesOf(handle: SqliteHandle): string[] {
  return handle.prepare(`select name from ${migrationTable} order by id`).pluck().all() as string[];
}

function pageProblems(handle: SqliteHandle, how: "quickly" | "thoroughly"): string[] {
  const check = how === "quickly" ? "quick_check" : "integrity_check";
  const found = handle.prepare(`pragma ${check}(${shownProblems})`).pluck().all() as string[];
  // Several may stand in one text, below a heading.
  return found.flatMap((text) => text.split("\n")).filter((line) => line !== "ok" && !line.startsWith("***"));
}

function referenceProblems(handle: SqliteHandle): string[] {
  const found: string[] = [];
  for (const row of handle.prepare("pragma foreign_key_check").iterate() as IterableIterator<{
    table: string;
    rowid: number;
    parent: string;
  }>) {
    found.push(`row ${row.rowid} of ${row.table} refers to a row of ${row.parent} that is not there`);
    if (found.length >= shownProblems) break;
  }
  return found;
}

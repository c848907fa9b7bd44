import type { Database as SqliteHandle } from "better-sqlite3";
import { messageOf } from "../errors.ts";
import { extensionPoint } from "../kernel/refs.ts";
import type { Sql } from "./sql.ts";

/** A loadable extension of SQLite that a plugin brings. */
export interface SqliteExtension {
  /**
   * Where its library is. Asked once, when the database opens.
   *
   * @throws where there is none for this machine: the database opens without it.
   */
  file(): string;
}

/** How an extension stands: loaded into every connection, or into none. */
export type ExtensionState = { readonly state: "loaded"; readonly file: string } | { readonly state: "missing"; readonly problem: string };

/**
 * Where plugins put {@link SqliteExtension}s, by name. Contribute them statically: the database opens before any plugin is set up. What an extension
 * makes possible (functions, virtual tables) may be gone at the next start, so nothing but what can be made anew may depend on it.
 *
 * @example contributes: [contribution(sqliteExtensions, "sqlite-vec", { file: () => getLoadablePath() })]
 */
export const sqliteExtensions = extensionPoint<SqliteExtension>("weftline.sqliteExtensions");

/** Loads each extension into all of the connections, or into none. */
export function loadExtensions(
  handles: readonly SqliteHandle[],
  extensions: ReadonlyMap<string, SqliteExtension>,
): ReadonlyMap<string, ExtensionState> {
  return new Map([...extensions].map(([name, extension]) => [name, load(handles, extension)]));
}

function load(handles: readonly SqliteHandle[], extension: SqliteExtension): ExtensionState {
  try {
    const file = extension.file();
    for (const handle of new Set(handles)) handle.loadExtension(file);
    return { state: "loaded", file };
  } catch (error) {
    return { state: "missing", problem: messageOf(error) };
  }
}

/**
 * Tables that modules of SQLite keep, with the tables that these make for themselves: no entity declares them, and without the module some cannot be looked
 * at.
 */
export async function virtualTables(sql: Sql): Promise<string[]> {
  const rows = await sql.all<{ name: string }>(
    `select t.name from sqlite_master t join (select name from sqlite_master where sql like 'create virtual table%') v
     on t.name = v.name or t.name like replace(v.name, '_', '!_') || '!_%' escape '!' where t.type = 'table'`,
  );
  return rows.map(({ name }) => name);
}

import type { Sql } from "../database/sql.ts";
import type { KeptFiles } from "../kept-files.ts";

/** Files that plugins keep, by the plugin's id. */
export type KeptByPlugin = ReadonlyMap<string, KeptFiles>;

/** A file that a row knows. */
export interface KeptFile {
  readonly id: string;
  /** Within the plugin's folder. Nothing says that it does not lead out of it: {@link isSafePath} does. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Of the bytes, in hex. */
  readonly sha256: string;
}

const pageLength = 500;

/** Every file whose bytes must be there, page by page. */
export async function* listKept(sql: Sql, { table, columns, folderOf }: KeptFiles): AsyncGenerator<readonly KeptFile[]> {
  for (let after = ""; ;) {
    const rows = await sql.all<Omit<KeptFile, "path">>(
      `select ${columns.id} as id, ${columns.size} as size, ${columns.sha256} as sha256 from ${table}
       where ${columns.id} > ? and ${columns.sha256} is not null order by ${columns.id} limit ${pageLength}`,
      after,
    );
    yield rows.map((row) => ({ ...row, path: `${folderOf(row.id)}/${row.id}` }));
    if (rows.length < pageLength) return;
    after = rows.at(-1)?.id ?? after;
  }
}

/** Which of some ids rows know. */
export async function knownIds(sql: Sql, { table, columns }: KeptFiles, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let at = 0; at < ids.length; at += pageLength) {
    const page = ids.slice(at, at + pageLength);
    const rows = await sql.all<{ id: string }>(
      `select ${columns.id} as id from ${table} where ${columns.sha256} is not null and ${columns.id} in (${page.map(() => "?").join()})`,
      ...page,
    );
    for (const { id } of rows) known.add(id);
  }
  return known;
}

/** Names of a file that could lead out of its folder come from a database that somebody made up. */
export function isSafePath(path: string): boolean {
  return path.length <= 500 && path.split("/").every((name) => /^[\w.-]+$/.test(name) && !/^\.{1,2}$/.test(name));
}

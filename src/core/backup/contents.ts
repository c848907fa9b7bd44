import type { Examined } from "../database/examine.ts";
import type { KeptFiles } from "../kept-files.ts";
import type { KeptByPlugin } from "./kept-rows.ts";
import type { BackupManifest } from "./manifest.ts";

/** What a database holds, as a manifest says it. */
export async function contentsOf({
  sql,
  hasTable,
  tables,
  migrations,
}: Examined): Promise<Pick<BackupManifest, "migrations" | "counts" | "secretKeys">> {
  const count = async (table: string, where = ""): Promise<number> =>
    hasTable(table) ? ((await sql.get<{ n: number }>(`select count(*) as n from "${table}" ${where}`))?.n ?? 0) : 0;
  const keys = hasTable("platform_sealed_value")
    ? await sql.all<{ id: string }>("select distinct key_id as id from platform_sealed_value order by 1")
    : [];
  const rows: Record<string, number> = {};
  for (const name of tables()) rows[name] = await count(name);
  return {
    migrations: migrations(),
    counts: {
      streams: await count("runs_stream", "where not deleted"),
      openRuns: await count("runs_run", "where finished_at is null"),
      secrets: await count("platform_sealed_value"),
      rows,
    },
    secretKeys: keys.map(({ id }) => id),
  };
}

/** The kept files that this database has a table for. */
export function keptIn({ hasTable }: Pick<Examined, "hasTable">, kept: KeptByPlugin): [string, KeptFiles][] {
  return [...kept].filter(([, { table }]) => hasTable(table));
}

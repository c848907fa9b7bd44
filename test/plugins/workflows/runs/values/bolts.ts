import type { ToolDefinition } from "#weftline";
import { tool } from "../../../capabilities/play.ts";
import type { Loom } from "../loom.ts";

/** A text of so many KiB in which its mark stands once. */
export function boltOf(mark: string, kib = 300): string {
  const half = "warp and weft ; ".repeat(kib * 32);
  return `${half}<${mark}>${half}`;
}

/** A tool that answers a bolt with the mark that it is given, and one that answers what it is given. */
export const boltTools: readonly ToolDefinition[] = [
  tool("bolts.bring", {
    maxResultChars: 1_000_000,
    execute: ({ mark, kib }: { mark: string; kib?: number }) => ({ bolt: boltOf(mark, kib) }),
  }),
  tool("bolts.echo", { maxResultChars: 1_000_000, execute: (args) => args }),
];

/** How often a text stands in all tables together. */
export async function occurrences(loom: Loom, text: string): Promise<Record<string, number>> {
  const { read } = loom.app.platform.database;
  const tables = await read.all<{ name: string }>("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'");
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const columns = await read.all<{ name: string }>(`select name from pragma_table_info('${name}')`);
    for (const column of columns) {
      const row = await read.get<{ n: number | null }>(
        `select sum((length("${column.name}") - length(replace("${column.name}", ?, ''))) / ?) as n from "${name}"`,
        text,
        text.length,
      );
      if (row?.n) found[`${name}.${column.name}`] = row.n;
    }
  }
  return found;
}

/** How many values stand apart. */
export async function countValues(loom: Loom): Promise<number> {
  const row = await loom.app.platform.database.read.get<{ n: number }>("select count(*) as n from runs_value");
  return row?.n ?? 0;
}

import { join } from "node:path";
import Database from "better-sqlite3";
import { makeBed, type Bed, withBenchPlugin } from "./bed.ts";
import { watch } from "./converse.ts";
import type { Figure } from "./measure.ts";

const streams = 25;
const tokens = 300;

/** What the log grows by: pages of its table and its indices, as SQLite counts them. */
export async function logGrowth(): Promise<Figure[]> {
  const bed = await makeBed("ours", withBenchPlugin);
  const unmerged = await grow(bed, 10);
  const merged = await grow(bed, 150);
  const before = sizeOfLog(bed.folder);
  await bed.graphql("mutation { benchCompact }");
  const compacted = sizeOfLog(bed.folder).bytes / (2 * streams * tokens);
  bed.close();
  const row = (work: string, ours: number, target: number, note: string): Figure => ({
    work: `log: bytes a token, ${work}`,
    unit: "",
    ours,
    target,
    better: "less",
    note,
  });
  return [
    row("nothing merged", unmerged.bytes, 100, `${unmerged.rows.toFixed(2)} rows a token, a token of 6 bytes`),
    row("merged", merged.bytes, 60, `${merged.rows.toFixed(2)} rows a token, a token of 6 bytes`),
    row("compacted", compacted, 15, `of ${Math.round(before.bytes / 1024)} KiB; the text itself is kept in the messages`),
  ];
}

async function grow(bed: Bed, rate: number): Promise<{ bytes: number; rows: number }> {
  const line = await bed.line();
  const threads = await Promise.all(Array.from({ length: streams }, async () => watch(bed, "ours", line, await bed.thread())));
  const before = sizeOfLog(bed.folder);
  await Promise.all(threads.map(({ ask }) => ask(`tokens=${tokens} rate=${rate} words`)));
  const after = sizeOfLog(bed.folder);
  line.close();
  return { bytes: (after.bytes - before.bytes) / (streams * tokens), rows: (after.rows - before.rows) / (streams * tokens) };
}

function sizeOfLog(folder: string): { readonly bytes: number; readonly rows: number } {
  const db = new Database(join(folder, "weftline.db"), { readonly: true });
  try {
    const { bytes } = db
      .prepare("select sum(pgsize) as bytes from dbstat where name in (select name from sqlite_schema where tbl_name = 'runs_event')")
      .get() as { bytes: number };
    const { rows } = db.prepare("select count(*) as rows from runs_event").get() as { rows: number };
    return { bytes, rows };
  } finally {
    db.close();
  }
}

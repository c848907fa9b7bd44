import { join } from "node:path";
import Database, { type Database as Handle } from "better-sqlite3";
import { makeBed, withBenchPlugin } from "./bed.ts";
import { converseOnce } from "./converse.ts";
import { sleep, type Figure } from "./measure.ts";

const copies = 50_000;
/** A round of housekeeping begins a minute after the start, and compacts all that was copied. */
const watchedMs = 90_000;

/** What of a finished run stands in each table, and which of its columns name it. */
const tables: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  runs_stream: { num: "num + i", id: "id || '-' || i", compactable_at: "0" },
  runs_run: { id: "id || '-' || i", root_id: "root_id || '-' || i", stream_num: "stream_num + i", thread_id: "thread_id || '-' || i" },
  runs_event: { stream_num: "stream_num + i", at: "0" },
  runs_message: { id: "id || '-' || i", stream_num: "stream_num + i", run_id: "run_id || '-' || i", thread_id: "thread_id || '-' || i" },
  runs_step: { id: "id || '-' || i", run_id: "run_id || '-' || i" },
  runs_usage: { id: "id || '-' || i", run_id: "run_id || '-' || i" },
};

/** How long a server that nobody asks anything is away at most, with a million rows to look after. */
export async function fullTable(): Promise<Figure[]> {
  const bed = await makeBed("ours", withBenchPlugin);
  const line = await bed.line();
  await converseOnce(bed, "ours", line, "tokens=10 rate=0");
  const db = new Database(join(bed.folder, "weftline.db"), { timeout: 5_000 });
  const rows = Object.entries(tables).reduce((sum, [table, own]) => sum + copyRows(db, table, own), 0);
  // Else the server's first commit would write all of that into the file.
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const pause = async (): Promise<number> => (await line.ask<{ benchPause: number }>("mutation { benchPause }")).benchPause;
  await pause();
  await sleep(watchedMs);
  const longest = await pause();
  line.close();
  bed.close();
  return [
    {
      work: `an idle server with ${(rows / 1e6).toFixed(1)} million rows: longest pause in ${watchedMs / 1_000} seconds`,
      unit: "ms",
      ours: longest,
      target: 20,
      better: "less",
      note: "a round of compaction of all of them within",
    },
  ];
}

function copyRows(db: Handle, table: string, own: Readonly<Record<string, string>>): number {
  const columns = (db.pragma(`table_info(${table})`) as { readonly name: string }[]).map(({ name }) => name);
  return db
    .prepare(
      `insert into ${table} (${columns.join(", ")}) with recursive n (i) as (select 1 union all select i + 1 from n where i < ${copies})
       select ${columns.map((name) => own[name] ?? name).join(", ")} from (select * from ${table} limit 100), n`,
    )
    .run().changes;
}

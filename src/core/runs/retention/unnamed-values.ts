import type { Database, SqlTx } from "../../database/database.ts";
import type { Sql } from "../../database/sql.ts";

/** Rows of a stream that may name values, by the columns that do. */
const naming = [
  "select r.input_refs as a, r.output_refs as b, r.text_refs as c from runs_run r where r.stream_num = ? and coalesce(r.input_refs, r.output_refs, r.text_refs) is not null",
  `select s.input_refs as a, s.output_refs as b, null as c from runs_step s join runs_run r on r.id = s.run_id
   where r.stream_num = ? and coalesce(s.input_refs, s.output_refs) is not null`,
  `select t.arguments_refs as a, t.requested_refs as b, t.result_refs as c from runs_tool_call t join runs_run r on r.id = t.run_id
   where r.stream_num = ? and coalesce(t.arguments_refs, t.requested_refs, t.result_refs) is not null`,
  `select payload as a, null as b, null as c from runs_event where stream_num = ? and payload like '%"refs":%'`,
];

/** SHA-256 as base64url, wherever it stands in JSON. */
const hashes = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/**
 * Removes values of runs that are gone, where nothing that stays names them. In one transaction, since a run at work may be about to name one: it then stands
 * there before, or is kept anew.
 *
 * @param through the last seq at which a run that is gone began.
 */
export async function removeUnnamedValues(database: Database, streamNum: number, through: number): Promise<void> {
  const some = "select hash from runs_value where stream_num = ? and run_seq <= ? limit 1";
  if ((await database.read.get(some, streamNum, through)) === undefined) return;
  await database.upkeep((tx) => removeSome(tx, streamNum, through), "retention.values");
}

async function removeSome({ sql }: SqlTx, streamNum: number, through: number): Promise<void> {
  const values = await sql.all<{ hash: string; run_seq: number; refs: string | null }>(
    "select hash, run_seq, refs from runs_value where stream_num = ?",
    streamNum,
  );
  const refsOf = new Map(values.map(({ hash, refs }) => [hash, refs]));
  const named = new Set<string>();
  const open = await namedBy(sql, streamNum);
  for (let hash = open.pop(); hash !== undefined; hash = open.pop()) {
    if (named.has(hash) || !refsOf.has(hash)) continue;
    named.add(hash);
    open.push(...(refsOf.get(hash)?.match(hashes) ?? []));
  }
  for (const { hash, run_seq } of values) {
    if (run_seq > through || named.has(hash)) continue;
    await sql.run("delete from runs_value where stream_num = ? and hash = ?", streamNum, hash);
  }
}

/** What only looks like a hash keeps a value longer, and does no harm. */
async function namedBy(sql: Sql, streamNum: number): Promise<string[]> {
  const found: string[] = [];
  for (const query of naming) {
    const rows = await sql.all<{ a: string | null; b: string | null; c: string | null }>(query, streamNum);
    for (const { a, b, c } of rows) for (const text of [a, b, c]) found.push(...(text?.match(hashes) ?? []));
  }
  return found;
}

import type { Database, SqlTx } from "../../database/database.ts";
import type { RetentionWork } from "./contract.ts";

/** Rows of a log that one transaction removes: a few milliseconds, since everything else waits meanwhile. */
const rowsAtOnce = 500;

/** The beginning of a log. */
interface Beginning {
  readonly streamNum: number;
  /** The seq of its last row. */
  readonly through: number;
}

/** Forgets the beginning of a log. A reader from before its end is given a snapshot from now on, and misses nothing of what that holds. */
export async function removeEvents(
  database: Database,
  { streamNum, through }: Beginning,
  { rest }: Pick<RetentionWork, "rest">,
): Promise<void> {
  for (let left = true; left;) {
    left = await database.upkeep((tx) => removeSome(tx, { streamNum, through }), "retention.events");
    await rest(0);
  }
}

async function removeSome({ sql }: SqlTx, { streamNum, through }: Beginning): Promise<boolean> {
  // A hold may have come since.
  if ((await sql.get("select 1 as held from runs_stream where num = ? and held = 1", streamNum)) !== undefined) return false;
  const row = await sql.get<{ last: number | null; bytes: number | null; found: number }>(
    `select max(seq) as last, sum(length(payload) + 40) as bytes, count(*) as found from
     (select seq, payload from runs_event where stream_num = ? and seq <= ? order by seq limit ${rowsAtOnce})`,
    streamNum,
    through,
  );
  await sql.run("update runs_stream set horizon = max(horizon, min(head, ?)) where num = ?", through, streamNum);
  if (!row || row.last === null) return false;
  await sql.run("delete from runs_event where stream_num = ? and seq <= ?", streamNum, row.last);
  return row.found === rowsAtOnce;
}

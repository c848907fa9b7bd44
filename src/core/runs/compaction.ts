import type { Database } from "../database/database.ts";
import type { Failpoint } from "./failpoint.ts";

/** Only messages that have been finished for so long lose their deltas, so that whoever reconnects soon is still given every one. */
const keepMs = 10 * 60 * 1000;
/** Streams that one round visits. */
const batch = 50;

/**
 * Drops the deltas of finished messages and moves the horizon behind them, never past the start of an open run: what they said stands in the
 * message. A reader from before the horizon is given a snapshot.
 *
 * @returns how many rows were dropped.
 */
export async function compact(database: Database, olderThanMs: number = keepMs, failpoint?: Failpoint): Promise<number> {
  const candidates = await database.read.all<{ stream_num: number }>(
    `select distinct e.stream_num from runs_event e join runs_stream s on s.num = e.stream_num
     where e.kind = 'message.delta' and e.seq > s.horizon and e.at < ${database.read.now} - ? limit ?`,
    olderThanMs,
    batch,
  );
  let dropped = 0;
  for (const { stream_num } of candidates) dropped += await compactStream(database, stream_num, olderThanMs, failpoint);
  return dropped;
}

async function compactStream(
  database: Database,
  streamNum: number,
  olderThanMs: number,
  failpoint: Failpoint | undefined,
): Promise<number> {
  failpoint?.("compact.before");
  const count = await database.commit(async ({ sql }) => {
    const open = await sql.get<{ seq: number | null }>(
      "select min(start_seq) as seq from runs_run where stream_num = ? and status not in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'EXPIRED')",
      streamNum,
    );
    const old = await sql.get<{ seq: number | null }>(
      `select max(seq) as seq from runs_event where stream_num = ? and at < ${sql.now} - ?`,
      streamNum,
      olderThanMs,
    );
    const horizon = Math.min(old?.seq ?? 0, open?.seq == null ? Number.MAX_SAFE_INTEGER : open.seq - 1);
    if (horizon <= 0) return 0;
    const dropped = await sql.run(
      "delete from runs_event where stream_num = ? and seq <= ? and kind = 'message.delta'",
      streamNum,
      horizon,
    );
    if (dropped > 0) await sql.run("update runs_stream set horizon = ? where num = ? and horizon < ?", horizon, streamNum, horizon);
    failpoint?.("compact.inside");
    return dropped;
  });
  failpoint?.("compact.committed");
  return count;
}

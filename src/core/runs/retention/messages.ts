import type { Database, Tx } from "../../database/database.ts";
import type { Contribution } from "../../kernel/refs.ts";
import type { Purger } from "../contract.ts";
import type { StorageQuota } from "../storage-quota.ts";
import type { Beginnings, MessagesKept } from "./contract.ts";
import { removeSummaries } from "../history/summaries.ts";
import { removeEvents } from "./remove-events.ts";
import { removeRuns } from "./remove-runs.ts";
import { removeUnnamedValues } from "./unnamed-values.ts";

/** Messages and runs that one transaction removes at most. */
const rowsAtOnce = 25;
/** A log of so many rows is erased at once, in some ten milliseconds. */
const shortLog = 2_000;
/** What others have between two transactions that shorten a log, in milliseconds. */
const shortenRestMs = 2;

/** What removing the beginning of a thread needs. */
export interface BeginningHost {
  readonly database: Database;
  readonly quota: StorageQuota;
  readonly purgers: ReadonlyMap<string, Contribution<Purger>>;
}

export function createBeginnings({ database, quota, purgers }: BeginningHost): Beginnings {
  const { read } = database;
  return {
    async find(streamNum, kept) {
      const end = await endOf(database, streamNum, kept);
      const found = await read.get<{ rows: number; oldest: number | null }>(
        `select count(*) as rows, min(created_at) as oldest from runs_message where stream_num = ? and start_seq <= ?`,
        streamNum,
        end,
      );
      return { rows: found?.rows ?? 0, oldest: found?.oldest ?? null };
    },
    async remove(streamNum, kept, work) {
      const end = await endOf(database, streamNum, kept);
      const stream = await read.get<{ horizon: number }>("select horizon from runs_stream where num = ?", streamNum);
      if (!stream || end <= 0) return 0;
      let removed = 0;
      for (let left = true; left;) {
        const went = await database.write("SYSTEM", (tx) => removeSome(tx, streamNum, end), "retention.messages");
        removed += went.messages;
        left = went.left;
        await work.rest(went.messages);
      }
      if (removed === 0) return 0;
      await removeEvents(database, { streamNum, through: end }, work);
      await removeUnnamedValues(database, streamNum, end);
      return removed;
    },
    async shorten(streamNum) {
      const stream = await read.get<{ head: number; rows: number }>(
        `select head, (select count(*) from (select 1 from runs_event where stream_num = s.num limit ${shortLog + 1})) as rows from runs_stream s
         where num = ? and held = 0 and not exists (select 1 from runs_run where thread_id = s.id and finished_at is null)`,
        streamNum,
      );
      if (!stream || stream.rows <= shortLog) return;
      const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, shortenRestMs));
      await removeEvents(database, { streamNum, through: stream.head }, { rest });
    },
  };

  async function removeSome(tx: Tx, streamNum: number, end: number): Promise<{ readonly messages: number; readonly left: boolean }> {
    const { sql } = tx;
    // A hold may have come since.
    const stream = await sql.get<{ id: string; tenant_id: string; owner_id: string; held: number; bytes: number }>(
      "select id, tenant_id, owner_id, held, bytes from runs_stream where num = ?",
      streamNum,
    );
    if (!stream || stream.held === 1) return { messages: 0, left: false };
    await sql.run("update runs_stream set horizon = max(horizon, min(head, ?)) where num = ?", end, streamNum);
    const messages = await sql.all<{ id: string; bytes: number }>(
      "select id, length(parts) as bytes from runs_message where stream_num = ? and start_seq <= ? order by start_seq limit ?",
      streamNum,
      end,
      rowsAtOnce,
    );
    for (const { id } of messages) await sql.run("delete from runs_message where id = ?", id);
    if (messages.length > 0) await removeSummaries(sql, streamNum);
    const runs = await sql.all<{ id: string }>(
      "select id from runs_run where stream_num = ? and start_seq <= ? and seq <= ? and finished_at is not null order by start_seq desc limit ?",
      streamNum,
      end,
      end,
      rowsAtOnce,
    );
    const runIds = runs.map(({ id }) => id);
    for (const { value } of purgers.values()) await value.purgeRuns?.(tx, { runIds, tenantId: stream.tenant_id });
    await removeRuns(sql, runIds);
    const bytes = Math.min(
      messages.reduce((sum, each) => sum + each.bytes, 0),
      stream.bytes,
    );
    await sql.run("update runs_stream set bytes = bytes - ? where num = ?", bytes, streamNum);
    tx.afterCommit(() => quota.add({ tenantId: stream.tenant_id, ownerId: stream.owner_id }, -bytes));
    return { messages: messages.length, left: messages.length === rowsAtOnce || runs.length === rowsAtOnce };
  }
}

/** The last seq before what is kept: never within a turn that is kept, and never behind the start of an open run. What runs below one is open no longer than that. */
async function endOf({ read }: Database, streamNum: number, { maxAgeMs, maxCount }: MessagesKept): Promise<number> {
  const stream = await read.get<{ head: number; held: number; open: number | null }>(
    `select head, held, (select min(start_seq) from runs_run where thread_id = s.id and finished_at is null) as open
     from runs_stream s where num = ?`,
    streamNum,
  );
  if (!stream || stream.held === 1) return 0;
  let end = 0;
  if (maxAgeMs !== undefined) {
    const young = await read.get<{ seq: number }>(
      `select turn_seq as seq from runs_message where stream_num = ? and created_at >= ${read.now} - ? order by start_seq limit 1`,
      streamNum,
      maxAgeMs,
    );
    end = young ? young.seq - 1 : stream.head;
  }
  if (maxCount !== undefined) {
    const last = await read.get<{ seq: number }>(
      "select turn_seq as seq from runs_message where stream_num = ? order by start_seq desc limit 1 offset ?",
      streamNum,
      maxCount - 1,
    );
    if (last) end = Math.max(end, last.seq - 1);
  }
  return stream.open === null ? end : Math.min(end, stream.open - 1);
}

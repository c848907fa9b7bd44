import type { Database, SqlTx } from "../database/database.ts";
import { openStatuses } from "./types.ts";
import { isOfStore, type SetAside } from "./set-aside.ts";
import type { StorageOwner } from "./storage-quota.ts";

/** Only messages that have been finished for so long lose their deltas, so that whoever reconnects soon is still given every one. */
export const keepMs = 10 * 60 * 1000;
/** Streams and rows of the log that one transaction visits: some milliseconds, since everything else waits meanwhile. */
const maxStreams = 50;
const maxRows = 500;
/** After so long no further stream is begun in a transaction. */
const maxMs = 4;
/** What others have between two transactions. */
const restMs = 10;

export interface CompactionOptions {
  /** Where streams that cannot be compacted are noted, so that the others are; without it, the first of them ends the round. */
  readonly broken?: SetAside;
  /** Told what an owner no longer keeps. */
  readonly freed?: (owner: StorageOwner, bytes: number) => void;
  /** Of tenants that say how long they keep deltas, in milliseconds. */
  readonly ages?: ReadonlyMap<string, number>;
  /** Ends the round between two transactions. */
  readonly signal?: AbortSignal;
}

/**
 * Drops the deltas of finished messages and moves the horizon behind them, never past the start of an open run: what they said stands in the
 * message. A reader from before the horizon is given a snapshot. It visits the streams in which a run ended, and goes on until none is left.
 *
 * @returns how many rows were dropped.
 */
export async function compact(
  database: Database,
  olderThanMs: number = keepMs,
  { broken, freed = () => undefined, ages = new Map(), signal }: CompactionOptions = {},
): Promise<number> {
  // Streams are looked at by the shortest age; those of a longer one are put off until they are as old.
  const shortestMs = Math.min(olderThanMs, ...ages.values());
  const dropFrom = (nums: readonly number[]): Promise<number> =>
    database.upkeep((tx) => compactStreams(tx, nums, { olderThanMs, shortestMs, ages, freed }), "compact");
  let dropped = 0;
  for (;;) {
    signal?.throwIfAborted();
    const due = await dueStreams(database, shortestMs, broken);
    if (due.length === 0) return dropped;
    try {
      dropped += await dropFrom(due);
    } catch (error) {
      if (!broken || isOfStore(error)) throw error;
      for (const num of due) dropped += (await broken.try(num, () => dropFrom([num]))) ?? 0;
    }
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
}

/** Due streams, but for those that are left alone: these are read past. */
async function dueStreams({ read }: Database, olderThanMs: number, broken: SetAside | undefined): Promise<number[]> {
  const due: number[] = [];
  let last: DueStream = { num: 0, at: 0 };
  while (due.length < maxStreams) {
    const page = await read.all<DueStream>(
      `select num, compactable_at as at from runs_stream where compactable_at < ${read.now} - ? and (compactable_at, num) > (?, ?)
       order by compactable_at, num limit ?`,
      olderThanMs,
      last.at,
      last.num,
      maxStreams,
    );
    due.push(...page.flatMap(({ num }) => (broken?.has(num) ? [] : [num])));
    last = page.at(-1) ?? last;
    if (page.length < maxStreams) break;
  }
  // Streams are locked in the order of their numbers, everywhere.
  return due.slice(0, maxStreams).toSorted((a, b) => a - b);
}

interface DueStream {
  readonly num: number;
  readonly at: number;
}

async function compactStreams(tx: SqlTx, nums: readonly number[], how: HowToCompact): Promise<number> {
  const until = performance.now() + maxMs;
  let visited = 0;
  let dropped = 0;
  for (const num of nums) {
    if (visited >= maxRows || performance.now() > until) break;
    const seen = await compactStream(tx, num, how);
    visited += seen.visited;
    dropped += seen.dropped;
  }
  return dropped;
}

interface HowToCompact {
  readonly olderThanMs: number;
  readonly shortestMs: number;
  readonly ages: ReadonlyMap<string, number>;
  readonly freed: (owner: StorageOwner, bytes: number) => void;
}

interface StreamRow {
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly bytes: number;
  readonly head: number;
  readonly horizon: number;
  readonly held: number;
  readonly open: number | null;
}

/** Goes on from the horizon by so many rows at most; what is left is visited again. */
async function compactStream(
  { sql, afterCommit }: SqlTx,
  num: number,
  { olderThanMs: usualMs, shortestMs, ages, freed }: HowToCompact,
): Promise<{ readonly visited: number; readonly dropped: number }> {
  const stream = await sql.get<StreamRow>(
    `select tenant_id, owner_id, bytes, head, horizon, held, (select min(start_seq) from runs_run where stream_num = s.num and start_seq > s.horizon and status in ${openStatuses}) as open
     from runs_stream s where num = ?`,
    num,
  );
  if (!stream) return { visited: 0, dropped: 0 };
  const olderThanMs = ages.get(stream.tenant_id) ?? usualMs;
  const later = `${sql.now} + ${Math.max(0, Math.round(olderThanMs - shortestMs))}`;
  if (stream.held === 1) {
    await sql.run(`update runs_stream set compactable_at = ${sql.now} + ${keepMs} where num = ?`, num);
    return { visited: 0, dropped: 0 };
  }
  const last = stream.open === null ? stream.head : stream.open - 1;
  const page = await sql.get<{ visited: number; end: number | null; old: number | null }>(
    `select count(*) as visited, max(seq) as "end", max(case when at < ${sql.now} - ? then seq end) as old from
     (select seq, at from runs_event where stream_num = ? and seq > ? and seq <= ? order by seq limit ?)`,
    olderThanMs,
    num,
    stream.horizon,
    last,
    maxRows,
  );
  const { visited = 0, end = null, old = null } = page ?? {};
  const deltas = "runs_event where stream_num = ? and seq > ? and seq <= ? and kind = 'message.delta'";
  const size = await sql.get<{ bytes: number }>(
    `select coalesce(sum(length(payload) + 40), 0) as bytes from ${deltas}`,
    num,
    stream.horizon,
    old,
  );
  const dropped = await sql.run(`delete from ${deltas}`, num, stream.horizon, old);
  const more = old === end && visited === maxRows;
  // What is too new now will be old enough then; what an open run keeps is due when that has ended.
  const next = more ? "compactable_at" : old === end ? "null" : later;
  const horizon = dropped > 0 || more ? old : null;
  const bytes = Math.min(size?.bytes ?? 0, stream.bytes);
  await sql.run(
    `update runs_stream set horizon = coalesce(?, horizon), compactable_at = ${next}, bytes = bytes - ? where num = ?`,
    horizon,
    bytes,
    num,
  );
  if (bytes > 0) afterCommit(() => freed({ tenantId: stream.tenant_id, ownerId: stream.owner_id }, bytes));
  return { visited, dropped };
}

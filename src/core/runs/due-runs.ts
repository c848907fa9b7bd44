import type { Sql } from "../database/sql.ts";
import { asPlatform, plainEntity } from "../database/rows.ts";
import { WeftlineError } from "../errors.ts";
import { endOutright } from "./end-outright.ts";
import { Run } from "./entities/run.ts";
import { mostCounted, type DueRuns } from "./figures.ts";
import type { PlaceOwner } from "./fair-places.ts";
import type { TurnHost } from "./stage.ts";
import { suspectLosses } from "./suspects.ts";
import { openStatuses } from "./types.ts";

/** Finished runs, which are most, wait for nobody either: as a plain condition, SQLite would read all of them by the index of that column. */
const unblocked = "coalesce(blocked_by_id, '') = ''";

/** What a worker may take, also of paused runs, which are due only where their time is over: what is due and belongs to nobody, and what a lost worker left. */
export const claimable = (now: string, which: Claimable): string => `${unblocked} and (
  (lease_owner is null and due_at <= ${now} and status in ${openStatuses})
  or (lease_owner is not null and lease_until < ${now} and status in ${openStatuses}))${which === "all" ? "" : ` and ${isNoSuspect}`}`;

/** While a suspect is on trial, no other may begin. */
export type Claimable = "all" | "no suspects";

/** How often a run will have been lost in a row once it is claimed. */
export const lossesOnClaim = "takeovers + case when lease_owner is null then 0 else 1 end";

const isNoSuspect = `${lossesOnClaim} < ${suspectLosses}`;

/** Where there are more due runs than fit, so many of each viewer are found beside the oldest of all. */
const ofEachViewer = 8;
/** So many viewers at most. */
const mostViewers = 500;

/** Runs that waits are over for within so many milliseconds, with the time that is left. */
export function findSoonDue(sql: Sql, { withinMs, limit }: { readonly withinMs: number; readonly limit: number }): Promise<SoonDue[]> {
  return sql.all<SoonDue>(
    `select id, due_at - ${sql.now} as ms from runs_run where due_at > ${sql.now} and due_at <= ${sql.now} + ? and lease_owner is null
     order by due_at limit ?`,
    withinMs,
    limit,
  );
}

/** How many runs are due and belong to nobody, as far as they are counted, and since when the first of them. */
export async function countDue(sql: Sql): Promise<DueRuns> {
  const row = await sql.get<{ count: number; oldest: number }>(
    `select count(*) as count, coalesce(${sql.now} - min(due_at), 0) as oldest from (
       select due_at, lease_owner, blocked_by_id, status from runs_run where due_at <= ${sql.now} order by due_at limit ${mostCounted})
     where lease_owner is null and ${unblocked} and status in ${openStatuses}`,
  );
  return { count: row?.count ?? 0, oldestMs: Math.max(0, row?.oldest ?? 0) };
}

/** A run, and in how many milliseconds it is due. */
interface SoonDue extends Record<string, string | number> {
  readonly id: string;
  readonly ms: number;
}

/** The oldest due runs; where those are more than fit, also the oldest of each viewer, so that nobody's backlog hides the runs of others. */
export async function findDue(sql: Sql, limit: number, which: Claimable): Promise<string[]> {
  const oldest = await sql.all<{ id: string }>(`select id from runs_run where ${claimable(sql.now, which)} order by due_at limit ?`, limit);
  const found = new Set(oldest.map(({ id }) => id));
  if (found.size < limit) return [...found];
  let owner: Columns = { tenant_id: "", owner_id: "" };
  for (let viewers = 0; viewers < mostViewers; viewers++) {
    const next = await sql.get<Columns>(
      `select tenant_id, owner_id from runs_run where due_at is not null and (tenant_id, owner_id) > (?, ?) order by tenant_id, owner_id limit 1`,
      owner.tenant_id,
      owner.owner_id,
    );
    if (!next) break;
    owner = next;
    const theirs = await sql.all<{ id: string }>(
      `select id from runs_run where due_at is not null and due_at <= ${sql.now} and tenant_id = ? and owner_id = ? and lease_owner is null
       and ${unblocked} order by due_at limit ${ofEachViewer}`,
      owner.tenant_id,
      owner.owner_id,
    );
    for (const { id } of theirs) found.add(id);
  }
  return [...found];
}

interface Columns {
  readonly tenant_id: string;
  readonly owner_id: string;
}

/** Whose these runs are; those that are gone are left out. */
export async function ownersOf(sql: Sql, ids: readonly string[]): Promise<Map<string, PlaceOwner>> {
  const owners = new Map<string, PlaceOwner>();
  for (const id of ids) {
    const row = await sql.get<Columns>("select tenant_id, owner_id from runs_run where id = ?", id);
    if (row) owners.set(id, { tenantId: row.tenant_id, ownerId: row.owner_id });
  }
  return owners;
}

/** Claimed runs. One whose row cannot be read is failed, so that it does not come back again and again, and the others go on. */
export async function readClaimed(host: TurnHost, ids: readonly string[]): Promise<Run[]> {
  const { rows } = host.database;
  try {
    return await rows.byIds(Run, asPlatform, ids, "refused");
  } catch (error) {
    if (ids.length > 1) return (await Promise.all(ids.map((id) => readClaimed(host, [id])))).flat();
    host.log.error({ runId: ids[0], err: error }, "a run whose row cannot be read is failed");
    await failUnreadable(host, ids[0] ?? "").catch((failure: unknown) =>
      host.log.error({ runId: ids[0], err: failure }, "it could not be failed either"),
    );
    return [];
  }
}

async function failUnreadable(host: TurnHost, id: string): Promise<void> {
  const row = await host.database.read.get<Columns & { [name: string]: string | number | null }>(
    "select tenant_id, owner_id, stream_num, start_seq, thread_id, parent_id, target_type, target_id, epoch from runs_run where id = ?",
    id,
  );
  if (!row) return;
  const place = {
    id,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    streamNum: Number(row["stream_num"]),
    startSeq: Number(row["start_seq"]),
    threadId: row["thread_id"] as string | null,
    parentId: row["parent_id"] as string | null,
    targetType: String(row["target_type"]),
    targetId: String(row["target_id"]),
    epoch: Number(row["epoch"]),
  };
  await endOutright(
    host,
    plainEntity<Run>(Run.prototype, place),
    new WeftlineError("INTERNAL", { message: "The row of the run cannot be read." }),
  );
}

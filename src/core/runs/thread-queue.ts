import type { Sql } from "../database/sql.ts";
import { openStatuses } from "./types.ts";

/**
 * The newest run of the same thread, or else of the same schedule or job, that came before and has not ended; one is left out, whose row may not say yet
 * that it has.
 */
const earlierOpen = `coalesce(
  (select e.id from runs_run e where e.thread_id = runs_run.thread_id and e.finished_at is null and e.status in ${openStatuses}
   and e.start_seq < runs_run.start_seq and e.id <> ? order by e.start_seq desc limit 1),
  (select e.id from runs_run e where e.schedule_id = runs_run.schedule_id and e.finished_at is null and e.status in ${openStatuses}
   and e.schedule_tick_at < runs_run.schedule_tick_at and e.id <> ? order by e.schedule_tick_at desc limit 1),
  (select e.id from runs_run e where runs_run.target_type = 'Job' and e.target_type = 'Job' and e.tenant_id = runs_run.tenant_id
   and e.target_id = runs_run.target_id and e.finished_at is null and e.id < runs_run.id and e.id <> ? order by e.id desc limit 1))`;

/**
 * As a plain condition on the status, SQLite would look through all queued runs.
 *
 * Lets go of the runs that waited for one that has ended, however it ended: those that others of their thread come before wait for these.
 *
 * @returns the runs that want a worker now.
 */
export async function unblock(sql: Sql, runId: string): Promise<string[]> {
  const waiting = await sql.all<{ id: string; blocked_by_id: string | null }>(
    `update runs_run set blocked_by_id = ${earlierOpen} where blocked_by_id = ? and coalesce(status, '') in ('QUEUED', 'WAITING', 'PAUSED') returning id, blocked_by_id`,
    runId,
    runId,
    runId,
    runId,
  );
  const free = waiting.filter(({ blocked_by_id: other }) => other === null).map(({ id }) => id);
  // A paused one is due when it is resumed.
  for (const id of free) await sql.run(`update runs_run set due_at = ${sql.now} where id = ? and status <> 'PAUSED'`, id);
  return free;
}

/** Runs that wait for one that has ended or is gone, as an earlier version or a lost row left them. */
export async function findStranded(sql: Sql, { after, limit }: { readonly after: string; readonly limit: number }): Promise<string[]> {
  const rows = await sql.all<{ blocked_by_id: string }>(
    `select distinct blocked_by_id from runs_run where blocked_by_id > ? and status in ('QUEUED', 'WAITING', 'PAUSED')
     and not exists (select 1 from runs_run b where b.id = runs_run.blocked_by_id and b.status in ${openStatuses})
     order by blocked_by_id limit ?`,
    after,
    limit,
  );
  return rows.map(({ blocked_by_id: id }) => id);
}

import type { Database, SqlTx } from "../database/database.ts";
import { idempotencyTtl } from "../host/idempotency.ts";
import type { Logger } from "../kernel/spec.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import { compact } from "./compaction.ts";
import { event } from "./events.ts";
import { sumUsage } from "./metering/fold.ts";
import { sumRuns } from "./metering/run-sums.ts";
import { projectedRow, type PlaceColumns } from "./projector.ts";
import type { DeltaAges } from "./retention/deltas.ts";
import { SetAside } from "./set-aside.ts";
import type { StorageOwner } from "./storage-quota.ts";
import { findStranded, unblock } from "./thread-queue.ts";

/** How many rows one read brings. */
const pageSize = 100;
/** Keys that one transaction forgets. */
const keysAtOnce = 500;

interface HousekeepingHost extends AppendHost {
  readonly database: Database;
  readonly ages: DeltaAges;
  readonly log: Logger;
}

/** How often housekeeping looks, in milliseconds. */
export interface HousekeepingTimes {
  /** For what expires; a second by default. */
  readonly expiryMs?: number;
  /** For what is cleared away; a minute by default. */
  readonly cleaningMs?: number;
  /** How long deltas of finished messages are kept. */
  readonly deltasMs?: number;
}

/** What time brings about: approvals and queued runs expire, old keys and deltas go. @returns what stops it. */
export function startHousekeeping(
  host: HousekeepingHost,
  { expiryMs = 1_000, cleaningMs = 60_000, deltasMs }: HousekeepingTimes = {},
): () => void {
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();
  // The next round begins so long after the last one has ended, however much that found; what fails holds up nothing else.
  const every = (ms: number, work: () => Promise<unknown>): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work()
        .catch((error: unknown) => host.log.warn({ err: error }, "housekeeping will try again"))
        .finally(() => {
          if (!stopped) every(ms, work);
        });
    }, ms);
    timers.add(timer);
  };
  const questions = new SetAside(host.log, "question that has expired");
  const runs = new SetAside(host.log, "run past its deadline");
  const gone = new SetAside(host.log, "run that others wait for and that is gone");
  const broken = new SetAside(host.log, "stream to compact");
  every(expiryMs, () => expireInterrupts(host, questions));
  every(expiryMs, () => expireRuns(host, runs));
  every(cleaningMs, () => freeStranded(host, gone));
  every(cleaningMs, () => forgetKeys(host.database));
  const freed = (owner: StorageOwner, bytes: number): void => host.quota.add(owner, -bytes);
  every(cleaningMs, () => compact(host.database, deltasMs, { broken, freed, ages: host.ages.all }));
  every(expiryMs, () => sumUsage(host.database));
  every(expiryMs, () => sumRuns(host.database));
  every(expiryMs, () => host.quota.save());
  return () => {
    stopped = true;
    timers.forEach((timer) => clearTimeout(timer));
  };
}

interface Expired extends PlaceColumns {
  readonly interrupt: string;
}

/** Approvals that nobody gave in time count as refused; their runs go on with that. One that cannot be ended holds up no other. */
async function expireInterrupts(host: HousekeepingHost, broken: SetAside): Promise<void> {
  const { read } = host.database;
  for (let after = ""; ;) {
    const due = await read.all<{ id: string }>(
      `select id from runs_interrupt where status = 'PENDING' and expires_at <= ${read.now} and +id > ? order by +id limit ${pageSize}`,
      after,
    );
    await Promise.all(
      due.map(({ id }) => broken.try(id, () => host.database.commit((tx) => expireInterrupt(host, tx, id), "expireInterrupt"))),
    );
    after = due.at(-1)?.id ?? after;
    if (due.length < pageSize) return;
  }
}

async function expireInterrupt(host: AppendHost, tx: SqlTx, id: string): Promise<void> {
  const row = await tx.sql.get<Expired>(
    `select i.id as interrupt, r.id, r.tenant_id, r.owner_id, r.stream_num, r.start_seq, r.thread_id, r.parent_id, r.target_type, r.target_id
     from runs_interrupt i join runs_run r on r.id = i.run_id where i.id = ? and i.status = 'PENDING'`,
    id,
  );
  if (!row) return;
  await appendSignal(host, tx, projectedRow(row), [event("interrupt.resolved", { interrupt: row.interrupt, status: "EXPIRED" })]);
}

/** Runs that wait past their deadline are given a worker, which ends them. One at work watches its deadline itself. */
async function expireRuns(host: HousekeepingHost, broken: SetAside): Promise<void> {
  const { read } = host.database;
  const where = (now: string): string =>
    `deadline_at <= ${now} and finished_at is null and lease_owner is null and (due_at is null or due_at > ${now})
     and status in ('QUEUED', 'WAITING', 'PAUSED')`;
  const expire = (id: string): Promise<void> =>
    host.database.commit(async ({ sql, afterCommit }) => {
      await sql.run(`update runs_run set due_at = ${sql.now}, blocked_by_id = null where id = ? and ${where(sql.now)}`, id);
      afterCommit(() => host.ring(id));
    }, "expireRun");
  for (let after = ""; ;) {
    const due = await read.all<{ id: string }>(
      `select id from runs_run where ${where(read.now)} and +id > ? order by +id limit ${pageSize}`,
      after,
    );
    // Writes that come together share a commit, and one that fails takes back its own part only.
    await Promise.all(due.map(({ id }) => broken.try(id, () => expire(id))));
    after = due.at(-1)?.id ?? after;
    if (due.length < pageSize) return;
  }
}

/** Runs that wait for one that is no longer there are let go. */
export async function freeStranded(host: Pick<HousekeepingHost, "database" | "ring">, broken: SetAside): Promise<void> {
  const free = (id: string): Promise<void> =>
    host.database.commit(async ({ sql, afterCommit }) => {
      const freed = await unblock(sql, id);
      afterCommit(() => freed.forEach((each) => host.ring(each)));
    }, "freeStranded");
  for (let after = ""; ;) {
    const gone = await findStranded(host.database.read, { after, limit: pageSize });
    for (const id of gone) await broken.try(id, () => free(id));
    after = gone.at(-1) ?? after;
    if (gone.length < pageSize) return;
  }
}

async function forgetKeys(database: Database): Promise<void> {
  const key = "tenant_id, owner_id, mutation, key";
  let forgotten: number;
  do {
    forgotten = await database.commit(
      ({ sql }) =>
        sql.run(
          `delete from platform_idempotency_key where (${key}) in
         (select ${key} from platform_idempotency_key where created_at < ${sql.now} - ? order by created_at limit ?)`,
          idempotencyTtl,
          keysAtOnce,
        ),
      "forgetKeys",
    );
  } while (forgotten === keysAtOnce);
}

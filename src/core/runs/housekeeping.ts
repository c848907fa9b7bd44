import type { Database } from "../database/database.ts";
import { idempotencyTtl } from "../host/idempotency.ts";
import type { Logger } from "../kernel/spec.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import { compact } from "./compaction.ts";
import { event } from "./events.ts";

const expiryMs = 1_000;
const cleaningMs = 60_000;
/** Keys that one transaction forgets. */
const keysAtOnce = 500;

/** What time brings about: approvals and queued runs expire, old keys and deltas go. @returns what stops it. */
export function startHousekeeping(host: AppendHost & { readonly database: Database; readonly log: Logger }): () => void {
  const guarded = (work: () => Promise<unknown>) => (): void => {
    work().catch((error: unknown) => host.log.warn({ err: error }, "housekeeping will try again"));
  };
  let stopped = false;
  const expiry = setInterval(
    guarded(async () => {
      await expireInterrupts(host);
      await expireRuns(host);
    }),
    expiryMs,
  );
  let cleaning: NodeJS.Timeout;
  // The next round begins a minute after the last one has ended, however much that found.
  const clean = guarded(async () => {
    try {
      await forgetKeys(host.database);
      await compact(host.database, undefined, host.failpoint);
    } finally {
      if (!stopped) cleaning = setTimeout(clean, cleaningMs);
    }
  });
  cleaning = setTimeout(clean, cleaningMs);
  return () => {
    stopped = true;
    clearInterval(expiry);
    clearTimeout(cleaning);
  };
}

interface Expired {
  readonly interrupt: string;
  readonly id: string;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly stream_num: number;
  readonly start_seq: number;
  readonly thread_id: string | null;
  readonly target_type: string;
  readonly target_id: string;
}

/** Approvals that nobody gave in time count as refused; their runs go on with that. */
async function expireInterrupts(host: AppendHost & { readonly database: Database }): Promise<void> {
  const { read } = host.database;
  const due = await read.all<{ id: string }>(
    `select id from runs_interrupt where status = 'PENDING' and expires_at <= ${read.now} limit 100`,
  );
  if (due.length === 0) return;
  await host.database.commit(async (tx) => {
    for (const { id } of due) {
      const row = await tx.sql.get<Expired>(
        `select i.id as interrupt, r.id, r.tenant_id, r.owner_id, r.stream_num, r.start_seq, r.thread_id, r.target_type, r.target_id
         from runs_interrupt i join runs_run r on r.id = i.run_id where i.id = ? and i.status = 'PENDING'`,
        id,
      );
      if (!row) continue;
      const run = {
        id: row.id,
        tenantId: row.tenant_id,
        ownerId: row.owner_id,
        streamNum: row.stream_num,
        startSeq: row.start_seq,
        threadId: row.thread_id,
        targetType: row.target_type,
        targetId: row.target_id,
      };
      await appendSignal(host, tx, run, [event("interrupt.resolved", { interrupt: row.interrupt, status: "EXPIRED" })]);
    }
  });
}

/** Runs that wait past their deadline are given a worker, which ends them. One at work watches its deadline itself. */
async function expireRuns(host: AppendHost & { readonly database: Database }): Promise<void> {
  const { read } = host.database;
  const where = (now: string): string =>
    `deadline_at <= ${now} and lease_owner is null and due_at is null and status in ('QUEUED', 'WAITING')`;
  const due = await read.all<{ id: string }>(`select id from runs_run where ${where(read.now)} limit 100`);
  if (due.length === 0) return;
  await host.database.commit(async ({ sql, afterCommit }) => {
    for (const { id } of due) {
      await sql.run(`update runs_run set due_at = ${sql.now}, blocked_by_id = null where id = ? and ${where(sql.now)}`, id);
      afterCommit(() => host.ring(id));
    }
  });
}

async function forgetKeys(database: Database): Promise<void> {
  const key = "tenant_id, owner_id, mutation, key";
  let forgotten: number;
  do {
    forgotten = await database.commit(({ sql }) =>
      sql.run(
        `delete from platform_idempotency_key where (${key}) in
         (select ${key} from platform_idempotency_key where created_at < ${sql.now} - ? order by created_at limit ?)`,
        idempotencyTtl,
        keysAtOnce,
      ),
    );
  } while (forgotten === keysAtOnce);
}

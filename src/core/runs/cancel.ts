import type { SqlTx } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import type { RunSettings } from "./entities/run.ts";
import { event } from "./events.ts";
import { goOn } from "./pause/go-on.ts";
import { projectedRow, type PlaceColumns } from "./projector.ts";
import { noUsage } from "./usage.ts";
import { isTerminal, openStatuses, type RunStatus } from "./types.ts";

/** What a cancel needs beyond the log. */
export interface CancelHost extends AppendHost {
  /** A run at work should stop. */
  nudge(runId: string, reason: string | undefined): void;
}

/** A run's row as the service reads it inside a transaction. */
export interface OpenRun extends PlaceColumns {
  readonly status: RunStatus;
  readonly lease_owner: string | null;
  readonly pause_requested: number;
  readonly settings: string;
}

export const openColumns =
  "id, status, lease_owner, pause_requested, settings, stream_num, start_seq, tenant_id, owner_id, thread_id, parent_id, target_type, target_id";

/** The open runs of a run and below it, in the order in which they are locked. */
export function openTree(sql: Sql, runId: string): Promise<OpenRun[]> {
  return sql.all<OpenRun>(
    `with recursive tree (id) as (select id from runs_run where id = ? union select r.id from runs_run r join tree t on r.parent_id = t.id)
     select ${openColumns} from runs_run where id in (select id from tree) and status in ${openStatuses} order by id`,
    runId,
  );
}

/** Cancels a run and everything below it in one transaction, but what undoes something of a run in it: that comes to its end. */
export async function cancelTree(host: CancelHost, tx: SqlTx, runId: string, reason: string | undefined): Promise<void> {
  const open = await openTree(tx.sql, runId);
  const byId = new Map(open.map((run) => [run.id, run]));
  const isSpared = ({ id, parent_id, settings }: OpenRun): boolean => {
    if (id === runId) return false;
    const above = byId.get(parent_id ?? "");
    return (JSON.parse(settings) as RunSettings).undoes === true || (above !== undefined && isSpared(above));
  };
  // What undoes something was paused with the run, perhaps, and nobody else would let it go on.
  for (const run of open) await (isSpared(run) ? goOn(host, tx, run) : cancelOne(host, tx, run, reason));
}

/** A run that nobody works on ends here; one at work, or that left something open, is told and winds down itself. */
export async function cancelOne(host: CancelHost, tx: SqlTx, run: OpenRun, reason: string | undefined): Promise<void> {
  if (run.status === "CANCELLING" || isTerminal(run.status)) return;
  const projected = projectedRow(run);
  const said = reason === undefined ? {} : { reason };
  if (run.status === "QUEUED" && run.lease_owner === null) {
    await tx.sql.run("update runs_run set epoch = epoch + 1, cancel_reason = ? where id = ?", reason ?? null, run.id);
    await appendSignal(host, tx, projected, [event("run.cancelled", { ...said, usage: noUsage })]);
    return;
  }
  await appendSignal(host, tx, projected, [event("run.cancelling", said)]);
  await tx.sql.run(
    `update runs_run set blocked_by_id = null, pause_requested = 0, due_at = case when lease_owner is null then ${tx.sql.now} end where id = ?`,
    run.id,
  );
  tx.afterCommit(() => {
    host.nudge(run.id, reason);
    host.ring(run.id);
  });
}

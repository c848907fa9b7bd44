import type { SqlTx } from "../../database/database.ts";
import { appendSignal, type AppendHost } from "../append.ts";
import { event } from "../events.ts";
import { projectedRow, type PlaceColumns } from "../projector.ts";
import type { RunStatus } from "../types.ts";

/** What of a run says whether it is paused. */
export interface PausableRun extends PlaceColumns {
  readonly status: RunStatus;
  readonly lease_owner: string | null;
}

/** Lets a run go on that is paused, or is to be: one whose time is over has a worker already, which ends it. */
export async function goOn(host: AppendHost, tx: SqlTx, run: PausableRun): Promise<void> {
  if (run.status === "PAUSED" && run.lease_owner === null)
    await appendSignal(host, tx, projectedRow(run), [{ ...event("run.waiting", {}), row: { seen: -1 } }]);
  else await tx.sql.run("update runs_run set pause_requested = 0 where id = ? and pause_requested <> 0", run.id);
}

import type { Tx } from "../../database/database.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { appendSignal, type AppendHost } from "../append.ts";
import { openTree } from "../cancel.ts";
import { Run } from "../entities/run.ts";
import { event } from "../events.ts";
import { projectedRow } from "../projector.ts";
import { isTerminal } from "../types.ts";
import { goOn } from "./go-on.ts";

/** What a pause needs beyond the log. */
export interface PauseHost extends AppendHost {
  /** A run at work should come to a boundary. */
  pause(runId: string): void;
}

/**
 * Pauses a run and all below it: at once where nobody works on one, else where its turn ends in a wait.
 *
 * @throws NOT_FOUND; CONFLICT for a run that has ended or is being cancelled.
 */
export async function pauseRun(host: PauseHost, scope: Scope, runId: string): Promise<Run> {
  await scope.write(async (tx) => {
    await openRun(tx, runId);
    for (const run of await openTree(tx.sql, runId)) {
      if (run.status === "PAUSED" || run.status === "CANCELLING") continue;
      if (run.lease_owner === null) await appendSignal(host, tx, projectedRow(run), [event("run.paused", {})]);
      else {
        await tx.sql.run("update runs_run set pause_requested = 1 where id = ?", run.id);
        tx.afterCommit(() => host.pause(run.id));
      }
    }
  }, "pause");
  return runNow(scope, runId);
}

/**
 * Lets a paused run and all below it go on; where one has not come to its pause yet, takes the request back.
 *
 * @throws NOT_FOUND; CONFLICT where neither the run nor one below it is paused.
 */
export async function resumeRun(host: PauseHost, scope: Scope, runId: string): Promise<Run> {
  await scope.write(async (tx) => {
    await openRun(tx, runId);
    const tree = await openTree(tx.sql, runId);
    // The run itself may go on since its time is over, while what undoes something below it is still paused.
    if (!tree.some((run) => run.status === "PAUSED" || run.pause_requested !== 0))
      throw new WeftlineError("CONFLICT", { message: "The run is not paused.", path: ["run"] });
    for (const run of tree) await goOn(host, tx, run);
  }, "resume");
  return runNow(scope, runId);
}

async function openRun(tx: Tx, runId: string): Promise<Run> {
  const run = await tx.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  if (isTerminal(run.status)) throw new WeftlineError("CONFLICT", { message: "The run has ended.", path: ["run"] });
  if (run.status === "CANCELLING") throw new WeftlineError("CONFLICT", { message: "The run is being cancelled.", path: ["run"] });
  return run;
}

async function runNow(scope: Scope, runId: string): Promise<Run> {
  scope.renew();
  return scope.em.findOneOrFail(Run, { id: runId });
}

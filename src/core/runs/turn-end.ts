import { setTimeout } from "node:timers/promises";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import type { Run } from "./entities/run.ts";
import type { EventKind, EventPayloads } from "./events.ts";
import { failureOf } from "./failure.ts";
import type { RunSession } from "./session.ts";
import { cancelTree } from "./cancel.ts";
import { untilAborted } from "./plugin-work.ts";
import { nextStepDue } from "./projection-steps.ts";
import type { TurnHost, TurnStops } from "./stage.ts";
import { Wakes } from "./wakes.ts";
import { withdrawQuestions } from "./withdraw.ts";

/** How long the end of a run below one that ends may go unnoticed. */
const lostWakeMs = 1_000;

/** How a turn that did not come to its own end is ended. */
export interface Ending {
  readonly host: TurnHost;
  readonly run: Run;
  readonly stops: TurnStops;
  /** Whether the run was to end before its program began, so that the program knew. */
  readonly wasEnding?: boolean;
}

/**
 * Ends a turn that did not come to its own end.
 *
 * @throws RUN_FENCED or SHUTTING_DOWN where the run must be left as it is; what the log refuses.
 */
export async function endTurn(ending: Ending, session: RunSession, reason: unknown): Promise<void> {
  const { host, run, stops } = ending;
  const known = asWeftlineError(reason);
  const usage = session.usage;
  const text = session.lastText;
  switch (known.code) {
    case "RUN_FENCED":
      throw known;
    case "SHUTTING_DOWN":
      // What was said stands in the log before another process may go on.
      await session.flush();
      throw known;
    case "RUN_SUSPENDED":
      host.failpoint?.("wait.before");
      if (stops.end.signal.aborted) {
        await session.flush();
        await park(ending);
      } else if (stops.pausing.signal.aborted) {
        session.append("run.paused", {}, { urgency: "now" });
        await session.flush();
      } else {
        session.append("run.waiting", {}, { row: { seen: stops.wakes.seen, dueSeen: stops.wakes.dueSeen }, urgency: "now" });
        await session.flush();
      }
      return host.failpoint?.("wait.committed");
    case "RUN_CANCELLED": {
      const cancelReason = run.cancelReason ?? (known.details.reason as string | undefined);
      session.closeOpen("CANCELLED", "The run was cancelled.");
      return terminate(
        ending,
        session,
        "run.cancelled",
        { ...provenanceOf(session), ...(cancelReason ? { reason: cancelReason } : {}), usage },
        text,
      );
    }
    case "RUN_DEADLINE":
      session.closeOpen("CANCELLED", known.message);
      return terminate(ending, session, "run.expired", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
    default:
      if (known.kind === "internal") host.log.error({ runId: run.id, err: known.cause ?? known }, "a run failed");
      session.closeOpen("FAILED", known.code === "INTERNAL" ? "Something went wrong here." : known.message);
      return terminate(ending, session, "run.failed", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
  }
}

/**
 * Lets go of a run that is to end and waits for what it still does: its status stays, and nothing is appended for it. A program that may have suspended
 * before it saw that the run is to end has another turn at once.
 */
async function park({ host, run, stops, wasEnding = false }: Ending): Promise<void> {
  const row = await host.database.commit(
    ({ sql }) =>
      sql.get<{ ms: number | null }>(
        `update runs_run set lease_owner = null, lease_until = null,
         due_at = case when ? = 0 or wakes > ? then ${sql.now} else ${nextStepDue} end
         where id = ? and epoch = ? returning due_at - ${sql.now} as ms`,
        wasEnding ? 1 : 0,
        stops.wakes.seen,
        stops.wakes.dueSeen,
        run.id,
        run.epoch,
      ),
    "park",
  );
  const wakes = new Wakes();
  wakes.note(run.id, row?.ms);
  wakes.tell(host.signals);
}

/** Appends a run's last event, when no run below it is open, and cancels what it still asks. */
export async function terminate<Kind extends EventKind>(
  ending: Ending,
  session: RunSession,
  kind: Kind,
  payload: EventPayloads[Kind],
  text: string | undefined,
): Promise<void> {
  const { host } = ending;
  if (session.startedRuns.size > 0) await endChildren(ending, session);
  if (session.raised.size > 0) {
    await session.flush();
    await withdrawQuestions(host, ending.run, "whole run");
  }
  host.failpoint?.("finish.before");
  session.append(kind, payload, { row: { text }, urgency: "now" });
  await session.flush();
  host.failpoint?.("finish.committed");
}

/** Cancels the runs below one that ends, and waits for their ends: one of them at a time in the place of the run itself. */
async function endChildren({ host, run, stops }: Ending, session: RunSession): Promise<void> {
  await session.flush();
  for (;;) {
    const woken = stops.wakes.next;
    const open = await host.database.read.all<{ id: string; epoch: number }>(
      `select c.id, p.epoch from runs_run c join runs_run p on p.id = c.parent_id where c.parent_id = ? and c.finished_at is null`,
      run.id,
    );
    if (open.length === 0) return;
    if (open[0]?.epoch !== run.epoch) throw new WeftlineError("RUN_FENCED");
    await host.database.commit(async (tx) => {
      for (const { id } of open) await cancelTree(host.signals, tx, id, "The run above it has ended.");
    }, "endChildren");
    // The places of others may all be held by runs that wait for an end here.
    const work = await host.advanceBelow(open[0].id);
    // A wake can be lost with another process; what it tells of is in the store.
    await untilAborted(Promise.race([woken, work?.done ?? setTimeout(lostWakeMs)]), stops.drain);
  }
}

export function provenanceOf(session: RunSession): { provenance?: "LIVE" | "SIMULATED" | "REPLAYED" } {
  return session.provenance === undefined || session.usage.modelCalls === 0 ? {} : { provenance: session.provenance };
}

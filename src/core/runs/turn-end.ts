import type { Database } from "../database/database.ts";
import { asWeftlineError } from "../errors.ts";
import type { Run } from "./entities/run.ts";
import { type EventKind, type EventPayloads } from "./events.ts";
import { failureOf } from "./failure.ts";
import type { RunSession } from "./session.ts";
import type { TurnHost } from "./stage.ts";

/** How a turn that did not come to its own end is ended. */
export interface Ending {
  readonly host: TurnHost;
  readonly run: Run;
}

/**
 * Ends a turn that did not come to its own end.
 *
 * @throws RUN_FENCED or SHUTTING_DOWN where the run must be left as it is; what the log refuses.
 */
export async function endTurn({ host, run }: Ending, session: RunSession, reason: unknown): Promise<void> {
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
      session.append("run.waiting", {}, { urgency: "now" });
      await session.flush();
      return host.failpoint?.("wait.committed");
    case "RUN_CANCELLED": {
      const cancelReason = run.cancelReason ?? (known.details.reason as string | undefined);
      session.closeOpen("CANCELLED", "The run was cancelled.");
      return terminate(
        host,
        session,
        "run.cancelled",
        { ...provenanceOf(session), ...(cancelReason ? { reason: cancelReason } : {}), usage },
        text,
      );
    }
    case "RUN_DEADLINE":
      session.closeOpen("CANCELLED", known.message);
      return terminate(host, session, "run.expired", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
    default:
      if (known.kind === "internal") host.log.error({ runId: run.id, err: known.cause ?? known }, "a run failed");
      session.closeOpen("FAILED", known.code === "INTERNAL" ? "Something went wrong here." : known.message);
      return terminate(host, session, "run.failed", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
  }
}

/** Appends a run's last event, and cancels what it still asks. */
export async function terminate<Kind extends EventKind>(
  host: TurnHost,
  session: RunSession,
  kind: Kind,
  payload: EventPayloads[Kind],
  text: string | undefined,
): Promise<void> {
  if (session.raised.size > 0) {
    await session.flush();
    for (const id of await pendingOf(host.database, session.run.id))
      session.append("interrupt.resolved", { interrupt: id, status: "CANCELLED" });
  }
  host.failpoint?.("finish.before");
  session.append(kind, payload, { row: { text }, urgency: "now" });
  await session.flush();
  host.failpoint?.("finish.committed");
}

export function provenanceOf(session: RunSession): { provenance?: "LIVE" | "SIMULATED" | "REPLAYED" } {
  return session.provenance === undefined || session.usage.modelCalls === 0 ? {} : { provenance: session.provenance };
}

async function pendingOf({ read }: Database, runId: string): Promise<string[]> {
  const pending = await read.all<{ id: string }>("select id from runs_interrupt where run_id = ? and status = 'PENDING'", runId);
  return pending.map(({ id }) => id);
}

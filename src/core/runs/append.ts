import type { SqlTx } from "../database/database.ts";
import type { Changes } from "../host/changes.ts";
import type { LoggedEvent, NewEvent } from "./events.ts";
import type { Failpoint } from "./failpoint.ts";
import type { Hub } from "./hub.ts";
import { appendEvents } from "./log.ts";
import { project } from "./projection.ts";
import type { ProjectedRun, RunEventDraft } from "./projector.ts";

/** What appends outside a run's own session need: signals, which anyone may log at any time, and a thread's own events. */
export interface AppendHost {
  readonly hub: Hub;
  readonly changes: Changes | undefined;
  /** These runs want a worker. */
  ring(runId: string): void;
  readonly failpoint?: Failpoint | undefined;
}

/** Appends events of a run that its worker did not write: a cancel, a decision. No epoch is asked; the stream's lock orders them. */
export async function appendSignal(
  host: AppendHost,
  { sql, afterCommit }: SqlTx,
  run: ProjectedRun & { readonly startSeq: number | "first" },
  drafts: readonly RunEventDraft[],
): Promise<LoggedEvent[]> {
  const ring = new Set<string>();
  const { events, bytes } = await appendEvents(sql, { streamNum: run.streamNum, run, events: drafts });
  await project(sql, run, events, drafts, ring);
  afterCommit(() => {
    host.hub.publish(run.streamNum, events, bytes);
    publishChanges(host.changes, run, events);
    for (const id of ring) host.ring(id);
  });
  return events;
}

/** Appends events of a stream itself. @returns them as they were numbered. */
export async function appendToStream(
  host: AppendHost,
  { sql, afterCommit }: SqlTx,
  streamNum: number,
  drafts: readonly NewEvent[],
): Promise<LoggedEvent[]> {
  const { events, bytes } = await appendEvents(sql, { streamNum, events: drafts });
  afterCommit(() => host.hub.publish(streamNum, events, bytes));
  return events;
}

/** Lets lists know of runs and interrupts that changed. */
export function publishChanges(changes: Changes | undefined, run: ProjectedRun, events: readonly LoggedEvent[]): void {
  for (const { kind, payload } of events) {
    const { tenantId, ownerId } = run;
    if (kind.startsWith("run.")) {
      changes?.publish({ kind: kind === "run.queued" ? "CREATED" : "UPDATED", typeName: "Run", id: run.id, tenantId, ownerId });
    } else if (kind.startsWith("interrupt.")) {
      const { interrupt } = payload as { readonly interrupt: string };
      changes?.publish({
        kind: kind === "interrupt.raised" ? "CREATED" : "UPDATED",
        typeName: "Interrupt",
        id: interrupt,
        tenantId,
        ownerId,
      });
    }
  }
}

import type { SqlTx } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import type { Changes } from "../host/changes.ts";
import type { LoggedEvent, NewEvent } from "./events.ts";
import type { Hub } from "./hub.ts";
import { appendEvents, type Appended } from "./log.ts";
import { settle, type MeterNote, type ModelMeter } from "./metering/meter.ts";
import { tellOutboxes, type RunOutboxes } from "./outbox.ts";
import { StepRows } from "./step-rows.ts";
import { project } from "./projection.ts";
import type { ProjectedRun, RunEventDraft } from "./projector.ts";
import { Wakes, type WakeTarget } from "./wakes.ts";
import type { StorageOwner, StorageQuota } from "./storage-quota.ts";

/** What appends outside a run's own session need: signals, which anyone may log at any time, and a thread's own events. */
export interface AppendHost extends WakeTarget {
  readonly hub: Hub;
  readonly changes: Changes | undefined;
  readonly quota: StorageQuota;
  readonly outboxes: RunOutboxes;
  readonly meter: () => ModelMeter | undefined;
}

/** Appends events of a run that its worker did not write: a cancel, a decision. No epoch is asked; the stream's lock orders them. */
export async function appendSignal(
  host: AppendHost,
  tx: SqlTx,
  run: ProjectedRun & { readonly startSeq: number | "first" },
  drafts: readonly RunEventDraft[],
): Promise<LoggedEvent[]> {
  const { sql, afterCommit } = tx;
  const wakes = new Wakes();
  const { events, bytes } = await appendEvents(sql, { streamNum: run.streamNum, run, events: drafts });
  const steps = new StepRows();
  const metered: MeterNote[] = [];
  await project(sql, run, events, drafts, { wakes, steps, metered });
  await steps.write(sql);
  const settled = settle(host, tx, metered);
  if (settled) await settled;
  const told = tellOutboxes(host.outboxes, tx, run, events);
  if (told) await told;
  afterCommit(() => {
    host.quota.add(run, bytes);
    host.hub.publish(run.streamNum, events, bytes);
    publishChanges(host.changes, run, events);
    wakes.tell(host);
  });
  return events;
}

/** Appends events of a stream itself. @param beside bytes that are written beside them. @returns them as they were numbered. */
export async function appendToStream(
  host: AppendHost,
  { sql, afterCommit }: SqlTx,
  streamNum: number,
  drafts: readonly NewEvent[],
  beside = 0,
): Promise<Appended> {
  const appended = await appendEvents(sql, { streamNum, events: drafts, beside });
  const { events, bytes, owner } = appended;
  afterCommit(() => {
    host.quota.add(owner, bytes);
    host.hub.publish(streamNum, events, bytes);
  });
  return appended;
}

/** Whose a stream is, and what it takes. */
export async function ownerOf(sql: Sql, streamNum: number): Promise<(StorageOwner & { readonly bytes: number }) | undefined> {
  return sql.get<StorageOwner & { readonly bytes: number } & { [column: string]: string | number }>(
    `select tenant_id as "tenantId", owner_id as "ownerId", bytes from runs_stream where num = ?`,
    streamNum,
  );
}

/** Counts what was written to a stream beside its events. */
export async function countBytes(sql: Sql, streamNum: number, bytes: number): Promise<void> {
  await sql.run("update runs_stream set bytes = bytes + ? where num = ?", bytes, streamNum);
}

/** Lets lists know of runs and interrupts that changed. */
export function publishChanges(changes: Changes | undefined, run: ProjectedRun, events: readonly LoggedEvent[]): void {
  for (const { kind, payload, approvers: grantedTo = [] } of events) {
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
        grantedTo,
      });
    }
  }
}

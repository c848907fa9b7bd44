import type { Sql } from "../database/sql.ts";
import type { Run } from "./entities/run.ts";
import type { RunRow } from "./run-row.ts";
import type { StepRows } from "./step-rows.ts";
import type { Wakes } from "./wakes.ts";
import type { EventKind, EventPayloads, LoggedEvent, NewEvent } from "./events.ts";
import type { MeterNote } from "./metering/meter.ts";
import type { StoredValue, ValueRefs } from "./values/refs.ts";

/** What a projection needs to know of the run whose events it folds into rows. */
export interface ProjectedRun {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly streamNum: number;
  readonly threadId: string | null;
  readonly parentId: string | null;
  readonly targetType: string;
  readonly targetId: string;
}

/** What the projection needs of a run's row. */
export function projectedRun(run: Run): ProjectedRun & { readonly startSeq: number } {
  const { id, tenantId, ownerId, streamNum, startSeq, threadId = null, parentId = null, targetType, targetId } = run;
  return { id, tenantId, ownerId, streamNum, startSeq, threadId, parentId, targetType, targetId };
}

/** Columns of a run's row as prepared SQL reads them. */
export interface PlaceColumns {
  readonly id: string;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly stream_num: number;
  readonly start_seq: number;
  readonly thread_id: string | null;
  readonly parent_id: string | null;
  readonly target_type: string;
  readonly target_id: string;
}

/** The same of a row that prepared SQL read. */
export function projectedRow(row: PlaceColumns): ProjectedRun & { readonly startSeq: number } {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    ownerId: row.owner_id,
    streamNum: row.stream_num,
    startSeq: row.start_seq,
    threadId: row.thread_id,
    parentId: row.parent_id,
    targetType: row.target_type,
    targetId: row.target_id,
  };
}

/** An event of a run with what only its row keeps, not the log. */
export interface RunEventDraft extends NewEvent {
  readonly row?: Readonly<Record<string, unknown>>;
  /** Bytes of what it writes to other rows than the log's, without `values`. */
  readonly beside?: number;
  /** What stands apart of its payload and its row. */
  readonly values?: readonly StoredValue[];
}

/** What stands apart of a draft's row, by the name of its member. */
export type RowRefs = Readonly<Partial<Record<"input" | "output" | "text" | "requested", ValueRefs>>>;

/** The refs of a member of a draft's row, as its column takes them. */
export function refsIn(row: Readonly<Record<string, unknown>>, name: keyof RowRefs): string | null {
  return row.refs === undefined ? null : json((row.refs as RowRefs)[name]);
}

/** A run that an event started, with its first events. */
export interface StartedRun {
  readonly run: ProjectedRun;
  readonly events: readonly LoggedEvent[];
  readonly bytes: number;
}

/** What the events of one append bring about beside the rows of their own. */
export interface Effects {
  readonly wakes: Wakes;
  readonly steps: StepRows;
  /** What changes of the run's own row. */
  readonly row: RunRow;
  /** What was appended of other runs: of those that these events start. Followers hear of it behind the events themselves. */
  readonly started: StartedRun[];
  /** What the meter is to know, in the same transaction. */
  readonly metered: MeterNote[];
}

/** Folds an event of one kind into rows. */
export type Projector<Kind extends EventKind> = (
  sql: Sql,
  run: ProjectedRun,
  event: LoggedEvent<EventPayloads[Kind]>,
  row: Readonly<Record<string, unknown>>,
  effects: Effects,
) => Promise<unknown>;

/** Values as columns take them. */
export const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));
export const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
export const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** One projector a kind, of some kinds. */
export type Projectors = { readonly [Kind in EventKind]?: Projector<Kind> };

import type { Sql } from "../database/sql.ts";
import type { RunRow } from "./run-row.ts";
import type { EventKind, EventPayloads, LoggedEvent, NewEvent } from "./events.ts";

/** What a projection needs to know of the run whose events it folds into rows. */
export interface ProjectedRun {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly streamNum: number;
  readonly threadId: string | null;
  readonly targetType: string;
  readonly targetId: string;
}

/** An event of a run with what only its row keeps, not the log. */
export interface RunEventDraft extends NewEvent {
  readonly row?: Readonly<Record<string, unknown>>;
  /** Bytes of what it writes to other rows than the log's. */
  readonly beside?: number;
}

/** What the events of one append bring about beside the rows of their own. */
export interface Effects {
  /** Runs that want a worker once the events are durable. */
  readonly ring: Set<string>;
  /** What changes of the run's own row. */
  readonly row: RunRow;
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

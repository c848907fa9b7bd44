import type { SqlTx } from "../database/database.ts";
import { extensionPoint, type Contribution } from "../kernel/refs.ts";
import { endsRun, statusOfKind, type LoggedEvent, type RunFailure } from "./events.ts";
import type { ProjectedRun } from "./projector.ts";
import type { RunStatus } from "./types.ts";

/** What an outbox is told of: a run that ended, or a question that a run asks. */
export interface RunNotice {
  readonly run: Pick<ProjectedRun, "id" | "tenantId" | "ownerId" | "threadId" | "parentId">;
  /** The run's final status; absent for a question. */
  readonly status?: RunStatus;
  /** The id of the interrupt that was raised. */
  readonly interrupt?: string;
  /** Set where it is for a budget that the run failed or asks. */
  readonly budget?: "exceeded";
  /** Milliseconds since 1970. */
  readonly at: number;
}

/**
 * Writes down what has to be told to the outside, in the transaction that the event is of: either both are durable or neither. It runs within every such
 * transaction, so it costs nothing where it has nothing to write.
 */
export interface RunOutbox {
  note(tx: SqlTx, notice: RunNotice): Promise<void> | undefined;
}

/** Where plugins put {@link RunOutbox}es. */
export const runOutboxes = extensionPoint<RunOutbox>("runs.outboxes");

export type RunOutboxes = ReadonlyMap<string, Contribution<RunOutbox>>;

/** Tells the outboxes of events that were just folded into their run. @returns nothing where there is nothing to wait for. */
export function tellOutboxes(
  outboxes: RunOutboxes,
  tx: SqlTx,
  run: ProjectedRun,
  events: readonly LoggedEvent[],
): Promise<void> | undefined {
  if (outboxes.size === 0) return undefined;
  const notices: RunNotice[] = [];
  for (const event of events) {
    const notice = noticeOf(run, event);
    if (notice) notices.push(notice);
  }
  return notices.length === 0 ? undefined : tellAll(outboxes, tx, notices);
}

async function tellAll(outboxes: RunOutboxes, tx: SqlTx, notices: readonly RunNotice[]): Promise<void> {
  for (const notice of notices) for (const { value } of outboxes.values()) await value.note(tx, notice);
}

function noticeOf(run: ProjectedRun, { kind, payload, at, asks }: LoggedEvent): RunNotice | undefined {
  const status = endsRun(kind) ? statusOfKind[kind] : undefined;
  if (status !== undefined) return { run, status, at, ...(failureIn(payload) === "BUDGET_EXCEEDED" ? exceeded : {}) };
  if (kind !== "interrupt.raised") return undefined;
  return { run, interrupt: (payload as { readonly interrupt: string }).interrupt, at, ...(asks === "BUDGET" ? exceeded : {}) };
}

const exceeded = { budget: "exceeded" } as const;

function failureIn(payload: unknown): string | undefined {
  return (payload as { readonly failure?: RunFailure }).failure?.code;
}

import type { Sql, SqlValue } from "../database/sql.ts";
import { queueChild } from "./child-runs.ts";
import { stepIdOf, type EventPayloads, type LoggedEvent, type NewChild, type StepDue } from "./events.ts";
import { json, number, refsIn, text, type Effects, type ProjectedRun, type Projectors, type RunEventDraft } from "./projector.ts";
import type { RunRow } from "./run-row.ts";
import { stepColumns, type CheckpointPlace, type StepRows } from "./step-rows.ts";

type Started = LoggedEvent<EventPayloads["step.started"]>;
type Finished = LoggedEvent<EventPayloads["step.finished"]>;
type Row = Readonly<Record<string, unknown>>;

/** When a run is to look at one of its steps next, after a time that it has seen; null where none has such a time. */
export const nextStepDue = "(select min(due_at) from runs_step where run_id = runs_run.id and due_at > ?)";

function valuesOf(
  run: ProjectedRun,
  { payload, at }: Started,
  row: Row,
  end?: { readonly event: Finished; readonly row: Row },
): SqlValue[] {
  return [
    stepIdOf(run.id, payload.s),
    run.tenantId,
    run.ownerId,
    run.id,
    payload.s,
    payload.key,
    payload.name,
    payload.stepKind,
    payload.attempt,
    payload.parent === undefined ? null : stepIdOf(run.id, payload.parent),
    text(row.provenance),
    json(row.input),
    at,
    payload.node ?? null,
    payload.iteration ?? null,
    text(row.compensates),
    payload.child ?? null,
    end?.event.payload.status ?? "RUNNING",
    end?.event.payload.error ?? null,
    json(end?.row.output),
    end?.event.at ?? null,
    refsIn(row, "input"),
    end ? refsIn(end.row, "output") : null,
  ];
}

/** Steps whose start and end are in one batch: a row each, written once. */
export class WholeSteps {
  readonly #run: ProjectedRun;
  /** For the start of such a step, the place of its end. */
  readonly #ends = new Map<number, number>();
  readonly #skipped: ReadonlySet<number>;

  constructor(run: ProjectedRun, events: readonly LoggedEvent[], drafts: readonly RunEventDraft[]) {
    this.#run = run;
    const starts = new Map<number, number>();
    for (const [index, { kind, payload }] of events.entries()) {
      if (kind === "step.started" && isPlain(drafts[index]?.row)) {
        const { s, node, attempt } = payload as Started["payload"];
        // A unit that is tried again lets go of the attempt before.
        if (node === undefined || attempt === 1) starts.set(s, index);
      }
      if (kind !== "step.finished") continue;
      const start = starts.get((payload as Finished["payload"]).s);
      if (start !== undefined && isPlain(drafts[index]?.row)) this.#ends.set(start, index);
    }
    this.#skipped = new Set(this.#ends.values());
  }

  /** @returns whether the event is part of such a step: then nothing else projects it. */
  take(index: number, events: readonly LoggedEvent[], drafts: readonly RunEventDraft[], { row: runRow, steps }: Effects): boolean {
    if (this.#skipped.has(index)) return true;
    const end = this.#ends.get(index);
    if (end === undefined) return false;
    const started = events[index] as Started;
    const row = drafts[index]?.row ?? {};
    const finished = { event: events[end] as Finished, row: drafts[end]?.row ?? {} };
    steps.add(valuesOf(this.#run, started, row, finished));
    noteCheckpoint(this.#run, finished.event, finished.row, steps);
    noteModel(started, row, runRow);
    return true;
  }
}

/** Where it is a step at which the run can be forked. */
function noteCheckpoint(run: ProjectedRun, { payload, seq, at }: Finished, { checkpoint }: Row, steps: StepRows): void {
  if (checkpoint !== undefined) steps.addCheckpoint(run, { ...(checkpoint as CheckpointPlace), s: payload.s, seq, at });
}

/** Nothing else comes of it than its row. */
function isPlain(row: Row = {}): boolean {
  return row.due === undefined && row.child === undefined && row.retryInMs === undefined;
}

/** Simulated is what a run stays once any of its models was. */
function noteModel({ payload }: Started, row: Row, runRow: RunRow): void {
  const provenance = text(row.provenance);
  if (payload.stepKind !== "MODEL" || provenance === null || runRow.valueOf("provenance") === "SIMULATED") return;
  runRow.setTo("provenance", "case when provenance = 'SIMULATED' then provenance else ? end", provenance);
}

/** A time as the store tells it, with one parameter. */
function dueTime(now: string, due: StepDue | undefined): { readonly expression: string; readonly value: number | null } {
  if (due === undefined) return { expression: "?", value: null };
  return "at" in due ? { expression: "?", value: Math.round(due.at) } : { expression: `${now} + ?`, value: Math.round(due.inMs) };
}

/** An attempt that has begun is no longer waited for. */
function clearDue(sql: Sql, runId: string, { key, attempt }: Started["payload"]): Promise<number> {
  return sql.run(
    "update runs_step set due_at = null where run_id = ? and due_at is not null and key = ? and attempt < ?",
    runId,
    key,
    attempt,
  );
}

/** Steps whose start and end come apart. */
export const stepProjectors: Projectors = {
  "step.started": async (sql, run, event, row, effects) => {
    const { payload } = event;
    const due = dueTime(sql.now, row.due as StepDue | undefined);
    await sql.run(`${stepColumns.insert} (${stepColumns.marks}, ${due.expression})`, ...valuesOf(run, event, row), due.value);
    if (payload.node !== undefined && payload.attempt > 1) await clearDue(sql, run.id, payload);
    if (row.child !== undefined) {
      const place = row.childPlace === "PARENTS" ? "PARENTS" : "OWN";
      await queueChild(sql, run, { ...(row.child as NewChild), place, stepId: stepIdOf(run.id, payload.s) }, effects);
    }
    noteModel(event, row, effects.row);
  },
  "step.finished": async (sql, run, event, row, { steps }) => {
    const { payload, at } = event;
    noteCheckpoint(run, event, row, steps);
    const retryInMs = number(row.retryInMs);
    const due = dueTime(sql.now, retryInMs === null ? undefined : { inMs: retryInMs });
    await sql.run(
      `update runs_step set status = ?, error = ?, output = ?, output_refs = ?, finished_at = ?, due_at = ${due.expression} where id = ?`,
      payload.status,
      payload.error ?? null,
      json(row.output),
      refsIn(row, "output"),
      at,
      due.value,
      stepIdOf(run.id, payload.s),
    );
  },
};

import { Interrupt, Run, Step, ToolCall, UsageRow, isRecorded, type Database } from "#weftline";

type Tracer = Parameters<typeof isRecorded>[0];

/** So many parts of each sort are read of a run; the span of a larger one says that it has more. */
export const mostParts = 2_000;

/** All that the spans of a run are made of. */
export interface RunRows {
  readonly run: Run;
  readonly steps: readonly Step[];
  readonly calls: readonly ToolCall[];
  readonly usage: readonly UsageRow[];
  readonly interrupts: readonly Interrupt[];
  /** The step of the run above that started it, and the call that it is, where it is one. */
  readonly startedBy: { readonly step: Step; readonly call: ToolCall | null } | undefined;
  readonly retryOf: Run | null;
}

/**
 * Reads what is known of a run that has ended, by indexes.
 *
 * @returns nothing where it is gone, or where its trace is not recorded.
 */
export async function readRows(database: Database, runId: string, tracer: Tracer): Promise<RunRows | undefined> {
  const em = database.em("SYSTEM");
  const run = await em.findOne(Run, { id: runId });
  if (!run || !isRecorded(tracer, run)) return undefined;
  const parts = { limit: mostParts };
  const steps = await em.find(Step, { runId }, { ...parts, orderBy: { num: "asc" } });
  const calls = await em.find(ToolCall, { runId }, parts);
  const usage = await em.find(UsageRow, { runId }, parts);
  const interrupts = await em.find(Interrupt, { runId }, parts);
  const step = run.parentId == null ? null : await em.findOne(Step, { runId: run.parentId, childRunId: run.id });
  const num = step?.kind === "TOOL" ? numberIn(step.key) : undefined;
  const call = step && num !== undefined ? await em.findOne(ToolCall, { runId: step.runId, num }) : null;
  const retryOf = run.retryOfId == null ? null : await em.findOne(Run, { id: run.retryOfId });
  return { run, steps, calls, usage, interrupts, startedBy: step ? { step, call } : undefined, retryOf };
}

const prefix = "tool/";

/** The key of the step that a call is: the span of the call stands for both. */
export function stepKeyOf({ num }: Pick<ToolCall, "num">): string {
  return `${prefix}${num}`;
}

function numberIn(key: string): number | undefined {
  const num = key.startsWith(prefix) ? Number(key.slice(prefix.length)) : Number.NaN;
  return Number.isInteger(num) ? num : undefined;
}

import type { NewEvent } from "../../src/core/runs/events.ts";
import { createGrammar } from "../../src/core/runs/grammar.ts";
import { Step } from "../../src/core/runs/entities/run.ts";
import { statusOfKind } from "../../src/core/runs/events.ts";
import { recordOf } from "../../src/plugins/workflows/execution/records.ts";
import type { WorkflowDefinition } from "../../src/plugins/workflows/definition/types.ts";
import { keptBefore } from "../../src/plugins/workflows/state/fork.ts";
import { runOutput, toCompensate } from "../../src/plugins/workflows/state/outcome.ts";
import { planOf } from "../../src/plugins/workflows/state/plan.ts";
import { Scheduler } from "../../src/plugins/workflows/state/scheduler.ts";
import { foldUnits } from "../../src/plugins/workflows/state/units.ts";

/** One line of a golden log: an event of a run, a step that stands beside it, or what a run of the log runs. */
export type Line =
  | { readonly event: string; readonly run: number; readonly payload: unknown }
  | { readonly step: Readonly<Record<string, unknown>>; readonly run: number }
  | { readonly workflow: WorkflowDefinition; readonly run: number };

/** What today's code makes of a log: of each run by its number in it. */
export async function folded(lines: readonly Line[]): Promise<readonly unknown[]> {
  const runs = [...new Set(lines.map(({ run }) => run))].toSorted((a, b) => a - b);
  return Promise.all(
    runs.map(async (run) => {
      const own = lines.filter((line) => line.run === run);
      const events = own.flatMap((line) => ("event" in line ? [{ kind: line.event, payload: line.payload }] : []));
      return { run, ...foldedLog(events), ...(await foldedState(own)) };
    }),
  );
}

/** The same as a turn that begins anew reads it: what stands open at each event, and where the run stands. */
function foldedLog(events: readonly NewEvent[]): object {
  const grammar = createGrammar();
  const seen = events.map((event) => {
    const problem = problemOf(() => grammar.check(event));
    if (problem !== undefined) grammar.replay([event]);
    const { messages, steps, calls, interrupts } = grammar.open();
    const open = [messages.length, steps.length, calls.length, interrupts.length].join(" ");
    return `${event.kind} ${open}${problem === undefined ? "" : ` (${problem})`}`;
  });
  const status = events.reduce((before, { kind }) => statusOfKind[kind] ?? before, "");
  return { status, seen };
}

function problemOf(check: () => void): string | undefined {
  try {
    return void check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What the run of a workflow has come to, and what it would do next. */
async function foldedState(own: readonly Line[]): Promise<object> {
  const definition = own.flatMap((line) => ("workflow" in line ? [line.workflow] : []))[0];
  if (!definition) return {};
  const records = own.flatMap((line) => ("step" in line ? (recordOf(Object.assign(new Step(), line.step)) ?? []) : []));
  const units = foldUnits(records);
  const plan = planOf(definition);
  const { start, skip, failed } = new Scheduler(plan, units).begin();
  return {
    units: Object.fromEntries(
      [...units].map(([key, { status, attempt, output = null, error = null }]) => [key, { status, attempt, output, error }]),
    ),
    next: { start, skip, failed: failed ?? null },
    output: await runOutput(plan, units),
    undo: toCompensate(plan, units).map(({ key }) => key),
    kept: plan.order.map((key) => [key, keptBefore(plan, units, key).join(" ")]),
  };
}

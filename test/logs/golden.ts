import { hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { NewEvent } from "../../src/core/runs/events.ts";
import { createGrammar } from "../../src/core/runs/grammar.ts";
import { Step, type Run } from "../../src/core/runs/entities/run.ts";
import { statusOfKind } from "../../src/core/runs/events.ts";
import { isAsked } from "../../src/core/runs/open-runs.ts";
import { wholeDocument, type ReadValue, type ValueRefs } from "../../src/core/runs/values/refs.ts";
import { recordOf } from "../../src/plugins/workflows/execution/records.ts";
import type { WorkflowDefinition } from "../../src/plugins/workflows/definition/types.ts";
import { knownUnit } from "../../src/plugins/workflows/state/late-value.ts";
import { keptBefore } from "../../src/plugins/workflows/state/fork.ts";
import { runOutput, toCompensate } from "../../src/plugins/workflows/state/outcome.ts";
import { planOf } from "../../src/plugins/workflows/state/plan.ts";
import { Scheduler } from "../../src/plugins/workflows/state/scheduler.ts";
import { foldUnits } from "../../src/plugins/workflows/state/units.ts";

/** One line of a golden log: an event of a run, a step that stands beside it, a value that stands apart, what a run runs, or what started it. */
export type Line =
  | { readonly event: string; readonly run: number; readonly payload: unknown }
  | { readonly step: Readonly<Record<string, unknown>>; readonly run: number }
  | { readonly value: ApartValue; readonly run: number }
  | { readonly started: Started; readonly run: number }
  | { readonly workflow: WorkflowDefinition; readonly run: number };

/** A large value. Its JSON is compressed, so that a log stays small. */
interface ApartValue {
  readonly hash: string;
  readonly refs: string | null;
  /** Base64. */
  readonly gzip: string;
}

interface Started {
  readonly trigger: Run["trigger"];
  readonly input?: unknown;
  readonly inputRefs?: ValueRefs;
}

/** What today's code makes of a log: of each run by its number in it. */
export async function folded(lines: readonly Line[]): Promise<readonly unknown[]> {
  const runs = [...new Set(lines.map(({ run }) => run))].toSorted((a, b) => a - b);
  const read = valuesOf(lines);
  return Promise.all(
    runs.map(async (run) => {
      const own = lines.filter((line) => line.run === run);
      const events = own.flatMap((line) => ("event" in line ? [{ kind: line.event, payload: line.payload }] : []));
      const content = { ...(await foldedStart(own, read)), ...(await foldedValues(events, read)) };
      return { run, ...foldedLog(events), ...content, ...(await foldedState(own, read)) };
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

function valuesOf(lines: readonly Line[]): ReadValue {
  const values = new Map(lines.flatMap((line) => ("value" in line ? [[line.value.hash, line.value]] : [])));
  return async (name) => {
    const value = values.get(name);
    if (!value) throw new Error(`The log names a value that it does not hold: ${name}`);
    return { text: gunzipSync(Buffer.from(value.gzip, "base64")).toString(), refs: value.refs };
  };
}

/** What started the run, and what it was given. */
async function foldedStart(own: readonly Line[], read: ReadValue): Promise<object> {
  const started = own.flatMap((line) => ("started" in line ? [line.started] : []))[0];
  if (!started) return {};
  const { trigger, input = null, inputRefs } = started;
  return { trigger, asked: isAsked(trigger), input: shown(await whole(input, inputRefs, read)) };
}

/** What events say whose values stand apart. */
async function foldedValues(events: readonly NewEvent[], read: ReadValue): Promise<object> {
  const values: unknown[] = [];
  for (const { kind, payload } of events) {
    const { refs = {}, ...members } = payload as {
      readonly refs?: Readonly<Record<string, ValueRefs>>;
      readonly [member: string]: unknown;
    };
    for (const [member, its] of Object.entries(refs)) values.push([kind, member, shown(await whole(members[member], its, read))]);
  }
  return values.length === 0 ? {} : { values };
}

async function whole(document: unknown, refs: ValueRefs | undefined | null, read: ReadValue): Promise<unknown> {
  return refs == null ? document : wholeDocument({ document, refs }, read);
}

/** Long texts by their length and their hash. */
function shown(value: unknown): unknown {
  if (typeof value === "string")
    return value.length > 200 ? `${value.length} characters, SHA-256 ${hash("sha256", value, "base64url")}` : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(shown);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shown(member)]));
}

/** What the run of a workflow has come to, and what it would do next. */
async function foldedState(own: readonly Line[], read: ReadValue): Promise<object> {
  const definition = own.flatMap((line) => ("workflow" in line ? [line.workflow] : []))[0];
  if (!definition) return {};
  const content = async ({ input, inputRefs, output, outputRefs }: Step) => ({
    input: await whole(input, inputRefs, read),
    output: await whole(output, outputRefs, read),
  });
  const records = own.flatMap((line) => ("step" in line ? (recordOf(Object.assign(new Step(), line.step), content) ?? []) : []));
  const units = foldUnits(records);
  const plan = planOf(definition);
  const { start, skip, failed } = new Scheduler(plan, units).begin();
  const known = await Promise.all([...units.values()].map(knownUnit));
  return {
    units: Object.fromEntries(
      known.map(({ key, status, attempt, output = null, error = null }) => [key, { status, attempt, output: shown(output), error }]),
    ),
    next: { start, skip, failed: failed ?? null },
    output: shown(await runOutput(plan, units)),
    undo: toCompensate(plan, units).map(({ key }) => key),
    kept: plan.order.map((key) => [key, keptBefore(plan, units, key).join(" ")]),
  };
}

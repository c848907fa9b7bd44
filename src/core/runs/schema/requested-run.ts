import { isBlank } from "../../json/characters.ts";
import { WeftlineError, type InputProblem } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Tx } from "../../database/database.ts";
import { runService, runTargets, streamService, threadResolver, type FoundThread, type StartRun } from "../contract.ts";
import type { FoundTarget, GivenInput } from "../program.ts";
import type { StoredPart } from "../entities/message.ts";
import type { Run, RunSettings } from "../entities/run.ts";
import { toolRegistry, type ToolRegistry } from "../tools.ts";
import { metadataProblems } from "./metadata.ts";

/** The most that a run may be told at once, all of it together, in bytes of UTF-8. */
const maxBytes = 256 * 1024;

/** What a run is told, as in `StartRunInput`. */
export interface RunTelling {
  readonly input?: unknown;
  readonly text?: string | null | undefined;
  readonly outputSchema?: unknown;
  readonly metadata?: unknown;
}

/** What is wrong with what a run would be told: at `["input", …]`, as in `StartRunInput`. */
export async function tellingProblems(scope: Scope, { input, text, outputSchema, metadata }: RunTelling): Promise<InputProblem[]> {
  const problems = [...tooLarge({ text, input, outputSchema }), ...metadataProblems(metadata, ["input", "metadata"])];
  if (text != null && isBlank(text)) problems.push({ path: ["input", "text"], message: "The text is empty; leave it out to say nothing." });
  const checked = outputSchema != null && problems.every(({ path }) => path[1] !== "outputSchema");
  const schemaProblem = checked ? await schemaProblemOf(scope, outputSchema) : undefined;
  if (schemaProblem !== undefined) problems.push({ path: ["input", "outputSchema"], message: schemaProblem });
  return problems;
}

/** What is too large by itself, or else all of it, where it is too large together. */
function tooLarge(told: Readonly<Record<string, unknown>>): InputProblem[] {
  const sizes = Object.entries(told).flatMap(([name, value]) => (value == null ? [] : [{ name, bytes: bytesOf(value) }]));
  const alone = sizes.filter(({ bytes }) => bytes > maxBytes);
  if (alone.length > 0) return alone.map(({ name }) => ({ path: ["input", name], message: `At most ${maxBytes / 1024} KiB.` }));
  const bytes = sizes.reduce((sum, size) => sum + size.bytes, 0);
  return bytes > maxBytes ? [{ path: ["input"], message: `At most ${maxBytes / 1024} KiB in all.` }] : [];
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value));
}

async function schemaProblemOf(scope: Scope, schema: unknown): Promise<string | undefined> {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return "A JSON Schema is an object.";
  const { tenantId, actorId } = scope.viewer;
  return registryOf(scope)?.schemaProblem(schema, `${tenantId}:${actorId}`);
}

/** Nothing where no plugin brings one: then the schema is found wrong, if it is, when the output is checked. */
function registryOf(scope: Scope): ToolRegistry | undefined {
  try {
    return scope.use(toolRegistry);
  } catch {
    return undefined;
  }
}

/** A value of `RunTargetInput`: one field names the target; the plugins that have targets add the fields. */
export type RunTargetRef = Readonly<Record<string, unknown>>;

/** A target that a {@link RunTargetRef} names, not yet looked up. */
export interface NamedTarget {
  /** Its GraphQL type. */
  readonly targetType: string;
  /** The field that named it; `{ [field]: { id } }` names it by its id. */
  readonly field: string;
  /**
   * Checks what a run of it would be given, outside a transaction.
   *
   * @returns the target whose version was checked; nothing where its plugin checks no input.
   * @throws INVALID_INPUT, and as `find`.
   */
  check(given: RunTelling): Promise<FoundTarget | undefined>;
  /**
   * Finds it as the viewer, in the transaction of the start.
   *
   * @param checked the version to pin.
   * @throws NOT_FOUND, INVALID_ID, or a conflict where it takes no runs now.
   */
  find(checked?: FoundTarget): Promise<FoundTarget>;
}

/**
 * Which target a `RunTargetInput` names.
 *
 * @throws NOT_FOUND for a field that no plugin has.
 * @example const target = await runTargetNamed(scope, { agent: { name: "Ada" } }).find();
 */
export function runTargetNamed(scope: Scope, ref: RunTargetRef): NamedTarget {
  const [field, value] = Object.entries(ref).find((entry) => entry[1] != null) ?? [];
  for (const { value: type } of scope.contributions(runTargets).values()) {
    const { startable, typeName } = type;
    if (startable === undefined || startable.inputField !== field) continue;
    return {
      targetType: typeName,
      field,
      check: async (given) => startable.check?.(scope, value, givenOf(given)),
      find: async (checked) => pinned(await startable.find(scope, value), checked),
    };
  }
  throw new WeftlineError("NOT_FOUND", { what: "target", path: ["input", "target"] });
}

function givenOf({ input, text }: RunTelling): GivenInput {
  return { ...(input == null ? {} : { input }), ...(text == null ? {} : { text }) };
}

/** The version whose input was checked, also where there is a newer one by now. */
function pinned(found: FoundTarget, checked: FoundTarget | undefined): FoundTarget {
  return checked?.id === found.id && checked.version !== undefined ? { ...found, version: checked.version } : found;
}

/** A run to start as its owner asked for it: what it is told was checked with {@link tellingProblems}. */
export interface RequestedRun extends Pick<StartRun, "targetType" | "target" | "trigger" | "limits" | "onBusy" | "schedule">, RunTelling {
  /** A thread's id in the graph. */
  readonly thread?: string | null | undefined;
}

/**
 * Starts a run as the scope's viewer, within the caller's transaction. In a thread, what the run is told stands there as the viewer's message.
 *
 * @throws what the thread and the run service throw.
 */
export async function startRequested(scope: Scope, tx: Tx, request: RequestedRun): Promise<Run> {
  const { targetType, target, trigger, limits, onBusy, schedule, metadata } = request;
  const thread = request.thread == null ? undefined : await scope.use(threadResolver).find(scope, request.thread, ["input", "thread"]);
  const started = await scope.use(runService).start(scope, tx, {
    targetType,
    target,
    trigger,
    settings: settingsOf(request, thread),
    ...(limits === undefined ? {} : { limits }),
    ...(thread ? { thread: { id: thread.id, streamNum: thread.streamNum } } : {}),
    ...givenOf(request),
    ...(onBusy === undefined ? {} : { onBusy }),
    ...(metadata == null ? {} : { metadata: metadata as Readonly<Record<string, unknown>> }),
    ...(schedule === undefined ? {} : { schedule }),
  });
  if (thread) await tellThread(scope, tx, thread, started, request);
  return started;
}

function settingsOf({ outputSchema }: RunTelling, thread: FoundThread | undefined): RunSettings {
  const settings: RunSettings = thread?.settings ?? { simulated: "allowed" };
  return outputSchema == null ? settings : { ...settings, outputSchema: outputSchema as Readonly<Record<string, unknown>> };
}

async function tellThread(scope: Scope, tx: Tx, thread: FoundThread, run: Run, { text, input }: RunTelling): Promise<void> {
  const parts: StoredPart[] = [
    ...(text == null ? [] : [{ type: "text" as const, text }]),
    ...(input == null ? [] : [{ type: "data" as const, name: "input", data: input }]),
  ];
  if (parts.length === 0) return;
  const authorId = scope.viewer.actorId;
  await scope.use(streamService).addMessage(tx, thread.streamNum, { role: "USER", parts, threadId: thread.id, authorId, runId: run.id });
}

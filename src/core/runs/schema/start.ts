import { isBlank } from "../../json/characters.ts";
import { WeftlineError, type InputProblem } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { idempotently } from "../../host/idempotency.ts";
import type { Tx } from "../../database/database.ts";
import {
  runService,
  runTargets,
  streamService,
  threadResolver,
  type FoundTarget,
  type FoundThread,
  type GivenInput,
  type StartableTarget,
} from "../contract.ts";
import type { StoredPart } from "../entities/message.ts";
import type { Run, RunSettings } from "../entities/run.ts";
import { toolRegistry, type ToolRegistry } from "../tools.ts";
import type { OnBusy } from "../types.ts";
import { invalidInput, runLimitsOf, type RunLimitsInput } from "./limits.ts";
import { metadataProblems } from "./metadata.ts";

/** The most that a run may be told at once, all of it together, in bytes of UTF-8. */
const maxBytes = 256 * 1024;

/** `StartRunInput`, with the fields that other plugins add. */
export interface StartRunInput {
  /** One field names the target; which fields there are is up to the plugins that have targets. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly input?: unknown;
  readonly text?: string | null;
  readonly outputSchema?: unknown;
  readonly metadata?: unknown;
  readonly idempotencyKey?: string | null;
  readonly onBusy?: OnBusy | null;
  readonly limits?: RunLimitsInput | null;
  /** A thread's id in the graph. */
  readonly thread?: string | null;
}

/**
 * Starts a run as a client asked, at most once a key.
 *
 * @returns the run's id.
 * @throws INVALID_INPUT; what the target, the thread and the run service throw.
 */
export async function startRun(scope: Scope, input: StartRunInput): Promise<string> {
  const problems = await problemsOf(scope, input);
  if (problems.length > 0) throw invalidInput(problems);
  const limits = runLimitsOf(input.limits, ["input", "limits"]);
  const { typeName, startable, value } = targetTypeOf(scope, input.target);
  const checked = await settle(startable.check?.(scope, value, givenOf(input)));
  const { run } = await idempotently(scope, { mutation: "startRun", key: input.idempotencyKey, body: input }, async (tx) => {
    const thread = input.thread == null ? undefined : await scope.use(threadResolver).find(scope, input.thread, ["input", "thread"]);
    const started = await scope.use(runService).start(scope, tx, {
      targetType: typeName,
      target: pinned(await startable.find(scope, value), checked()),
      trigger: "API",
      limits,
      settings: settingsOf(input, thread),
      ...(thread ? { thread: { id: thread.id, streamNum: thread.streamNum } } : {}),
      ...givenOf(input),
      ...(input.onBusy == null ? {} : { onBusy: input.onBusy }),
      ...(input.metadata == null ? {} : { metadata: input.metadata as Readonly<Record<string, unknown>> }),
    });
    if (thread) await tellThread(scope, tx, thread, started, input);
    return { run: started.id };
  });
  return run;
}

function givenOf({ input, text }: StartRunInput): GivenInput {
  return { ...(input == null ? {} : { input }), ...(text == null ? {} : { text }) };
}

/** A failed check is told only when there is no first answer for the idempotency key. @returns what gives its result or throws. */
async function settle<T>(work: Promise<T> | undefined): Promise<() => T | undefined> {
  try {
    const value = await work;
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The version whose input was checked, also where there is a newer one by now. */
function pinned(found: FoundTarget, checked: FoundTarget | undefined): FoundTarget {
  return checked?.id === found.id && checked.version !== undefined ? { ...found, version: checked.version } : found;
}

async function problemsOf(scope: Scope, { input, text, outputSchema, metadata }: StartRunInput): Promise<InputProblem[]> {
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

interface NamedTarget {
  readonly typeName: string;
  readonly startable: StartableTarget;
  readonly value: unknown;
}

/** The type of target that the one given field stands for, and the field's value. */
function targetTypeOf(scope: Scope, target: StartRunInput["target"]): NamedTarget {
  const [field, value] = Object.entries(target).find((entry) => entry[1] != null) ?? [];
  for (const { value: type } of scope.contributions(runTargets).values()) {
    if (type.startable?.inputField === field && type.startable) return { typeName: type.typeName, startable: type.startable, value };
  }
  throw new WeftlineError("NOT_FOUND", { what: "target", path: ["input", "target"] });
}

function settingsOf({ outputSchema }: StartRunInput, thread: FoundThread | undefined): RunSettings {
  const settings: RunSettings = thread?.settings ?? { simulated: "allowed" };
  return outputSchema == null ? settings : { ...settings, outputSchema: outputSchema as Readonly<Record<string, unknown>> };
}

/** In a thread, what a run is told stands there as the viewer's message. */
async function tellThread(scope: Scope, tx: Tx, thread: FoundThread, run: Run, { text, input }: StartRunInput): Promise<void> {
  const parts: StoredPart[] = [
    ...(text == null ? [] : [{ type: "text" as const, text }]),
    ...(input == null ? [] : [{ type: "data" as const, name: "input", data: input }]),
  ];
  if (parts.length === 0) return;
  const authorId = scope.viewer.actorId;
  await scope.use(streamService).addMessage(tx, thread.streamNum, { role: "USER", parts, threadId: thread.id, authorId, runId: run.id });
}

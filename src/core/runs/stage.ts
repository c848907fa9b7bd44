import type { Database } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";
import type { CancelHost } from "./cancel.ts";
import type { Lookup } from "./cast.ts";
import type { Run } from "./entities/run.ts";
import { withPlainValues } from "./event-values.ts";
import type { ProgramEventBody } from "./events.ts";
import type { Failpoint } from "./failpoint.ts";
import type { RunCounters } from "./figures.ts";
import type { UncaughtErrors } from "../process/uncaught-errors.ts";
import type { RunMeter } from "./metering/run-meter.ts";
import type { ProviderFailures } from "./provider-failures.ts";
import type { Questions } from "./questions.ts";
import type { RunSession } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import type { StorageQuota } from "./storage-quota.ts";
import type { ToolCalls } from "./tool-calls.ts";
import type { ToolGates } from "./tool-gates.ts";
import { toolRegistry } from "./tools.ts";
import type { WakeSignal } from "./wakes.ts";
import type { LogWriter } from "./writer.ts";

/** What a turn needs of the host. */
export interface TurnHost {
  readonly database: Database;
  readonly writer: LogWriter;
  readonly log: Logger;
  readonly lookup: Lookup;
  readonly gates: ToolGates;
  readonly uncaught: UncaughtErrors;
  readonly providers: ProviderFailures;
  readonly quota: StorageQuota;
  readonly stalls: StallWatch;
  readonly counters: RunCounters;
  /** Appends past a run's own session, as of runs below it. */
  readonly signals: CancelHost;
  /** Advances a run in the place of the one above it. @returns its turn here; nothing where none is to be had now. */
  advanceBelow(runId: string): Promise<{ readonly done: Promise<void> } | undefined>;
  readonly failpoint?: Failpoint | undefined;
}

/** What ends a turn from outside. */
export interface TurnStops {
  /** It ends now. */
  readonly abort: AbortController;
  /** The run is to end: it was cancelled, or its time is over. Most turns end now; a program may first undo what it did. */
  readonly end: AbortController;
  /** The platform closes: it should end where nothing is done twice for it. */
  readonly drain: AbortSignal;
  /** Something came that it may wait for. */
  readonly wakes: WakeSignal;
  /** The run is to pause where the turn ends in a wait. */
  readonly pausing: AbortController;
}

/** A turn under way. */
export interface Stage extends TurnStops {
  readonly host: TurnHost;
  readonly run: Run;
  readonly session: RunSession;
  readonly toolCalls: ToolCalls;
  readonly questions: Questions;
  readonly meter: RunMeter;
}

/** What a run came to. */
export interface Answer {
  readonly output: unknown;
  readonly text: string | undefined;
}

/** Takes what a plugin said. A broken protocol is its fault. @returns a promise where it should wait for the log */
export function hear(stage: Stage, plugin: string, body: ProgramEventBody): Promise<void> | undefined {
  const { host, run, session, abort } = stage;
  const prices = body.kind === "usage.recorded" ? session.pricesBefore(body.provenance) : undefined;
  if (prices) return prices.then(() => hear(stage, plugin, body));
  const said = stage.meter.heard(body);
  const wait = blaming(plugin, () => session.say(withPlainValues(said)));
  const { maxTokens } = run.limits;
  if (body.kind === "usage.recorded" && maxTokens !== undefined && session.usage.inputTokens + session.usage.outputTokens > maxTokens) {
    abort.abort(new WeftlineError("RUN_LIMIT", { limit: `${maxTokens} tokens` }));
  }
  // What the plugin does next is called from here.
  host.stalls.enter(run.id);
  // Of tokens, which are many, only the run's own total is looked at.
  if (body.kind !== "message.delta" || session.written > host.quota.runBytes) {
    const problem = host.quota.problemOf(run, session.written);
    if (problem) abort.abort(problem);
  }
  return wait;
}

/**
 * Ends what earlier turns left and this one, which is over, did not go on with.
 *
 * @throws PROTOCOL_VIOLATION where something that the plugin began stands open.
 */
export function checkClosed({ session }: Stage, plugin: string): void {
  session.closeLeft();
  const { messages, steps } = session.open;
  if (messages.length + steps.length === 0) return;
  throw new WeftlineError("PROTOCOL_VIOLATION", { plugin, problem: "the turn ended with a message or a step open" });
}

function blaming<T>(plugin: string, speak: () => T): T {
  try {
    return speak();
  } catch (error) {
    if (!(error instanceof WeftlineError && error.code === "PROTOCOL_VIOLATION")) throw error;
    throw new WeftlineError("PROTOCOL_VIOLATION", { ...error.details, plugin }, { cause: error });
  }
}

/** @throws OUTPUT_INVALID where an output does not fit its schema, WORK_TOO_LONG where that takes too long to tell. */
export async function checkOutput(
  { lookup }: TurnHost,
  { tenantId, ownerId }: Pick<Run, "tenantId" | "ownerId">,
  { schema, output }: { readonly schema: Readonly<Record<string, unknown>>; readonly output: unknown },
): Promise<void> {
  if (!lookup.has(toolRegistry)) return;
  const problems = await lookup.use(toolRegistry).checkSchema(schema, output, `${tenantId}:${ownerId}`);
  if (problems.length === 0) return;
  throw new WeftlineError("OUTPUT_INVALID", { problem: problems.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ") });
}

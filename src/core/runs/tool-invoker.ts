import { setTimeout as rest } from "node:timers/promises";
import { WeftlineError, messageOf } from "../errors.ts";
import { isoDuration } from "../graphql/scalars.ts";
import { plainJson } from "../json/plain.ts";
import type { Logger } from "../kernel/spec.ts";
import type { UncaughtErrors } from "../process/uncaught-errors.ts";
import { toolCallIdOf } from "./events.ts";
import type { KnownCall } from "./known-call.ts";
import { untilAborted } from "./plugin-work.ts";
import type { RunSession } from "./session.ts";
import type { StallWatch } from "./stall-watch.ts";
import { keptError, keptResult, wholeResult } from "./tool-results.ts";
import type { ToolContext, ToolDefinition, ToolOutcome, ToolRegistry, ToolRequest } from "./tools.ts";

/** The most that a tool's progress may carry, in characters of JSON. */
const mostOfProgress = 64 * 1024;
/** How long a call waits for the store before it is made again, in milliseconds. */
const storeRestMs = 500;

/** A call whose tool is about to be asked. */
export interface Invoked {
  readonly call: KnownCall;
  readonly tool: ToolDefinition;
  readonly args: unknown;
  readonly request: ToolRequest;
}

/** How the code of a tool ended. */
export interface Invocation<T> {
  readonly answer: T | ToolOutcome;
  /** Absent where it came to an end. */
  readonly cut?: Cut;
}

/** Why a call was cut off while it ran, whatever it did until then: its own time was over, it alone was stopped, or its tool cannot say. */
export interface Cut {
  readonly by: "time" | "stop" | "tool";
  /** In words, without a full stop. */
  readonly what: string;
}

/** What the code of tools is called with. */
export interface ToolInvokerOptions {
  readonly session: RunSession;
  readonly registry: ToolRegistry | undefined;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly uncaught: UncaughtErrors;
  readonly stalls: StallWatch;
  /** What others are told of the trace that a call is part of, by the id of the call. */
  readonly traceparent: (callId: string) => string | undefined;
}

/** Calls the code of tools, and takes what they answer, tell and throw: nothing of it is trusted. */
export class ToolInvoker {
  readonly #options: ToolInvokerOptions;

  constructor(options: ToolInvokerOptions) {
    this.#options = options;
  }

  /**
   * A call that may be repeated and that the store refuses, on a full disk say, is made again until the store takes it: the log waits for the store as well.
   *
   * @param take reads what the tool answered.
   */
  async invoke<T>(invoked: Invoked, take: (answer: unknown) => Promise<T>): Promise<Invocation<T>> {
    const { call, tool, args, request } = invoked;
    const { signal: own } = request;
    const { session, signal, log, uncaught, stalls } = this.#options;
    const traceparent = this.#options.traceparent(toolCallIdOf(session.run.id, call.c));
    const traced = traceparent === undefined ? {} : { traceparent };
    const timeout = AbortSignal.timeout(tool.timeoutMs);
    const both = AbortSignal.any([signal, timeout, ...(own ? [own] : [])]);
    try {
      const ctx: ToolContext = {
        runId: session.run.id,
        tenantId: session.run.tenantId,
        ownerId: session.run.ownerId,
        signal: both,
        log,
        idempotencyKey: `${session.run.id}/tool/${call.c}`,
        progress: (data) => this.#progress(call, tool, data),
        ...traced,
        memoryChanged: (change) => session.memoryChanged(call.c, change),
      };
      stalls.enter(session.run.id);
      const work = Promise.resolve(uncaught.label({ tool: tool.name, ...traced }, () => tool.execute(args as never, ctx)));
      return { answer: await take(await untilAborted(work, both)) };
    } catch (error) {
      const isRefused = tool.idempotent && error instanceof WeftlineError && error.code === "STORE_UNAVAILABLE";
      if (isRefused) await rest(storeRestMs, undefined, { signal: own ? AbortSignal.any([signal, own]) : signal }).catch(() => undefined);
      if (signal.aborted) return { answer: { status: "CANCELLED", error: "The run was stopped." } };
      if (own?.aborted)
        return {
          answer: { status: "CANCELLED", error: "The run was stopped." },
          cut: { by: "stop", what: `"${tool.name}" was stopped while it ran` },
        };
      if (isRefused) return this.invoke(invoked, take);
      if (!timeout.aborted) {
        const words = keptError(messageOf(error));
        const isUnknown = error instanceof WeftlineError && error.code === "TOOL_OUTCOME_UNKNOWN";
        return {
          answer: { status: "ERROR", error: words },
          ...(isUnknown ? { cut: { by: "tool", what: words.replace(/\.$/, "") } } : {}),
        };
      }
      const { message } = new WeftlineError("TOOL_TIMEOUT", { tool: tool.name, timeout: isoDuration(tool.timeoutMs) });
      return { answer: { status: "ERROR", error: message }, cut: { by: "time", what: `"${tool.name}" was not done in time` } };
    }
  }

  /** What of an answer is kept, where it is what the tool promised. */
  async answered(
    tool: Pick<ToolDefinition, "maxResultChars" | "outputSchema">,
    answer: unknown,
    { keeps }: Pick<ToolRequest, "keeps">,
  ): Promise<ToolOutcome> {
    let kept: ReturnType<typeof keptResult>;
    try {
      kept = keeps === undefined ? keptResult(answer, tool) : wholeResult(answer);
    } catch (error) {
      return { status: "ERROR", error: `The tool has run, and its answer cannot be used. ${messageOf(error)}` };
    }
    // What is left of a result that was cut is text.
    const { outputSchema } = tool;
    const { result } = kept;
    const problems =
      outputSchema && !kept.cut ? await this.problemsOf((registry, caller) => registry.checkSchema(outputSchema, result, caller)) : [];
    if (problems.length === 0) return { status: "SUCCESS", result: kept.result };
    return { status: "ERROR", error: `The tool answered something that its schema forbids: ${problems[0]?.message ?? ""}` };
  }

  /** A check that takes too long fails its call, not the run. */
  async problemsOf(
    check: (registry: ToolRegistry, caller: string) => ReturnType<ToolRegistry["check"]>,
  ): Promise<Awaited<ReturnType<ToolRegistry["check"]>>> {
    const { registry, session } = this.#options;
    if (!registry) return [];
    try {
      return await check(registry, `${session.run.tenantId}:${session.run.ownerId}`);
    } catch (error) {
      return [{ path: [], message: messageOf(error) }];
    }
  }

  /** What cannot be told is left out: a tool fails by what it does, not by what it tells of it. */
  #progress(call: KnownCall, tool: ToolDefinition, data: unknown): void {
    const { session, log } = this.#options;
    let told;
    try {
      told = plainJson(data, mostOfProgress);
    } catch (error) {
      return log.warn({ tool: tool.name, reason: messageOf(error) }, "a tool's progress is left out");
    }
    if (told.cut) return log.warn({ tool: tool.name, most: mostOfProgress }, "a tool's progress is left out: it is too large");
    session.append("tool.progress", { c: call.c, data: told.value });
  }
}

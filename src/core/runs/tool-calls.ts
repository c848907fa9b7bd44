import { v7 as newId } from "uuid";
import { WeftlineError, messageOf } from "../errors.ts";
import { isoDuration } from "../graphql/scalars.ts";
import { hashOf } from "../host/idempotency.ts";
import type { Logger } from "../kernel/spec.ts";
import { wellFormed } from "../well-formed.ts";
import type { UncaughtErrors } from "../process/uncaught-errors.ts";
import type { Interrupt, ToolCall } from "./entities/message.ts";
import type { Failpoint } from "./failpoint.ts";
import { outcomeOf } from "./history.ts";
import { asJson, untilAborted } from "./plugin-work.ts";
import type { RunSession } from "./session.ts";
import type { ToolGates } from "./tool-gates.ts";
import type { PolicedCall, ToolContext, ToolDefinition, ToolOutcome, ToolRegistry, ToolRequest } from "./tools.ts";
import type { DecisionKind, InterruptKind } from "./types.ts";

/** How long a person has to decide unless the tool says otherwise: a day. */
const defaultApprovalMs = 24 * 60 * 60 * 1000;

/** A call as this turn knows it. */
interface KnownCall {
  readonly c: number;
  readonly name: string;
  attempt: number;
  /** It was started by a process that was lost: each of its attempts needs a decision of its own. */
  readonly lost: boolean;
  /** With which arguments it was started. */
  readonly arguments?: unknown;
  readonly outcome: ToolOutcome | undefined;
  readonly interrupts: readonly Interrupt[];
}

/** Arguments to go on with, or what came of the call instead. */
type Approved = { readonly go: unknown } | { readonly outcome: ToolOutcome };

/** What the calls of one turn need. */
export interface ToolCallsOptions {
  readonly session: RunSession;
  readonly tools: readonly ToolDefinition[];
  readonly registry: ToolRegistry | undefined;
  /** Who calls, for policies. */
  readonly caller: Pick<PolicedCall, "agent" | "run">;
  readonly gates: ToolGates;
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly uncaught: UncaughtErrors;
  readonly failpoint?: Failpoint | undefined;
  /** What earlier turns of the run left. */
  readonly calls: readonly ToolCall[];
  readonly interrupts: readonly Interrupt[];
}

/**
 * The only way to execute a tool. In order: the tool is one of the agent's, the arguments fit its schema, a person has approved exactly these
 * arguments where that is asked for, the start is logged, then it runs, once.
 */
export class ToolCalls {
  readonly #options: ToolCallsOptions;
  readonly #known = new Map<string, KnownCall>();
  /** By call id, for this turn: a call that is asked for twice is one call. */
  readonly #running = new Map<string, Promise<ToolOutcome>>();

  constructor(options: ToolCallsOptions) {
    this.#options = options;
    for (const call of options.calls) {
      this.#known.set(call.callId, {
        c: call.num,
        name: call.name,
        attempt: call.attempt,
        lost: call.status === "RUNNING" || options.interrupts.some((each) => each.toolCallId === call.id && each.kind === "UNCERTAIN"),
        arguments: call.arguments,
        outcome: outcomeOf(call),
        interrupts: options.interrupts.filter((each) => each.toolCallId === call.id),
      });
    }
  }

  /** Notes a call whose arguments the model is still writing. */
  requested(callId: string, name: string, at: { readonly message: string; readonly part: number }): void {
    const c = this.#options.session.requestCall(name, this.#rowOf(callId, name), at);
    this.#known.set(callId, { c, name, attempt: 0, lost: false, outcome: undefined, interrupts: [] });
  }

  arguments(callId: string, delta: string): void {
    const call = this.#known.get(callId);
    if (call) this.#options.session.append("tool.arguments", { c: call.c, delta });
  }

  /** @throws RUN_SUSPENDED where one of them waits for a person, after the others have finished. */
  async run(requests: readonly ToolRequest[]): Promise<readonly ToolOutcome[]> {
    const settled = await Promise.allSettled(requests.map((request) => this.#once(request)));
    const failed = settled.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    const grave = failed.find((error) => !(error instanceof WeftlineError && error.code === "RUN_SUSPENDED")) ?? failed[0];
    if (grave !== undefined) throw grave;
    return settled.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }

  /** An id belongs to the tool that it was first asked for with, so that nobody approves one tool and another runs. */
  async #once(request: ToolRequest): Promise<ToolOutcome> {
    const { callId, name } = request;
    const call = this.#known.get(callId) ?? this.#note(request);
    if (call.name !== name) return { status: "ERROR", error: `The call "${callId}" is one of "${call.name}", not of "${name}".` };
    const running = this.#running.get(callId) ?? this.#runOne(call, request);
    this.#running.set(callId, running);
    return running;
  }

  async #runOne(call: KnownCall, request: ToolRequest): Promise<ToolOutcome> {
    const { session, tools, gates, signal } = this.#options;
    if (call.outcome) return call.outcome;
    const tool = tools.find(({ name }) => name === request.name);
    if (!tool) return this.#finish(call, { status: "ERROR", error: `There is no tool "${request.name}" for this agent.` });
    const parsed = this.#check(tool, call.lost ? (call.arguments ?? request.arguments) : request.arguments);
    if ("error" in parsed) return this.#finish(call, { status: "ERROR", error: parsed.error });

    const approved = call.lost ? this.#afterLoss(call, tool, parsed.args) : await this.#approval(call, tool, parsed.args);
    if ("outcome" in approved) return this.#finish(call, approved.outcome);
    session.append("tool.arguments", { c: call.c, arguments: approved.go });
    return gates.pass(tool, signal, () => this.#execute(call, tool, approved.go));
  }

  #note({ callId, name }: ToolRequest): KnownCall {
    const c = this.#options.session.requestCall(name, this.#rowOf(callId, name));
    const call: KnownCall = { c, name, attempt: 0, lost: false, outcome: undefined, interrupts: [] };
    this.#known.set(callId, call);
    return call;
  }

  #rowOf(callId: string, name: string): Readonly<Record<string, unknown>> {
    return { callId, sideEffects: this.#options.tools.find((tool) => tool.name === name)?.sideEffects };
  }

  #check(tool: ToolDefinition, given: unknown): { readonly args: unknown } | { readonly error: string } {
    let args = given;
    if (typeof given === "string") {
      try {
        args = given.trim() === "" ? {} : JSON.parse(given);
      } catch {
        return { error: "The arguments are not JSON." };
      }
    }
    args = wellFormed(args);
    const problems = this.#options.registry?.check(tool, args) ?? [];
    if (problems.length === 0) return { args };
    return {
      error: `The arguments do not fit: ${problems.map(({ path, message }) => `${path.join(".") || "arguments"} ${message}`).join("; ")}`,
    };
  }

  /** A call that a lost process had started: again only if that does no harm, else a person says what happened. */
  #afterLoss(call: KnownCall, tool: ToolDefinition, args: unknown): Approved {
    if (tool.idempotent) return { go: args };
    const uncertain = call.interrupts.filter(({ kind }) => kind === "UNCERTAIN")[call.attempt - 1];
    if (!uncertain) {
      throw this.#ask(call, tool, args, {
        kind: "UNCERTAIN",
        message: `The server was lost while "${tool.name}" ran, so nobody knows whether it took effect. Approve to run it again, answer with its result, or reject to go on without one.`,
        allowed: ["APPROVE", "ANSWER", "REJECT"],
      });
    }
    const decided = this.#decided(uncertain, tool, args);
    if ("outcome" in decided && uncertain.decision?.kind === "ANSWER")
      return { outcome: { status: "SUCCESS", result: uncertain.decision.payload } };
    return decided;
  }

  /** What was asked once is decided by its decision, whatever the policies have become since. */
  async #approval(call: KnownCall, tool: ToolDefinition, args: unknown): Promise<Approved> {
    const asked = call.interrupts.find(({ kind }) => kind === "TOOL_APPROVAL");
    if (asked) return this.#edited(tool, this.#decided(asked, tool, args), asked);
    const { registry, caller } = this.#options;
    const verdict = registry ? await registry.judge(tool, { args, ...caller }) : { ask: true as const };
    if (!verdict.ask) return { go: args };
    throw this.#ask(call, tool, args, {
      kind: "TOOL_APPROVAL",
      message: verdict.because === undefined ? `Allow "${tool.name}"?` : `Allow "${tool.name}"? ${verdict.because}`,
      allowed: ["APPROVE", "EDIT", "REJECT"],
      expiresInMs: tool.approvalTimeoutMs ?? defaultApprovalMs,
    });
  }

  /** Edited arguments fitted when they were decided; the tool may be another since. */
  #edited(tool: ToolDefinition, approved: Approved, { decision }: Interrupt): Approved {
    if (!("go" in approved) || decision?.kind !== "EDIT") return approved;
    const checked = this.#check(tool, approved.go);
    return "error" in checked ? { outcome: { status: "ERROR", error: checked.error } } : approved;
  }

  #decided(interrupt: Interrupt, tool: ToolDefinition, args: unknown): Approved {
    if (interrupt.status === "PENDING") throw new WeftlineError("RUN_SUSPENDED");
    if (interrupt.toolName !== tool.name) return { outcome: { status: "DENIED", error: "The approval was for another tool." } };
    if (interrupt.status === "EXPIRED") return { outcome: { status: "DENIED", error: "Nobody approved the call in time." } };
    const { decision } = interrupt;
    if (interrupt.status === "CANCELLED" || !decision) return { outcome: { status: "CANCELLED", error: "The call was cancelled." } };
    if (decision.kind === "REJECT") return { outcome: { status: "DENIED", error: decision.reason ?? "A person rejected the call." } };
    if (decision.kind === "EDIT") return { go: decision.payload };
    if (decision.kind === "ANSWER") return { outcome: { status: "SUCCESS", result: decision.payload } };
    if (interrupt.argumentsHash !== hashOf(args)) return { outcome: { status: "DENIED", error: "The approval was for other arguments." } };
    return { go: args };
  }

  #ask(
    call: KnownCall,
    tool: ToolDefinition,
    args: unknown,
    ask: {
      readonly kind: InterruptKind;
      readonly message: string;
      readonly allowed: readonly DecisionKind[];
      readonly expiresInMs?: number;
    },
  ): WeftlineError {
    const { session } = this.#options;
    session.append("tool.arguments", { c: call.c, arguments: args });
    session.append(
      "interrupt.raised",
      { interrupt: newId(), status: "PENDING" },
      { row: { ...ask, c: call.c, toolName: tool.name, arguments: args }, urgency: "now" },
    );
    return new WeftlineError("RUN_SUSPENDED");
  }

  async #execute(call: KnownCall, tool: ToolDefinition, args: unknown): Promise<ToolOutcome> {
    const { session, signal, log, failpoint } = this.#options;
    failpoint?.("tool.before");
    const attempt = ++call.attempt;
    const step = `tool/${call.c}`;
    session.openStep(step, tool.name, "TOOL", { input: args });
    session.append("tool.started", { c: call.c, attempt });
    await session.flush();
    failpoint?.("tool.started");
    signal.throwIfAborted();
    const started = performance.now();
    const outcome = await this.#invoke(call, tool, args);
    const ms = Math.round(performance.now() - started);
    failpoint?.("tool.executed");
    if (outcome.status === "CANCELLED") signal.throwIfAborted();
    log.debug({ tool: tool.name, status: outcome.status, ms }, "a tool ran");
    session.append("tool.finished", finishedPayload(call.c, outcome, ms), { urgency: "now" });
    session.closeStep(
      step,
      outcome.status === "SUCCESS" ? "SUCCEEDED" : "FAILED",
      outcome.status === "SUCCESS" ? { output: outcome.result } : { error: outcome.error },
    );
    failpoint?.("tool.finished");
    return outcome;
  }

  async #invoke(call: KnownCall, tool: ToolDefinition, args: unknown): Promise<ToolOutcome> {
    const { session, signal, log, registry, uncaught } = this.#options;
    const timeout = AbortSignal.timeout(tool.timeoutMs);
    const both = AbortSignal.any([signal, timeout]);
    try {
      const ctx: ToolContext = {
        runId: session.run.id,
        tenantId: session.run.tenantId,
        ownerId: session.run.ownerId,
        signal: both,
        log,
        idempotencyKey: `${session.run.id}/tool/${call.c}`,
        progress: (data) => session.append("tool.progress", { c: call.c, data }),
      };
      const work = Promise.resolve(uncaught.label({ tool: tool.name }, () => tool.execute(args as never, ctx)));
      const result = asJson(await untilAborted(work, both));
      const problems = tool.outputSchema ? (registry?.checkSchema(tool.outputSchema, result) ?? []) : [];
      if (problems.length > 0)
        return { status: "ERROR", error: `The tool answered something that its schema forbids: ${problems[0]?.message ?? ""}` };
      return { status: "SUCCESS", result };
    } catch (error) {
      if (signal.aborted) return { status: "CANCELLED", error: "The run was stopped." };
      if (timeout.aborted)
        return {
          status: "ERROR",
          error: new WeftlineError("TOOL_TIMEOUT", { tool: tool.name, timeout: isoDuration(tool.timeoutMs) }).message,
        };
      return { status: "ERROR", error: messageOf(error) };
    }
  }

  #finish(call: KnownCall, outcome: ToolOutcome): ToolOutcome {
    this.#options.session.append("tool.finished", finishedPayload(call.c, outcome), { urgency: "now" });
    return outcome;
  }
}

function finishedPayload(c: number, outcome: ToolOutcome, ms?: number) {
  const time = ms === undefined ? {} : { ms };
  if (outcome.status === "SUCCESS") return { c, status: outcome.status, result: outcome.result, ...time };
  return { c, status: outcome.status, error: outcome.error, ...time };
}

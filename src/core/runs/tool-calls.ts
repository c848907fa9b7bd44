import { WeftlineError, messageOf } from "../errors.ts";
import { plainJson } from "../json/plain.ts";
import type { Sql } from "../database/sql.ts";
import type { Interrupt, ToolCall } from "./entities/message.ts";
import { shown } from "./event-values.ts";
import { toolCallIdOf } from "./events.ts";
import type { Failpoint } from "./failpoint.ts";
import { knownCall, readApart, type KnownCall } from "./known-call.ts";
import { toolStep } from "./session.ts";
import { ToolApproval } from "./tool-approval.ts";
import type { ToolGates } from "./tool-gates.ts";
import { keptError } from "./tool-results.ts";
import { ToolInvoker, type Cut, type Invoked, type ToolInvokerOptions } from "./tool-invoker.ts";
import type { ToolRuns } from "./tool-runs.ts";
import type { PolicedCall, ToolDefinition, ToolOutcome, ToolRequest } from "./tools.ts";

const notBegun: ToolOutcome = { status: "CANCELLED", error: "The call was stopped before it began." };

/** What the calls of one turn need. */
export interface ToolCallsOptions extends ToolInvokerOptions {
  /** Reads what of earlier calls is large, when they are asked for. */
  readonly read: Sql;
  readonly tools: readonly ToolDefinition[];
  /** Who calls, for policies. */
  readonly caller: Pick<PolicedCall, "agent" | "run">;
  readonly gates: ToolGates;
  /** Calls that are runs. */
  readonly runs: ToolRuns;
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
  readonly #approval: ToolApproval;
  readonly #invoker: ToolInvoker;
  readonly #known = new Map<string, KnownCall>();
  /** By call id, for this turn: a call that is asked for twice is one call. */
  readonly #running = new Map<string, Promise<ToolOutcome>>();
  /** Those of them that wait for a person. */
  readonly #suspended = new Set<string>();

  constructor(options: ToolCallsOptions) {
    this.#options = options;
    this.#approval = new ToolApproval(options);
    this.#invoker = new ToolInvoker(options);
    for (const call of options.calls) {
      this.#known.set(call.callId, knownCall(call, options.interrupts));
    }
  }

  /** Takes note of what people decided since: calls that waited for it can be asked for again. */
  reload(interrupts: readonly Interrupt[]): void {
    const { id } = this.#options.session.run;
    for (const [callId, call] of this.#known) {
      call.interrupts = interrupts.filter((each) => each.toolCallId === toolCallIdOf(id, call.c));
      if (this.#suspended.delete(callId)) this.#running.delete(callId);
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
    const grave = failed.find((error) => !isSuspended(error)) ?? failed[0];
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
    try {
      return await running;
    } catch (error) {
      if (isSuspended(error)) this.#suspended.add(callId);
      throw error;
    }
  }

  async #runOne(call: KnownCall, request: ToolRequest): Promise<ToolOutcome> {
    const { session, tools } = this.#options;
    if (call.apart) await readApart(this.#options.read, call);
    if (call.outcome) return call.outcome;
    const begun = session.childOf(toolStep(call.c));
    if (begun !== undefined) return this.#goOn(call, begun, request);
    if (request.problem !== undefined) return this.#finish(call, { status: "ERROR", error: request.problem });
    const tool = tools.find(({ name }) => name === request.name);
    if (!tool) return this.#finish(call, { status: "ERROR", error: `There is no tool "${request.name}" for this agent.` });
    const known = call.lost || request.again === "as first asked" ? call.arguments : undefined;
    const parsed = await this.#check(tool, known ?? request.arguments);
    if ("error" in parsed) return this.#finish(call, { status: "ERROR", error: parsed.error });

    const { args } = parsed;
    const step = this.#stepOf(request);
    const approved = call.lost ? this.#approval.afterLoss(call, tool, args, step) : await this.#approval.of(call, tool, args, step);
    if ("outcome" in approved) return this.#finish(call, approved.outcome);
    // Edited arguments fitted when they were decided; the tool may be another since.
    const made = approved.edited ? await this.#check(tool, approved.go) : { args: approved.go };
    const edited = approved.edited || call.edited ? { edited: { arguments: approved.go } } : {};
    session.append("tool.arguments", { c: call.c, arguments: approved.go }, approved.edited ? { row: { requested: args } } : {});
    if ("error" in made) return this.#finish(call, { status: "ERROR", error: made.error, ...edited });
    const outcome = await this.#inTurn(call, tool, request, () => this.#execute(call, tool, made.args, request));
    return { ...outcome, ...edited };
  }

  /** Waits until it is the call's turn. One that is stopped before has not begun. */
  async #inTurn(
    call: KnownCall,
    tool: ToolDefinition,
    { signal: own }: ToolRequest,
    work: () => Promise<ToolOutcome>,
  ): Promise<ToolOutcome> {
    const { gates, session, signal } = this.#options;
    const stops = own ? AbortSignal.any([signal, own]) : signal;
    let begun = false;
    try {
      return await gates.pass(tool, { owner: session.run, signal: stops }, async () => {
        if (own?.aborted && !signal.aborted) return this.#finish(call, notBegun);
        begun = true;
        return work();
      });
    } catch (error) {
      if (begun || signal.aborted || !own?.aborted) throw error;
      return this.#finish(call, notBegun);
    }
  }

  /** The step that waits for a call. */
  #stepOf({ parentStep }: ToolRequest): string | undefined {
    return parentStep === undefined ? undefined : this.#options.session.stepId(parentStep);
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

  async #check(tool: ToolDefinition, given: unknown): Promise<{ readonly args: unknown } | { readonly error: string }> {
    let parsed = given;
    if (typeof given === "string") {
      try {
        parsed = given.trim() === "" ? {} : JSON.parse(given);
      } catch {
        return { error: "The arguments are not JSON." };
      }
    }
    let args;
    try {
      args = plainJson(parsed).value;
    } catch (error) {
      return { error: `The arguments cannot be used. ${messageOf(error)}` };
    }
    const problems = await this.#invoker.problemsOf((registry, caller) => registry.check(tool, args, caller));
    if (problems.length === 0) return { args };
    const words = problems.map(({ path, message }) => `${path.join(".") || "arguments"} ${message}`).join("; ");
    return { error: keptError(`The arguments do not fit: ${words}`) };
  }

  async #execute(call: KnownCall, tool: ToolDefinition, args: unknown, request: ToolRequest): Promise<ToolOutcome> {
    const { session, signal, log, runs, failpoint } = this.#options;
    failpoint?.("tool.before");
    const invoked = { call, tool, args, request };
    const child = tool.startsRun ? (await this.#invoker.invoke(invoked, (asked) => runs.prepare(asked))).answer : undefined;
    if (child && "status" in child) {
      if (child.status === "CANCELLED") signal.throwIfAborted();
      return this.#finish(call, child);
    }
    const attempt = ++call.attempt;
    const below = child ? { child, childPlace: "PARENTS" as const } : {};
    session.openStep(toolStep(call.c), tool.name, "TOOL", { parent: request.parentStep, input: shown(args), ...below });
    session.append("tool.started", { c: call.c, attempt });
    await session.flush();
    failpoint?.("tool.started");
    signal.throwIfAborted();
    if (child) return this.#goOn(call, child.id, request);
    const started = performance.now();
    const { answer: outcome, cut } = await this.#invoker.invoke(invoked, (answer) => this.#invoker.answered(tool, answer, request));
    const ms = Math.round(performance.now() - started);
    failpoint?.("tool.executed");
    if (outcome.status === "CANCELLED") signal.throwIfAborted();
    log.debug({ tool: tool.name, status: outcome.status, ms }, "a tool ran");
    if (cut !== undefined && this.#mayRepeat(tool, request, cut)) throw this.#askWhatBecame(invoked, cut);
    this.#endStarted(call, outcome, ms);
    return outcome;
  }

  /** Whether an end without an outcome would make the call again, unknown to everybody. */
  #mayRepeat({ idempotent }: ToolDefinition, { repeats }: ToolRequest, cut: Cut): boolean {
    if (idempotent) return false;
    // What is above a run may do all of it again.
    return repeats ? repeats() : cut.by !== "stop" && this.#options.session.run.parentId !== null;
  }

  /** The call stays open until a person has said what became of it. @returns RUN_SUSPENDED */
  #askWhatBecame({ call, tool, args, request }: Invoked, { what }: Cut): WeftlineError {
    this.#options.session.closeStep(toolStep(call.c), "FAILED", { error: `${what}.` });
    Object.assign(call, { lost: true, arguments: args });
    return this.#approval.uncertain(call, tool, args, { what, step: this.#stepOf(request) });
  }

  /**
   * Waits for the run that a call is, begun in this turn or an earlier one: what was decided about the call stands.
   *
   * @throws RUN_SUSPENDED where that run waits.
   */
  async #goOn(call: KnownCall, childId: string, request: ToolRequest): Promise<ToolOutcome> {
    const { name, signal: own } = request;
    const { session, tools, runs, signal, failpoint } = this.#options;
    const { ms, outcome: ended } = await runs.outcome(childId, own);
    failpoint?.("tool.executed");
    if (ended.status === "CANCELLED") signal.throwIfAborted();
    const tool = tools.find((each) => each.name === name);
    const outcome = ended.status === "SUCCESS" ? await this.#invoker.answered(tool ?? {}, ended.result, request) : ended;
    // A turn that asked for something else meanwhile has ended it.
    if (session.open.calls.includes(call.c)) this.#endStarted(call, outcome, ms);
    return { ...outcome, ...(call.edited ? { edited: { arguments: call.arguments } } : {}) };
  }

  #endStarted(call: KnownCall, outcome: ToolOutcome, ms: number): void {
    const { session, failpoint } = this.#options;
    session.append("tool.finished", finishedPayload(call.c, outcome, ms), { urgency: "now" });
    session.closeStep(
      toolStep(call.c),
      outcome.status === "SUCCESS" ? "SUCCEEDED" : "FAILED",
      outcome.status === "SUCCESS" ? { output: outcome.result } : { error: outcome.error },
    );
    failpoint?.("tool.finished");
  }

  #finish(call: KnownCall, outcome: ToolOutcome): ToolOutcome {
    this.#options.session.append("tool.finished", finishedPayload(call.c, outcome), { urgency: "now" });
    return outcome;
  }
}

/** Whether an error says that the turn is to be started again when something has come. */
export function isSuspended(error: unknown): boolean {
  return error instanceof WeftlineError && error.code === "RUN_SUSPENDED";
}

function finishedPayload(c: number, outcome: ToolOutcome, ms?: number) {
  const time = ms === undefined ? {} : { ms };
  if (outcome.status === "SUCCESS") return { c, status: outcome.status, result: outcome.result, ...time };
  return { c, status: outcome.status, error: outcome.error, ...time };
}

import { v7 as newId } from "uuid";
import { WeftlineError, isTerminal, untilAborted, type ProgramContext, type ProgramStep, type Run } from "#weftline";
import type { ChildRequest, NodeContext } from "../../contract.ts";
import { nodeOf, type UnitRecord } from "../../state/units.ts";
import type { Work } from "../compiled/compiled.ts";
import { afterFailedChild } from "./failed-child.ts";
import { suspended, waitsForOf } from "./suspended.ts";

/** What an attempt needs of the execution that it is part of. */
export interface AttemptHost {
  readonly ctx: ProgramContext;
  /** The run that a step started, as far as it is durable. */
  child(id: string): Promise<Run | undefined>;
  /** Whether a step that waits has come to its time. */
  isDue(stepId: string): boolean;
  /** The oldest signal of a name, taken by the step. */
  takeSignal(stepId: string, name: string): Promise<{ readonly payload: unknown } | undefined>;
}

/** Which attempt, at what. */
export interface AttemptAt {
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  readonly iteration?: number;
  /** The step of the map or loop that it is part of. */
  readonly parentStep?: string;
  /** The id of the step that it undoes. */
  readonly compensates?: string;
  /** What an earlier turn left of this attempt. */
  readonly before?: UnitRecord | undefined;
  /** Whether there is another attempt where this one fails. */
  readonly mayRepeat?: boolean;
}

/** One attempt at a unit. It may be run again after it was suspended, also by another turn: what it did answers as before. */
export class Attempt {
  readonly at: AttemptAt;
  readonly work: Work;
  readonly config: unknown;
  readonly #host: AttemptHost;
  #stopped: WeftlineError | undefined;
  /** Aborts what is at work now. */
  #abort: AbortController | undefined;
  readonly #calls = new Map<string, number>();
  /** Calls of tools under way. */
  readonly #calling = new Set<Promise<unknown>>();
  /** Whether what it does may be done again without anybody being asked. */
  #mayRepeat: boolean;
  #started: boolean;
  /** Whether its step was started with a time to wait for. */
  #waits: boolean;
  #childId: string | undefined;
  /** Whether its child was asked for in this turn and may not be durable yet. */
  #childIsNew = false;
  #asked = 0;
  #hasWaited: boolean;
  #signal: AbortSignal | undefined;

  constructor(host: AttemptHost, at: AttemptAt, work: Work, config: unknown) {
    this.#host = host;
    this.at = at;
    this.work = work;
    this.config = config;
    this.#mayRepeat = at.mayRepeat === true || host.ctx.state.isBelow;
    this.#started = at.before !== undefined;
    this.#hasWaited = this.#started;
    this.#waits = at.before?.hasDue ?? false;
    this.#childId = at.before?.childRunId;
  }

  get childId(): string | undefined {
    return this.#childId;
  }

  get isStarted(): boolean {
    return this.#started;
  }

  /** Whether somebody may have been asked for it. */
  get mayAsk(): boolean {
    return this.#hasWaited;
  }

  get stepId(): string | undefined {
    return this.#host.ctx.state.stepId(this.at.key);
  }

  /** Stops what it does. @param how `again`: it may be done again by another attempt. */
  stop(reason: WeftlineError, how: "again" | "for good"): void {
    this.#stopped ??= reason;
    if (how === "for good") this.#mayRepeat = false;
    this.#abort?.abort(reason);
  }

  /**
   * Does the work, or as much as can be done now.
   *
   * @returns the output.
   * @throws RUN_SUSPENDED where it waits for something; what went wrong.
   */
  async run(): Promise<unknown> {
    const { kind } = this.work;
    this.#calls.clear();
    this.#asked = 0;
    this.#signal = undefined;
    if (!kind.startsByContext) await this.#startForCertain();
    const given = kind.run(this.#context(), this.config as never);
    if (!(given instanceof Promise)) return given;
    const signal = this.#signalNow();
    try {
      return await untilAborted(given, signal);
    } catch (error) {
      this.#hasWaited ||= waitsForOf(error) !== undefined;
      // A call that was cut off may have taken effect: then a person is asked first.
      if (signal.aborted) await this.#throwUncertain();
      if (this.#isOverTime(signal)) throw timedOut(this.work);
      if (waitsForOf(error) === "decision" && this.work.timeoutMs !== undefined && this.#isDue()) throw timedOut(this.work);
      throw error;
    }
  }

  /** @throws RUN_SUSPENDED where a call under way came to no outcome, and would be made again. */
  async #throwUncertain(): Promise<void> {
    for (const call of await Promise.allSettled(this.#calling)) {
      if (call.status !== "rejected" || waitsForOf(call.reason) !== "uncertain") continue;
      // It goes on with what the person says.
      this.#stopped = undefined;
      throw call.reason;
    }
  }

  /** Made when it is asked for: what is done at once needs none. */
  #signalNow(): AbortSignal {
    if (this.#signal) return this.#signal;
    const { timeoutMs } = this.work;
    this.#abort = new AbortController();
    if (this.#stopped) this.#abort.abort(this.#stopped);
    const stops = [this.#host.ctx.signal, this.#abort.signal, ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
    return (this.#signal = AbortSignal.any(stops));
  }

  #isOverTime(signal: AbortSignal): boolean {
    return signal.aborted && !this.#host.ctx.signal.aborted && this.#stopped === undefined;
  }

  /** Says that it begins, where that was not said yet. */
  start(more: Pick<ProgramStep, "child" | "due" | "keeps" | "replayed"> & { readonly input?: unknown } = {}): void {
    if (this.#started) return;
    this.#started = true;
    const { key, name, iteration, parentStep, compensates } = this.at;
    const { timeoutMs } = this.work;
    // A run below has its own deadline.
    const due = more.due ?? (timeoutMs === undefined || more.child ? undefined : { inMs: timeoutMs });
    void this.#host.ctx.say({
      kind: "step.started",
      step: key,
      name,
      stepKind: "NODE",
      nodeKey: nodeOf(key),
      ...(iteration === undefined ? {} : { iteration }),
      ...(parentStep === undefined ? {} : { parentStep }),
      ...(compensates === undefined ? {} : { compensates }),
      ...more,
      ...(due === undefined ? {} : { due }),
    });
  }

  /** What it does by itself must not be done without a trace of it. */
  async #startForCertain(): Promise<void> {
    if (this.#started) return;
    this.start({ input: this.config });
    await this.#host.ctx.flush();
  }

  #context(): NodeContext {
    const { ctx } = this.#host;
    const signal = (): AbortSignal => this.#signalNow();
    const { key, attempt } = this.at;
    return {
      runId: ctx.runId,
      key,
      attempt,
      get signal() {
        return signal();
      },
      log: ctx.log,
      idempotencyKey: `${ctx.runId}/${key}/${attempt}`,
      callTool: (name, args) => this.#callTool(name, args),
      runChild: (request) => this.#runChild(request),
      ask: async (question) => {
        this.start({ input: this.config });
        const { timeoutMs } = this.work;
        const expiresInMs = Math.min(question.expiresInMs ?? Infinity, timeoutMs ?? Infinity);
        const asked = {
          ...question,
          step: key,
          key: `${key}#${attempt}/${this.#asked++}`,
          ...(expiresInMs === Infinity ? {} : { expiresInMs }),
        };
        return ctx.ask(asked);
      },
      wait: (until) => this.#wait(until),
      signalled: (name) => this.#signalled(name),
    };
  }

  async #callTool(name: string, args: unknown): Promise<unknown> {
    this.start({ input: this.config });
    const { key, attempt } = this.at;
    const n = this.#calls.get(name) ?? 0;
    this.#calls.set(name, n + 1);
    const callId = `${key}#${attempt}/${name}/${n}`;
    const repeats = (): boolean => this.#mayRepeat;
    const request = { callId, name, arguments: args, parentStep: key, signal: this.#signalNow(), repeats };
    // Nodes that ended since may have changed what its settings say; what was asked about is what is made.
    const call = this.#host.ctx.callTools([{ ...request, again: "as first asked", keeps: "whole result" }]);
    this.#calling.add(call);
    const [outcome] = await call.finally(() => this.#calling.delete(call));
    if (outcome?.status === "SUCCESS") return outcome.result;
    const message = outcome?.error ?? "The tool was not called.";
    throw new WeftlineError(outcome?.status === "DENIED" ? "TOOL_DENIED" : "TOOL_FAILED", { tool: name, message });
  }

  async #runChild({ target, text, input }: ChildRequest): Promise<unknown> {
    if (this.#childId === undefined) {
      if (this.#started) throw this.#notFirst("starts a run");
      const [field, value] = Object.entries(target)[0] ?? ["", undefined];
      const told = { ...(text === undefined ? {} : { text }), ...(input === undefined ? {} : { input }) };
      const found = await this.#host.ctx.state.findTarget(field, value, told);
      this.#childId = newId();
      this.#childIsNew = true;
      const { timeoutMs } = this.work;
      const child = { id: this.#childId, ...found, ...told, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      this.start({ child, input: told });
    }
    const child = await this.#host.child(this.#childId);
    if (!child) {
      if (this.#childIsNew) {
        this.#childIsNew = false;
        throw suspended("child");
      }
      throw new WeftlineError("RUN_CANCELLED", { message: "The run was cancelled before this one was started." });
    }
    if (!isTerminal(child.status)) throw suspended("child");
    if (child.status === "SUCCEEDED") return child.output ?? child.text ?? null;
    return afterFailedChild(this.#host.ctx, child, { ...this.at, mayRepeat: this.#mayRepeat });
  }

  async #wait(until: { readonly forMs: number } | { readonly until: number }): Promise<void> {
    const { timeoutMs = Infinity } = this.work;
    const leftMs = "forMs" in until ? until.forMs : until.until - Date.now();
    if (!this.#started) {
      const end = "forMs" in until ? { inMs: until.forMs } : { at: until.until };
      this.start({ due: leftMs > timeoutMs ? { inMs: timeoutMs } : end, input: this.config });
      this.#waits = true;
      throw suspended("time");
    }
    if (!this.#waits) throw this.#notFirst("waits");
    if (!this.#isDue()) throw suspended("time");
    // A duration is known from the settings; a moment is over or not.
    if ("forMs" in until ? leftMs > timeoutMs : leftMs > 0 && timeoutMs !== Infinity) throw timedOut(this.work);
  }

  #notFirst(does: string): WeftlineError {
    const problem = `the node "${this.at.key}" ${does} after something else; that has to be the first thing that it does`;
    return new WeftlineError("PROTOCOL_VIOLATION", { plugin: "workflows", problem });
  }

  async #signalled(name: string): Promise<unknown> {
    this.start({ input: this.config });
    const { stepId } = this;
    await this.#host.ctx.flush();
    const signal = stepId === undefined ? undefined : await this.#host.takeSignal(stepId, name);
    if (signal) return signal.payload;
    if (this.work.timeoutMs !== undefined && this.#isDue()) throw timedOut(this.work);
    throw suspended("signal");
  }

  #isDue(): boolean {
    const { stepId } = this;
    return stepId !== undefined && this.#host.isDue(stepId);
  }
}

/** Why an attempt ends that takes too long. */
export function timedOut({ timeoutMs }: Work): WeftlineError {
  return new WeftlineError("NODE_TIMEOUT", { timeout: `${timeoutMs ?? 0} ms` });
}

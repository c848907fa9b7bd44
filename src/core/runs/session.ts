import { asWeftlineError } from "../errors.ts";
import type { Provenance } from "../host/types.ts";
import type { StoredPart } from "./entities/message.ts";
import { event, messageIdOf, type EventKind, type EventPayloads, type LoggedEvent, type RunEventBody, type StoredUsage } from "./events.ts";
import { createGrammar, type Grammar } from "./grammar.ts";
import type { ProjectedRun, RunEventDraft } from "./projection.ts";
import type { EventSource, LogWriter } from "./writer.ts";

/** Characters that may wait to be written before an adapter is made to wait. */
const highWaterMark = 256 * 1024;

/** A message that is being written. */
interface OpenMessage {
  readonly m: number;
  readonly parts: Map<number, { type: "text" | "reasoning"; text: string } | { type: "toolCall"; call: number }>;
  /** Whether a delta has gone out: the first goes at once. */
  begun: boolean;
}

interface OpenStep {
  readonly s: number;
  readonly startedAt: number;
}

/** A message whose text is known from the log only: the process that wrote it was lost. */
export interface BrokenMessage {
  readonly m: number;
  readonly text: string;
  readonly parts: readonly StoredPart[];
}

/** Where a run's numbers stand when a turn begins. */
export interface SessionStart {
  readonly run: ProjectedRun & { readonly startSeq: number };
  readonly epoch: number;
  readonly agentName: string | undefined;
  readonly provenance: Provenance | undefined;
  readonly usage: StoredUsage;
  readonly past: readonly LoggedEvent[];
  readonly broken: readonly BrokenMessage[];
  /** The run whose answer this one gives anew. */
  readonly regeneratesId: string | undefined;
}

export const noUsage: StoredUsage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, estimated: false };

type MutableDelta = [m: number, part: number, text: string, reasoning?: 1];

/**
 * The one queue of a run at work: what its adapter says, what its tools do and what the engine decides, in one order. It turns the adapter's
 * names into numbers, merges deltas until they are written, and checks the grammar before anything is queued.
 */
export class RunSession implements EventSource {
  readonly run: SessionStart["run"];
  readonly epoch: number;
  readonly #writer: LogWriter;
  readonly #grammar: Grammar = createGrammar();
  readonly #agentName: string | undefined;
  readonly #messages = new Map<string, OpenMessage>();
  readonly #steps = new Map<string, OpenStep>();
  readonly #attempts = new Map<string, number>();
  readonly #messageAttempts = new Map<number, number>();
  readonly #broken: BrokenMessage[];
  #supersedesRun: string | undefined;
  #provenance: Provenance | undefined;
  #usage: StoredUsage;
  #queue: RunEventDraft[] = [];
  #queued = 0;
  #counters: { m: number; s: number; c: number; u: number };
  #lastText: string | undefined;
  #waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #failure: { readonly error: unknown } | undefined;
  #inFlight = 0;
  readonly #raised = new Set<string>();

  constructor(writer: LogWriter, start: SessionStart) {
    this.#writer = writer;
    this.run = start.run;
    this.epoch = start.epoch;
    this.#agentName = start.agentName;
    this.#provenance = start.provenance;
    this.#usage = start.usage;
    this.#broken = [...start.broken];
    this.#supersedesRun = start.regeneratesId;
    this.#counters = countersOf(start.past, start.usage);
    this.#grammar.replay(start.past);
    for (const { kind, payload } of start.past) {
      if (kind === "step.started") this.#noteAttempt(payload as EventPayloads["step.started"]);
      if (kind === "message.started") this.#noteMessage(payload as EventPayloads["message.started"]);
      if (kind === "message.finished") this.#noteAnswer(payload as EventPayloads["message.finished"]);
      this.#noteInterrupt(kind, payload);
    }
  }

  /** Tokens of all model calls so far. */
  get usage(): StoredUsage {
    return this.#usage;
  }

  get provenance(): Provenance | undefined {
    return this.#provenance;
  }

  /** The text of the last complete answer. */
  get lastText(): string | undefined {
    return this.#lastText;
  }

  /** Whether a message, step or call stands open. */
  get open(): ReturnType<Grammar["open"]> {
    return this.#grammar.open();
  }

  /** Interrupts that the run raised; some may have been decided since. */
  get raised(): ReadonlySet<string> {
    return this.#raised;
  }

  /** Whether something was refused for what it says: then what this session takes for written is not. */
  get spoilt(): boolean {
    return this.#failure !== undefined && asWeftlineError(this.#failure.error).code !== "RUN_FENCED";
  }

  /** From now on model calls are marked so. */
  answersAs(provenance: Provenance): void {
    this.#provenance = provenance;
  }

  /** Takes what an adapter said. @returns a promise where the adapter should wait for the log. */
  say(body: RunEventBody): Promise<void> | undefined {
    switch (body.kind) {
      case "step.started": {
        this.openStep(body.step, body.name, body.stepKind, { parent: body.parentStep, input: body.input });
        break;
      }
      case "step.finished": {
        this.closeStep(body.step, body.status, { error: body.error, output: body.output });
        break;
      }
      case "message.started": {
        this.#startMessage(body.message);
        break;
      }
      case "message.delta": {
        this.#delta(this.#message(body.message), body.part, body.channel, body.text);
        break;
      }
      case "message.finished": {
        this.#finishMessage(body.message, body.status);
        break;
      }
      case "usage.recorded": {
        const { kind: _, step, ...usage } = body;
        this.#recordUsage(step, usage);
        break;
      }
      case "progress": {
        this.append("progress", { done: body.done, ...(body.total === undefined ? {} : { total: body.total }) });
        break;
      }
      case "state.patched": {
        this.append("state.patched", { patch: body.patch });
        break;
      }
      case "custom": {
        this.append("custom", { name: body.name, ...(body.data === undefined ? {} : { data: body.data }) });
        break;
      }
    }
    return this.#queued > highWaterMark ? this.flush() : undefined;
  }

  /** Queues one event. `urgent` ones are written at once. */
  append<Kind extends EventKind>(
    kind: Kind,
    payload: EventPayloads[Kind],
    options: { readonly row?: Readonly<Record<string, unknown>>; readonly urgency?: "now" | "soon" } = {},
  ): void {
    if (this.#failure) throw this.#failure.error;
    const draft: RunEventDraft = options.row ? { ...event(kind, payload), row: options.row } : event(kind, payload);
    this.#grammar.check(draft);
    this.#noteInterrupt(kind, payload);
    this.#queue.push(draft);
    this.#queued += 100;
    this.#writer.wake(this, options.urgency ?? "soon");
  }

  /** Resolves when everything so far is durable. @throws RUN_FENCED where another owner took over. */
  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#queue.length === 0 && this.#inFlight === 0) return Promise.resolve();
    this.#writer.wake(this, "now");
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  drain(): RunEventDraft[] {
    const drained = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    this.#inFlight += drained.length;
    return drained;
  }

  committed(events: readonly LoggedEvent[]): void {
    this.#inFlight -= events.length;
    if (this.#queue.length > 0 || this.#inFlight > 0) {
      if (this.#waiters.length > 0) this.#writer.wake(this, "now");
      return;
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  refused(error: unknown): void {
    this.#failure = { error };
    this.#inFlight = 0;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  openStep(
    step: string,
    name: string,
    stepKind: EventPayloads["step.started"]["stepKind"],
    more: { readonly parent?: string | undefined; readonly input?: unknown } = {},
  ): number {
    const s = ++this.#counters.s;
    const attempt = (this.#attempts.get(step) ?? 0) + 1;
    const parent = more.parent === undefined ? undefined : this.#steps.get(more.parent)?.s;
    const payload = { s, key: step, name, stepKind, attempt, ...(parent === undefined ? {} : { parent }) };
    const provenance = stepKind === "MODEL" ? this.#provenance : undefined;
    this.append("step.started", payload, { row: { provenance, input: more.input } });
    this.#noteAttempt(payload);
    this.#steps.set(step, { s, startedAt: performance.now() });
    return s;
  }

  closeStep(
    step: string,
    status: EventPayloads["step.finished"]["status"],
    more: { readonly error?: string | undefined; readonly output?: unknown } = {},
  ): void {
    const open = this.#steps.get(step);
    const ms = open ? Math.round(performance.now() - open.startedAt) : undefined;
    const payload = {
      s: open?.s ?? 0,
      status,
      ...(more.error === undefined ? {} : { error: more.error }),
      ...(ms === undefined ? {} : { ms }),
    };
    this.append("step.finished", payload, { row: { output: more.output } });
    this.#steps.delete(step);
  }

  /** Notes a call in the message that asks for it. @returns its number. */
  requestCall(name: string, row: Readonly<Record<string, unknown>>, at?: { readonly message: string; readonly part: number }): number {
    const c = ++this.#counters.c;
    const message = at && this.#message(at.message);
    if (at && message) message.parts.set(at.part, { type: "toolCall", call: c });
    this.append("tool.requested", { c, name, ...(message && at ? { m: message.m, part: at.part } : {}) }, { row });
    return c;
  }

  /** Ends everything that stands open, as after a crash or a cancel. */
  closeOpen(status: "FAILED" | "CANCELLED", reason: string): void {
    for (const name of [...this.#messages.keys()]) this.#finishMessage(name, status);
    for (const broken of this.#broken.splice(0)) this.#finishBroken(broken, status);
    const open = this.#grammar.open();
    for (const c of open.calls) this.append("tool.finished", { c, status: "CANCELLED", error: reason });
    for (const s of open.steps) this.append("step.finished", { s, status, error: reason });
    this.#steps.clear();
  }

  /**
   * Leaves a failed attempt behind: steps and unmade calls end, but the message stays open until the next attempt's takes its place, or until
   * the run ends.
   */
  breakOff(reason: string): void {
    for (const [name, { m, parts }] of this.#messages) {
      const stored = [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
      this.#broken.push({ m, parts: stored, text: textOf(stored) });
      for (const part of stored) {
        if (part.type === "toolCall") this.append("tool.finished", { c: part.call, status: "CANCELLED", error: reason });
      }
      this.#messages.delete(name);
    }
    for (const s of this.#grammar.open().steps) this.append("step.finished", { s, status: "FAILED", error: reason });
    this.#steps.clear();
  }

  #startMessage(name: string): void {
    const m = ++this.#counters.m;
    const replaced = this.#broken.splice(0);
    for (const broken of replaced) this.#finishBroken(broken, "FAILED", messageIdOf(this.run.id, m));
    const attempt = 1 + Math.max(0, ...replaced.map((broken) => this.#messageAttempts.get(broken.m) ?? 1));
    const payload = { m, role: "ASSISTANT" as const, attempt, ...(this.#agentName === undefined ? {} : { agent: this.#agentName }) };
    this.#noteMessage(payload);
    this.append("message.started", payload, { row: { provenance: this.#provenance, supersedesRun: this.#supersedesRun } });
    this.#supersedesRun = undefined;
    this.#messages.set(name, { m, parts: new Map(), begun: false });
  }

  #message(name: string): OpenMessage {
    return this.#messages.get(name) ?? { m: 0, parts: new Map(), begun: true };
  }

  #delta(message: OpenMessage, part: number, channel: "TEXT" | "REASONING", text: string): void {
    const type = channel === "TEXT" ? "text" : "reasoning";
    const known = message.parts.get(part);
    if (known === undefined) message.parts.set(part, { type, text });
    else if (known.type !== "toolCall") known.text += text;

    const last = this.#queue.at(-1);
    const reasoning = channel === "REASONING" ? 1 : undefined;
    if (last?.kind === "message.delta") {
      const open = last.payload as MutableDelta;
      if (open[0] === message.m && open[1] === part && open[3] === reasoning) {
        open[2] += text;
        this.#queued += text.length;
        return;
      }
    }
    const payload: MutableDelta = reasoning ? [message.m, part, text, 1] : [message.m, part, text];
    this.append("message.delta", payload, { urgency: message.begun ? "soon" : "now" });
    this.#queued += text.length;
    message.begun = true;
  }

  #finishMessage(name: string, status: EventPayloads["message.finished"]["status"]): void {
    const message = this.#message(name);
    const parts = [...message.parts].toSorted(([a], [b]) => a - b).map(([, part]) => part);
    const text = textOf(parts);
    this.append("message.finished", { m: message.m, status, text }, { row: { parts }, urgency: "now" });
    this.#messages.delete(name);
    if (status === "COMPLETE") this.#lastText = text;
  }

  #finishBroken({ m, text, parts }: BrokenMessage, status: "FAILED" | "CANCELLED", supersededBy?: string): void {
    this.append("message.finished", { m, status, text, ...(supersededBy === undefined ? {} : { supersededBy }) }, { row: { parts } });
  }

  #recordUsage(step: string | undefined, usage: Omit<EventPayloads["usage.recorded"], "s">): void {
    const before = this.#usage;
    const add = (a: number | null | undefined, b: number | undefined): number | null => (b === undefined ? (a ?? null) : (a ?? 0) + b);
    this.#usage = {
      inputTokens: before.inputTokens + usage.inputTokens,
      outputTokens: before.outputTokens + usage.outputTokens,
      cachedInputTokens: add(before.cachedInputTokens, usage.cachedInputTokens),
      reasoningTokens: add(before.reasoningTokens, usage.reasoningTokens),
      modelCalls: before.modelCalls + 1,
      estimated: before.estimated || usage.estimated === true,
    };
    const s = step === undefined ? undefined : this.#steps.get(step)?.s;
    this.append(
      "usage.recorded",
      { ...usage, ...(s === undefined ? {} : { s }) },
      { row: { num: ++this.#counters.u, total: this.#usage, provenance: this.#provenance } },
    );
  }

  #noteAnswer({ status, text }: EventPayloads["message.finished"]): void {
    if (status === "COMPLETE") this.#lastText = text;
  }

  #noteInterrupt(kind: string, payload: unknown): void {
    if (kind === "interrupt.raised") this.#raised.add((payload as EventPayloads["interrupt.raised"]).interrupt);
    else if (kind === "interrupt.resolved") this.#raised.delete((payload as EventPayloads["interrupt.resolved"]).interrupt);
  }

  #noteMessage({ m, attempt }: { readonly m: number; readonly attempt: number }): void {
    this.#messageAttempts.set(m, attempt);
  }

  #noteAttempt({ key, attempt }: { readonly key: string; readonly attempt: number }): void {
    this.#attempts.set(key, Math.max(attempt, this.#attempts.get(key) ?? 0));
  }
}

/** The text that a person reads: the text parts, in order. */
export function textOf(parts: readonly StoredPart[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}

function countersOf(past: readonly LoggedEvent[], usage: StoredUsage): { m: number; s: number; c: number; u: number } {
  const counters = { m: 0, s: 0, c: 0, u: usage.modelCalls };
  for (const { kind, payload } of past) {
    const numbers = payload as { readonly m?: number; readonly s?: number; readonly c?: number };
    if (kind === "message.started") counters.m = Math.max(counters.m, numbers.m ?? 0);
    else if (kind === "step.started") counters.s = Math.max(counters.s, numbers.s ?? 0);
    else if (kind === "tool.requested") counters.c = Math.max(counters.c, numbers.c ?? 0);
  }
  return counters;
}

/** The error a turn ended with, as a run's failure. */
export function failureOf(error: unknown): { code: string; message: string; retryable: boolean; plugin?: string } {
  const known = asWeftlineError(error);
  const plugin = known.details.plugin;
  const masked = known.code === "INTERNAL";
  return {
    code: known.code,
    message: masked ? "Something went wrong here." : known.message,
    retryable: known.retryable,
    ...(plugin === undefined ? {} : { plugin }),
  };
}

import type { Provenance } from "../host/types.ts";
import type { ChildPlace } from "./child-runs.ts";
import { textOf } from "./entities/message.ts";
import {
  checkpointIdOf,
  messageIdOf,
  stepIdOf,
  type EventKind,
  type EventPayloads,
  type LoggedEvent,
  type ProgramEventBody,
  type ProgramStep,
  type StoredUsage,
} from "./events.ts";
import { MessageParts, type MoreText } from "./message-parts.ts";
import type { CallCosts } from "./metering/call-costs.ts";
import type { BrokenMessage } from "./restore.ts";
import { RunQueue } from "./run-queue.ts";
import { countersOf, type Counters, type OpenMessage, type OpenStep, type SessionStart } from "./session-start.ts";
import { addUsage } from "./usage.ts";
import { isMemoryChange, memoryKinds } from "./memory-kinds.ts";
import type { MemoryChange } from "./tools.ts";
import type { LogWriter } from "./writer.ts";

/** A run at work: what its adapter says, what its tools do and what the engine decides, in the one order of its queue. It turns names into numbers. */
export class RunSession extends RunQueue {
  readonly #agentName: string | undefined;
  readonly #messages = new Map<string, OpenMessage>();
  readonly #steps = new Map<string, OpenStep>();
  readonly #attempts = new Map<string, number>();
  readonly #messageAttempts = new Map<number, number>();
  readonly #broken: BrokenMessage[];
  #supersedesRun: string | undefined;
  #lastCheckpoint: string | undefined;
  /** Of what the run's own model says. */
  #provenance: Provenance | undefined;
  /** Of what models said so far: SIMULATED where any of it was. */
  #heard: Provenance | undefined;
  #usage: StoredUsage;
  readonly #costs: CallCosts;
  #counters: Counters;
  #lastText: string | undefined;
  readonly #raised = new Set<string>();
  #recalled: EventPayloads["memory.recalled"] | undefined;
  readonly #memoryChanges = new Set<string>();
  /** Calls that a lost or failed turn left open. */
  readonly #left: Set<number>;
  /** Runs that its steps started; some may have ended. */
  readonly startedRuns = new Set<string>();
  /** The number of each step by the adapter's name for it, open or not. */
  readonly #stepNumbers = new Map<string, number>();

  constructor(writer: LogWriter, start: SessionStart) {
    super(writer, start);
    this.#agentName = start.agentName;
    this.#provenance = start.provenance;
    this.#heard = start.provenance;
    this.#usage = start.usage;
    this.#costs = start.costs;
    this.#broken = [...start.broken];
    this.#supersedesRun = start.regeneratesId;
    this.#lastCheckpoint = start.lastCheckpoint;
    this.#counters = countersOf(start.past, start.usage);
    this.#left = new Set(this.open.calls);
    for (const { kind, payload } of start.past) {
      if (kind === "step.started") this.#noteStep(payload as EventPayloads["step.started"]);
      if (kind === "message.started") this.#noteMessage(payload as EventPayloads["message.started"]);
      if (kind === "message.finished") this.#noteAnswer(payload as EventPayloads["message.finished"]);
      this.#noteSingle(kind, payload);
    }
  }

  /** Tokens of all model calls so far. */
  get usage(): StoredUsage {
    return this.#usage;
  }

  get provenance(): Provenance | undefined {
    return this.#heard;
  }

  /** The text of the last complete answer. */
  get lastText(): string | undefined {
    return this.#lastText;
  }

  /** Interrupts that the run raised; some may have been decided since. */
  get raised(): ReadonlySet<string> {
    return this.#raised;
  }

  /** What came of the run's one look into its memory, in this turn or an earlier one. */
  get recalled(): EventPayloads["memory.recalled"] | undefined {
    return this.#recalled;
  }

  /** How often a step of this name was begun, in this turn or an earlier one. */
  attemptsOf(step: string): number {
    return this.#attempts.get(step) ?? 0;
  }

  /** The number of a message that is appended past the adapter. */
  nextMessage(): number {
    return ++this.#counters.m;
  }

  /** Goes on with steps that earlier turns left open. */
  resumeSteps(started: Iterable<LoggedEvent<EventPayloads["step.started"]>>): void {
    const now = Date.now();
    for (const { at, payload } of started) {
      this.#steps.set(payload.key, {
        s: payload.s,
        startedAt: performance.now() - (now - at),
        provenance: undefined,
        child: payload.child,
      });
      this.#stepNumbers.set(payload.key, payload.s);
    }
  }

  /** From now on model calls are marked so, where it is not said of one that another model answers. */
  answersAs(provenance: Provenance): void {
    this.#provenance = provenance;
  }

  /** What has to be waited for before tokens of a model are told of: prices, the first time. */
  pricesBefore(provenance = this.#provenance): Promise<void> | undefined {
    return this.#costs.prepared(provenance);
  }

  /** Takes what an adapter said. @returns a promise where the adapter should wait for the log. */
  say(body: ProgramEventBody): Promise<void> | undefined {
    switch (body.kind) {
      case "step.started": {
        const { kind: _, step, name, stepKind, parentStep, ...more } = body;
        this.openStep(step, name, stepKind, { parent: parentStep, ...more });
        break;
      }
      case "step.finished": {
        this.closeStep(body.step, body.status, body);
        break;
      }
      case "message.started": {
        this.#startMessage(body.message, body.provenance);
        break;
      }
      case "message.delta": {
        this.#delta(this.#message(body.message), body);
        break;
      }
      case "message.finished": {
        this.#finishMessage(body.message, body.status, body.native);
        break;
      }
      case "usage.recorded": {
        const { kind: _, provenance, ...usage } = body;
        this.#recordUsage(usage, provenance);
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
    return this.congested ? this.flush() : undefined;
  }

  override append<Kind extends EventKind>(kind: Kind, payload: EventPayloads[Kind], options?: Parameters<RunQueue["append"]>[2]): void {
    super.append(kind, payload, options);
    this.#noteSingle(kind, payload);
  }

  /** Tells what a call did to the memory, once: one that is made again did it before. */
  memoryChanged(c: number, { action, records }: MemoryChange): void {
    const kind = memoryKinds[action];
    if (!this.#memoryChanges.has(`${kind} ${c}`)) this.append(kind, { c, records: [...records] });
  }

  openStep(
    step: string,
    name: string,
    stepKind: EventPayloads["step.started"]["stepKind"],
    more: ProgramStep & {
      readonly parent?: string | undefined;
      readonly input?: unknown;
      readonly provenance?: Provenance | undefined;
      readonly childPlace?: ChildPlace;
    } = {},
  ): number {
    const s = ++this.#counters.s;
    const attempt = this.attemptsOf(step) + 1;
    const parent = more.parent === undefined ? undefined : this.#steps.get(more.parent)?.s;
    const { nodeKey, iteration, compensates, due, child, childPlace } = more;
    const payload = {
      s,
      key: step,
      name,
      stepKind,
      attempt,
      ...(parent === undefined ? {} : { parent }),
      ...(nodeKey === undefined ? {} : { node: nodeKey }),
      ...(iteration === undefined ? {} : { iteration }),
      ...(child === undefined ? {} : { child: child.id }),
    };
    const asked = stepKind === "MODEL" ? (more.provenance ?? this.#provenance) : undefined;
    const provenance = more.replayed === undefined ? asked : "REPLAYED";
    if (stepKind === "MODEL" && provenance !== undefined && this.#heard !== "SIMULATED") this.#heard = provenance;
    this.append("step.started", payload, { row: { provenance, input: more.input, compensates, due, child, childPlace } });
    this.#noteStep(payload);
    this.#steps.set(step, { s, startedAt: performance.now(), provenance, child: child?.id });
    this.#stepNumbers.set(step, s);
    return s;
  }

  closeStep(
    step: string,
    status: EventPayloads["step.finished"]["status"],
    more: {
      readonly error?: string | undefined;
      readonly output?: unknown;
      readonly retryInMs?: number | undefined;
      readonly checkpoint?: "here" | undefined;
    } = {},
  ): void {
    const open = this.#steps.get(step);
    const ms = open ? Math.round(performance.now() - open.startedAt) : undefined;
    const payload = {
      s: open?.s ?? 0,
      status,
      ...(more.error === undefined ? {} : { error: more.error }),
      ...(ms === undefined ? {} : { ms }),
    };
    const checkpoint = more.checkpoint && { after: this.#lastCheckpoint ?? null };
    this.append("step.finished", payload, { row: { output: more.output, retryInMs: more.retryInMs, checkpoint } });
    if (checkpoint) this.#lastCheckpoint = checkpointIdOf(this.run.id, payload.s);
    this.#steps.delete(step);
  }

  /** The id of a step that an adapter named, the newest of that name in this turn. */
  stepId(step: string): string | undefined {
    const s = this.#stepNumbers.get(step);
    return s === undefined ? undefined : stepIdOf(this.run.id, s);
  }

  /** The run that an open step started, in this turn or an earlier one. */
  childOf(step: string): string | undefined {
    return this.#steps.get(step)?.child;
  }

  /** Notes a call in the message that asks for it. @returns its number. */
  requestCall(name: string, row: Readonly<Record<string, unknown>>, at?: { readonly message: string; readonly part: number }): number {
    const c = this.#counters.c + 1;
    const message = at && this.#message(at.message);
    this.append("tool.requested", { c, name, ...(message && at ? { m: message.m, part: at.part } : {}) }, { row });
    this.#counters.c = c;
    if (at && message) message.parts.takeCall(at.part, c);
    return c;
  }

  /** Ends everything that stands open, as after a crash or a cancel. */
  closeOpen(status: "FAILED" | "CANCELLED", reason: string): void {
    for (const name of [...this.#messages.keys()]) this.#finishMessage(name, status);
    for (const broken of this.#broken.splice(0)) this.#finishBroken(broken, status);
    const open = this.open;
    for (const c of open.calls) this.append("tool.finished", { c, status: "CANCELLED", error: reason });
    for (const s of open.steps) this.append("step.finished", { s, status, error: reason });
    this.#steps.clear();
  }

  /**
   * Ends calls that an earlier turn or attempt left open and this one did not make: a framework that went on from a checkpoint before them
   * has its model ask again.
   */
  closeLeft(): void {
    const error = "The turn that asked for it was lost.";
    for (const c of this.open.calls) {
      if (!this.#left.has(c)) continue;
      this.append("tool.finished", { c, status: "CANCELLED", error });
      if (this.#steps.has(toolStep(c))) this.closeStep(toolStep(c), "CANCELLED", { error });
    }
  }

  /**
   * Leaves a failed attempt behind: steps and unmade calls end, but the message stays open until the next attempt's takes its place, or until
   * the run ends. A step that started a run goes on with it.
   */
  breakOff(reason: string): void {
    for (const [name, { m, parts }] of this.#messages) {
      const stored = parts.stored();
      this.#broken.push({ m, parts: stored, text: textOf(stored) });
      for (const part of stored) {
        if (part.type === "toolCall") this.append("tool.finished", { c: part.call, status: "CANCELLED", error: reason });
      }
      this.#messages.delete(name);
    }
    const { calls, steps } = this.open;
    for (const c of calls) this.#left.add(c);
    const lasting = [...this.#steps].filter(([, { child }]) => child !== undefined);
    const kept = new Set(lasting.map(([, { s }]) => s));
    for (const s of steps) if (!kept.has(s)) this.append("step.finished", { s, status: "FAILED", error: reason });
    this.#steps.clear();
    for (const [name, step] of lasting) this.#steps.set(name, step);
  }

  /** A message is the model's that is being asked; one that no model says is what the run has been so far. */
  #startMessage(name: string, said?: Provenance): void {
    const asked = [...this.#steps.values()].findLast((step) => step.provenance !== undefined)?.provenance;
    const provenance = said ?? asked ?? this.#heard ?? this.#provenance;
    const m = this.nextMessage();
    const replaced = this.#broken.splice(0);
    for (const broken of replaced) this.#finishBroken(broken, "FAILED", messageIdOf(this.run.id, m));
    const attempt = 1 + Math.max(0, ...replaced.map((broken) => this.#messageAttempts.get(broken.m) ?? 1));
    const payload = { m, role: "ASSISTANT" as const, attempt, ...(this.#agentName === undefined ? {} : { agent: this.#agentName }) };
    this.#noteMessage(payload);
    this.append("message.started", payload, { row: { provenance, supersedesRun: this.#supersedesRun } });
    this.#supersedesRun = undefined;
    this.#messages.set(name, { m, parts: new MessageParts(), begun: false });
  }

  #message(name: string): OpenMessage {
    return this.#messages.get(name) ?? { m: 0, parts: new MessageParts(), begun: true };
  }

  /** Nothing of a delta is kept that the log refuses. */
  #delta(message: OpenMessage, more: MoreText): void {
    const { m, parts } = message;
    const text = typeof more.text === "string" ? parts.whole(more) : more.text;
    if (text === "" && more.text !== "") return;
    this.appendDelta(m, more.part, text, more.channel, message.begun ? "soon" : "now");
    parts.take({ part: more.part, channel: more.channel, text });
    message.begun = true;
  }

  #finishMessage(name: string, status: EventPayloads["message.finished"]["status"], native?: unknown): void {
    const message = this.#message(name);
    for (const more of message.parts.rest()) {
      this.appendDelta(message.m, more.part, more.text, more.channel, "soon");
      message.parts.take(more);
    }
    const parts = message.parts.stored();
    const text = textOf(parts);
    this.append("message.finished", { m: message.m, status, text }, { row: { parts, native }, urgency: "now" });
    this.#messages.delete(name);
    if (status === "COMPLETE") this.#lastText = text;
  }

  #finishBroken({ m, text, parts }: BrokenMessage, status: "FAILED" | "CANCELLED", supersededBy?: string): void {
    this.append("message.finished", { m, status, text, ...(supersededBy === undefined ? {} : { supersededBy }) }, { row: { parts } });
  }

  /** Counts are added up once the log has taken them. */
  #recordUsage({ step, call, ...counted }: RecordedUsage, provenance = this.#provenance): void {
    const usage = this.#costs.of(counted, provenance);
    const total = addUsage(this.#usage, usage);
    const num = this.#counters.u + 1;
    const s = step === undefined ? undefined : this.#steps.get(step)?.s;
    this.append("usage.recorded", { ...usage, ...(s === undefined ? {} : { s }) }, { row: { num, total, provenance, call } });
    this.#counters.u = num;
    this.#usage = total;
  }

  #noteAnswer({ status, text }: EventPayloads["message.finished"]): void {
    if (status === "COMPLETE") this.#lastText = text;
  }

  /** Takes note of what is said once, whoever says it. */
  #noteSingle(kind: string, payload: unknown): void {
    if (kind === "memory.recalled") this.#recalled = payload as EventPayloads["memory.recalled"];
    else if (isMemoryChange(kind)) this.#memoryChanges.add(`${kind} ${(payload as EventPayloads["memory.saved"]).c}`);
    else if (kind === "interrupt.raised") this.#raised.add((payload as EventPayloads["interrupt.raised"]).interrupt);
    else if (kind === "interrupt.resolved") this.#raised.delete((payload as EventPayloads["interrupt.resolved"]).interrupt);
  }

  #noteMessage({ m, attempt }: { readonly m: number; readonly attempt: number }): void {
    this.#messageAttempts.set(m, attempt);
  }

  #noteStep({ key, attempt, child }: EventPayloads["step.started"]): void {
    this.#attempts.set(key, Math.max(attempt, this.attemptsOf(key)));
    if (child !== undefined) this.startedRuns.add(child);
  }
}

type RecordedUsage = Omit<Extract<ProgramEventBody, { kind: "usage.recorded" }>, "kind" | "provenance">;

/** The name of a call's step. */
export const toolStep = (c: number): string => `tool/${c}`;

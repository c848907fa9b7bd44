import { WeftlineError, asWeftlineError, messageOf, plainJson, type ProgramContext } from "#weftline";
import { isOpen, isRetried, nodeOf, type UnitRecord, type UnitStatus } from "../state/units.ts";
import { Attempt, type AttemptAt, type AttemptHost } from "./attempt.ts";
import type { CompiledWorkflow, Work } from "./compiled.ts";
import { Iterations, listOf, type IterationHost } from "./iterations.ts";
import { isRetryable, retryDelayMs } from "./retry.ts";
import { waitsForOf, type WaitsFor } from "./suspended.ts";
import { UnitLog, type UnitEnd } from "./unit-log.ts";
import type { Evaluate } from "./values.ts";
import type { Settled, Workers } from "./workers.ts";

/** What {@link Nodes} work with. */
export interface NodesHost {
  readonly ctx: ProgramContext;
  readonly attempts: AttemptHost;
  readonly workflow: CompiledWorkflow;
  readonly units: Map<string, UnitRecord>;
  readonly workers: Workers;
  readonly evaluate: Evaluate;
}

/** A unit that has begun and not ended. */
interface ActiveUnit {
  readonly attempt: Attempt;
  /** Of a map or loop: what it goes through. */
  readonly iterations?: Iterations;
  /** The step that failed, where the unit is to be tried again. */
  readonly retryOf?: string;
  phase: "working" | "waiting";
  /** How often news had come from outside when it last began to look for what it needs. */
  newsSeen: number;
  /** While it waits. */
  waitsFor?: WaitsFor;
}

/** What has come for units that wait. */
export interface News {
  /** Whether decisions or signals may have come. */
  readonly fromOutside: boolean;
  /** Steps that have come to their time. */
  readonly due: ReadonlySet<string>;
  readonly ended: (childId: string) => boolean;
}

/** A unit whose condition does not hold. */
const skipped = Symbol("skipped");

/** The units of a run that have begun: started, written down, tried again, stopped. */
export class Nodes {
  readonly #host: NodesHost;
  readonly #active = new Map<string, ActiveUnit>();
  readonly #log: UnitLog;
  readonly #stoppedChildren: string[] = [];
  #newWaits = false;
  /** How often decisions or signals may have come. */
  #news = 0;

  constructor(host: NodesHost) {
    this.#host = host;
    this.#log = new UnitLog(host.ctx, host.workflow.plan, host.units);
  }

  get isIdle(): boolean {
    return this.#active.size === 0;
  }

  /** Whether something waits for what comes from outside. */
  get hasWaiting(): boolean {
    for (const { phase, iterations } of this.#active.values()) if (phase === "waiting" && !iterations) return true;
    return false;
  }

  isActive(key: string): boolean {
    return this.#active.has(key);
  }

  /** Whether something began to wait since this was asked last. */
  takeNewWaits(): boolean {
    const had = this.#newWaits;
    this.#newWaits = false;
    return had;
  }

  /** Runs below this one that units wait for. */
  get waitingChildren(): readonly string[] {
    return [...this.#active.values()].flatMap(({ phase, waitsFor, attempt: { childId } }) =>
      phase === "waiting" && waitsFor === "child" && childId !== undefined ? [childId] : [],
    );
  }

  progress(): { readonly done: number; readonly total: number } {
    return this.#log.progress();
  }

  /** Takes over what the nodes of another run came to. */
  replay(units: Iterable<UnitRecord>): void {
    for (const unit of units) this.#log.replay(this.#attemptAt({ key: unit.key, name: "", attempt: 1 }), unit);
  }

  /** Goes on with what earlier turns began. */
  resume(units: readonly UnitRecord[]): void {
    for (const unit of units) {
      const { key } = unit;
      if (key !== nodeOf(key)) continue;
      if (!isOpen(unit)) this.#log.noteEnd(key);
      else if (isRetried(unit)) this.#awaitRetry(unit, this.#attemptAt({ key, name: "", attempt: unit.attempt }));
      else if (this.#host.workflow.nodes.get(key)?.type === "work") this.#begin({ key, attempt: unit.attempt, before: unit });
      else this.#resumeIterations(unit);
    }
  }

  /** Starts a node whose dependencies are met; where its condition does not hold, it is skipped. */
  start(key: string, compensates?: string): void {
    const attempt = (this.#host.units.get(key)?.attempt ?? 0) + 1;
    this.#begin({ key, attempt, ...(compensates === undefined ? {} : { compensates }) });
  }

  skip(key: string): void {
    this.#end(key, this.#attemptAt({ key, name: "", attempt: 1 }), "SKIPPED");
  }

  /** Lets units go on that waited for what has come. */
  wake({ fromOutside, due, ended }: News): void {
    if (fromOutside) this.#news++;
    for (const [key, unit] of this.#active) {
      if (unit.phase !== "waiting" || unit.iterations) continue;
      const { attempt, retryOf, waitsFor } = unit;
      if (retryOf !== undefined) {
        if (due.has(retryOf)) this.#retry(key);
        continue;
      }
      const { childId, stepId } = attempt;
      const isDue = stepId !== undefined && due.has(stepId);
      // What came while it still was at work has been read since, and nothing else would tell it.
      const mayHaveCome = unit.newsSeen < this.#news && waitsFor !== "time";
      const hasCome = waitsFor === "child" && childId !== undefined ? ended(childId) : isDue || mayHaveCome;
      if (!hasCome) continue;
      unit.phase = "working";
      unit.newsSeen = this.#news;
      this.#host.workers.run(key, () => attempt.run());
    }
  }

  /** Writes down what has ended. @returns the nodes that have. */
  takeEnded(): readonly string[] {
    return this.#host.workers.take().flatMap((settled) => this.#take(settled) ?? []);
  }

  /** Stops everything. What waits for no run below ends at once; what is at work ends when it heeds that. */
  stop(): void {
    for (const key of this.#host.workers.clear()) this.#active.delete(key);
    for (const { iterations } of this.#active.values()) iterations?.stop();
    this.#stopAll([...this.#active.keys()], "for good");
    for (const [key, { iterations }] of [...this.#active]) if (iterations?.isIdle) this.#finishIterations(key, iterations);
  }

  /** Runs below that are to be cancelled since their units were stopped; these end with them. */
  takeStoppedChildren(): readonly string[] {
    return this.#stoppedChildren.splice(0);
  }

  #stopAll(keys: readonly string[], how: "again" | "for good"): void {
    for (const key of keys) {
      const unit = this.#active.get(key);
      if (!unit || unit.iterations) continue;
      const { attempt, phase, retryOf, waitsFor } = unit;
      if (waitsFor === "uncertain" && how === "again") continue;
      if (retryOf !== undefined) this.#drop(key);
      else if (phase === "working") attempt.stop(new WeftlineError("RUN_CANCELLED", { message: stopped }), how);
      else if (attempt.childId === undefined || waitsFor !== "child") this.#end(key, attempt, "CANCELLED", { error: stopped });
      else this.#stoppedChildren.push(attempt.childId);
    }
  }

  #begin({ key, ...more }: Omit<AttemptAt, "name">): void {
    const node = this.#host.workflow.nodes.get(key);
    if (!node) return;
    const { evaluate } = this.#host;
    const at = { key, name: "", ...more };
    const work = this.#workOf(key);
    this.#run(at, work, async () => {
      if (node.when && !more.before && (await evaluate(node.when)) !== true) return skipped;
      switch (node.type) {
        case "work":
          return this.#attempt(at, node, await evaluate(node.config)).run();
        case "branch": {
          for (const { when, to } of node.cases) if ((await evaluate(when)) === true) return to;
          return node.other;
        }
        case "map":
          return new Iterations(this.#iterationHost(key), node, { items: listOf(await evaluate(node.over)) });
        default:
          return new Iterations(this.#iterationHost(key), node, {});
      }
    });
  }

  /** Gives a unit's work to a worker. Until its settings are evaluated there is a stand-in for its attempt. */
  #run(at: AttemptAt, work: Work, start: () => Promise<unknown>): void {
    this.#active.set(at.key, { attempt: this.#attemptAt(at, work), phase: "working", newsSeen: this.#news });
    this.#host.workers.run(at.key, start);
  }

  #attempt(at: AttemptAt, work: Work, config: unknown): Attempt {
    const attempt = this.#attemptAt(at, work, config);
    this.#active.set(at.key, { attempt, phase: "working", newsSeen: this.#news });
    return attempt;
  }

  #attemptAt(at: AttemptAt, work = this.#workOf(at.key), config?: unknown): Attempt {
    const name = this.#host.workflow.plan.nodes.get(nodeOf(at.key))?.name ?? at.key;
    const mayRepeat = at.attempt < (work.retry?.attempts ?? 1) || (at.key !== nodeOf(at.key) && this.#isTriedAgain(nodeOf(at.key)));
    return new Attempt(this.#host.attempts, { ...at, name, mayRepeat }, work, config);
  }

  #workOf(key: string): Work {
    const node = this.#host.workflow.nodes.get(nodeOf(key));
    if (node?.type === "work") return node;
    if (node && "inner" in node && key !== nodeOf(key)) return node.inner;
    return { ...noWork, retry: this.#host.workflow.plan.nodes.get(key)?.retry };
  }

  /** Whether there is another attempt at a node where this one fails. */
  #isTriedAgain(node: string): boolean {
    return (this.#host.units.get(node)?.attempt ?? 1) < (this.#host.workflow.plan.nodes.get(node)?.retry?.attempts ?? 1);
  }

  #iterationHost(node: string): IterationHost {
    const { units, evaluate, workers } = this.#host;
    return {
      key: node,
      units,
      evaluate,
      run: (key, iteration, values, mode) => {
        const known = units.get(key);
        const work = this.#workOf(key);
        const place = { key, name: "", iteration, parentStep: node };
        if (known && isRetried(known) && mode === "resume")
          return this.#awaitRetry(known, this.#attemptAt({ ...place, attempt: known.attempt }, work));
        const before = known?.status === "RUNNING" ? known : undefined;
        const at = { ...place, attempt: before?.attempt ?? (known?.attempt ?? 0) + 1, before };
        this.#run(at, work, async () => this.#attempt(at, work, await evaluate(work.config, values)).run());
      },
      check: (work) => workers.run(node, work),
    };
  }

  #resumeIterations(unit: UnitRecord): void {
    const node = this.#host.workflow.nodes.get(unit.key);
    if (node?.type !== "map" && node?.type !== "loop") return;
    const { items } = (unit.input ?? {}) as { readonly items?: readonly unknown[] };
    const iterations = new Iterations(this.#iterationHost(unit.key), node, items ? { items } : {});
    this.#goThrough(this.#attemptAt({ key: unit.key, name: "", attempt: unit.attempt, before: unit }), iterations, unit.num);
  }

  #goThrough(attempt: Attempt, iterations: Iterations, startedAt: number): void {
    this.#active.set(attempt.at.key, { attempt, iterations, phase: "waiting", newsSeen: this.#news });
    iterations.begin(startedAt);
  }

  #take(settled: Settled): string | undefined {
    const { key } = settled;
    const unit = this.#active.get(key);
    if (!unit) return undefined;
    const { attempt, iterations } = unit;
    if ("error" in settled) return this.#takeError(key, unit, settled.error);
    const { value } = settled;
    if (value instanceof Iterations) {
      this.#goThrough(attempt, value, this.#log.open(key, attempt, value.items).num);
      return undefined;
    }
    if (iterations) return this.#finishIterations(key, iterations);
    if (value === skipped) return this.#end(key, attempt, "SKIPPED");
    return this.#succeed(key, attempt, value);
  }

  /** What is kept is JSON, so that a later turn reads the same. */
  #succeed(key: string, attempt: Attempt, value: unknown): string | undefined {
    let kept;
    try {
      kept = plainJson(value, maxOutput);
    } catch (error) {
      return this.#fail(key, attempt, new WeftlineError("OUTPUT_INVALID", { problem: messageOf(error) }, { cause: error }));
    }
    if (!kept.cut) return this.#end(key, attempt, "SUCCEEDED", { output: kept.value });
    return this.#fail(key, attempt, new WeftlineError("OUTPUT_INVALID", { problem: `it has more than ${maxOutput} characters` }));
  }

  #finishIterations(key: string, iterations: Iterations): string | undefined {
    const attempt = this.#active.get(key)?.attempt;
    if (!attempt || !iterations.isIdle) return undefined;
    const { failure } = iterations;
    if (failure !== undefined) return this.#fail(key, attempt, new WeftlineError("NODE_FAILED", { node: key, message: failure }));
    if (iterations.isStopped) return this.#end(key, attempt, "CANCELLED", { error: stopped });
    return this.#succeed(key, attempt, iterations.output);
  }

  #takeError(key: string, unit: ActiveUnit, error: unknown): string | undefined {
    const waitsFor = waitsForOf(error);
    if (waitsFor !== undefined) {
      unit.phase = "waiting";
      unit.waitsFor = waitsFor;
      this.#newWaits = true;
      return undefined;
    }
    const known = asWeftlineError(error);
    // No failure of the node: the run is another's, or another process goes on with it.
    if (notOfNodes.has(known.code)) throw error;
    if (known.code === "RUN_CANCELLED") return this.#end(key, unit.attempt, "CANCELLED", { error: known.message });
    return this.#fail(key, unit.attempt, known);
  }

  #fail(key: string, attempt: Attempt, error: WeftlineError): string | undefined {
    const { retry } = attempt.work;
    const { message } = error;
    if (retry === undefined || attempt.at.attempt >= retry.attempts || !isRetryable(error))
      return this.#end(key, attempt, "FAILED", { error: message });
    this.#awaitRetry(this.#log.failForNow(key, attempt, { error: message, retryInMs: retryDelayMs(retry, attempt.at.attempt) }), attempt);
    return undefined;
  }

  #awaitRetry({ key, stepId }: UnitRecord, attempt: Attempt): void {
    this.#active.set(key, { attempt, retryOf: stepId, phase: "waiting", newsSeen: this.#news });
    this.#newWaits = true;
  }

  #retry(key: string): void {
    const node = nodeOf(key);
    this.#active.delete(key);
    if (node === key) this.start(key);
    else this.#active.get(node)?.iterations?.again(key);
  }

  /** A unit has ended: it is written down, and told to the map or loop that it is part of. @returns the node that has ended with it. */
  #end(key: string, attempt: Attempt, status: Exclude<UnitStatus, "RUNNING">, more: UnitEnd = {}): string | undefined {
    this.#log.end(key, attempt, status, more);
    return this.#drop(key);
  }

  #drop(key: string): string | undefined {
    this.#active.delete(key);
    this.#host.workers.release(key);
    const node = nodeOf(key);
    if (node === key) {
      this.#log.noteEnd(key);
      return key;
    }
    const iterations = this.#active.get(node)?.iterations;
    if (!iterations) return undefined;
    iterations.take(key);
    if (iterations.failure !== undefined && !iterations.isStopped) {
      iterations.stop();
      const others = [...this.#active.keys()].filter((each) => each !== node && nodeOf(each) === node);
      this.#stopAll(others, this.#isTriedAgain(node) ? "again" : "for good");
    }
    return this.#finishIterations(node, iterations);
  }
}

const stopped = "It was stopped, since another node failed or the run was cancelled.";

/** The most that a node may give, in characters of JSON. */
const maxOutput = 16 * 1024 * 1024;

/** Errors that say nothing of the node that they come from. */
const notOfNodes: ReadonlySet<string> = new Set(["RUN_FENCED", "SHUTTING_DOWN", "PROTOCOL_VIOLATION", "RUN_LIMIT"]);

/** Of what is done without a kind: branches, maps and loops themselves. */
const noWork: Work = {
  kind: { kind: "", description: "", config: undefined as never, startsByContext: true, run: () => null },
  config: { nodes: [], evaluate: () => null },
  tools: [],
};

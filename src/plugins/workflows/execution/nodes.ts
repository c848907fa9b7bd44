import { messageOf, type ProgramContext } from "#weftline";
import { isOpen, isRetried, nodeOf, type UnitRecord, type UnitStatus } from "../state/units.ts";
import { ActiveUnits, type ActiveUnit, type Stop } from "./active-units.ts";
import { timedOut, type Attempt, type AttemptHost } from "./attempts/attempt.ts";
import { Attempts, type NewAttempt } from "./attempts/attempts.ts";
import type { CompiledWorkflow, Work } from "./compiled/compiled.ts";
import { Iterations, listOf, type IterationHost } from "./iterations.ts";
import { UnitLog, type UnitEnd } from "./unit-log.ts";
import type { Values } from "./compiled/values.ts";
import {
  cancelled,
  stopped,
  verdictOnError,
  verdictOnIterations,
  verdictOnStopped,
  verdictOnValue,
  type Verdict,
} from "./attempts/verdict.ts";
import type { Settled, Workers } from "./workers.ts";

/** What {@link Nodes} work with. */
export interface NodesHost {
  readonly ctx: ProgramContext;
  readonly attempts: AttemptHost;
  readonly workflow: CompiledWorkflow;
  readonly units: Map<string, UnitRecord>;
  readonly workers: Workers;
  readonly values: Values;
}

/** What has come for units that wait. */
export interface News {
  /** Whether decisions or signals may have come. */
  readonly fromOutside: boolean;
  /** Steps that have come to their time. */
  readonly due: ReadonlySet<string>;
  readonly ended: (childId: string) => boolean;
}

/** An item or round that was begun and is no longer needed. */
interface LeftItem {
  readonly node: string;
  readonly iteration: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A unit whose condition does not hold. */
const skipped = Symbol("skipped");

/** The units of a run that have begun: started, written down, tried again, stopped. */
export class Nodes {
  readonly #host: NodesHost;
  readonly #active = new ActiveUnits();
  readonly #attempts: Attempts;
  readonly #log: UnitLog;
  readonly #stoppedChildren: string[] = [];
  #newWaits = false;
  /** How often decisions or signals may have come. */
  #news = 0;

  constructor(host: NodesHost) {
    this.#host = host;
    this.#attempts = new Attempts(host.attempts, host.workflow, host.units);
    this.#log = new UnitLog(host.ctx, host.workflow.plan, host.units);
  }

  get isIdle(): boolean {
    return this.#active.size === 0;
  }

  /** Whether something waits for what comes from outside. */
  get hasWaiting(): boolean {
    return this.#active.hasWaiting;
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
    return this.#active.waitingChildren;
  }

  progress(): { readonly done: number; readonly total: number } {
    return this.#log.progress();
  }

  /** Takes over what the nodes of another run came to. */
  replay(units: Iterable<UnitRecord>): void {
    for (const unit of units) this.#log.replay(this.#attempts.make({ key: unit.key, attempt: 1 }), unit);
  }

  /** Goes on with what earlier turns began. @param due steps that have come to their time */
  resume(units: readonly UnitRecord[], due: ReadonlySet<string>): void {
    for (const unit of units) {
      const { key } = unit;
      if (key !== nodeOf(key)) continue;
      if (!isOpen(unit)) this.#log.noteEnd(key);
      else if (isRetried(unit)) this.#awaitRetry(unit, this.#attempts.make({ key, attempt: unit.attempt }));
      else if (this.#host.workflow.nodes.get(key)?.type === "work") this.#begin({ key, attempt: unit.attempt, before: unit });
      else this.#resumeIterations(unit, due.has(unit.stepId));
    }
  }

  /** Starts a node whose dependencies are met; where its condition does not hold, it is skipped. */
  start(key: string): void {
    const { units, workflow } = this.#host;
    const undone = units.get(workflow.plan.undoes.get(key) ?? "");
    this.#begin({ key, attempt: (units.get(key)?.attempt ?? 0) + 1, ...(undone ? { compensates: undone.stepId } : {}) });
  }

  skip(key: string): void {
    this.#end(key, this.#attempts.make({ key, attempt: 1 }), "SKIPPED");
  }

  /** Lets units go on that waited for what has come. */
  wake({ fromOutside, due, ended }: News): void {
    if (fromOutside) this.#news++;
    for (const [key, unit] of this.#active) {
      if (unit.phase !== "waiting") continue;
      const { attempt, iterations, retryOf, waitsFor } = unit;
      if (iterations) {
        if (!iterations.isStopped && due.has(attempt.stepId ?? "")) this.#host.workers.settle({ key, error: timedOut(attempt.work) });
        continue;
      }
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
      this.#host.workers.run(key, async () => (unit.isLeft === true ? Promise.reject(cancelled()) : attempt.run()));
    }
  }

  /** Writes down what has ended. @returns the nodes that have. */
  takeEnded(): readonly string[] {
    return this.#host.workers.take().flatMap((settled) => this.#take(settled) ?? []);
  }

  /** Stops everything. What waits for no run below ends at once; what is at work ends when it heeds that. */
  stop(): void {
    for (const { iterations } of this.#active.values()) iterations?.stop();
    for (const key of this.#host.workers.clear((each) => this.#active.get(each)?.attempt.isStarted !== true)) {
      if (key === nodeOf(key)) this.#active.delete(key);
      else this.#drop(key);
    }
    this.#stopAll([...this.#active.keys()], "for good");
    for (const [key, { iterations }] of [...this.#active]) if (iterations?.isIdle) this.#finishIterations(key, iterations);
  }

  /** Runs below that are to be cancelled since their units were stopped, which end with them, and steps that ended while they may have asked somebody. */
  takeStopped(): { readonly children: readonly string[]; readonly asking: readonly string[] } {
    return { children: this.#stoppedChildren.splice(0), asking: this.#log.takeAsking() };
  }

  /** @returns the nodes that ended with that. */
  #stopAll(keys: readonly string[], how: Stop): readonly string[] {
    return keys.flatMap((key) => this.#stop(key, how) ?? []);
  }

  #stop(key: string, how: Stop): string | undefined {
    const unit = this.#active.get(key);
    if (!unit || unit.iterations) return undefined;
    const { attempt, phase, retryOf, waitsFor } = unit;
    if (waitsFor === "uncertain" && how === "again") return undefined;
    unit.stopped = how;
    if (retryOf !== undefined) {
      for (const left of [...this.#host.units.values()].filter((each) => nodeOf(each.key) === key && isOpen(each))) this.#endItem(left);
      // Its next attempt ends before it begins: else the run would be due when that is.
      return this.#end(key, this.#attempts.after(attempt), "CANCELLED", { error: stopped });
    }
    if (phase === "working") attempt.stop(cancelled(), how);
    else if (attempt.childId === undefined || waitsFor !== "child") return this.#end(key, attempt, "CANCELLED", { error: stopped });
    else this.#stoppedChildren.push(attempt.childId);
    return undefined;
  }

  #begin({ key, ...more }: NewAttempt): void {
    const node = this.#host.workflow.nodes.get(key);
    if (!node) return;
    const { evaluate } = this.#host.values;
    const at = { key, ...more };
    const of = { unit: key };
    const work = this.#attempts.workOf(key);
    this.#run(at, work, async () => {
      if (node.when && !more.before && (await evaluate(node.when, of)) !== true) return skipped;
      switch (node.type) {
        case "work":
          return this.#attempt(at, node, await evaluate(node.config, of)).run();
        case "branch": {
          for (const { when, to } of node.cases) if ((await evaluate(when, of)) === true) return to;
          return node.other;
        }
        case "map":
          return new Iterations(this.#iterationHost(key), node, { items: listOf(await evaluate(node.over, of)) });
        default:
          return new Iterations(this.#iterationHost(key), node, {});
      }
    });
  }

  /** Gives a unit's work to a worker. Until its settings are evaluated there is a stand-in for its attempt. */
  #run(at: NewAttempt, work: Work, start: () => Promise<unknown>): void {
    this.#active.set(at.key, { attempt: this.#attempts.make(at, work), phase: "working", newsSeen: this.#news });
    this.#host.workers.run(at.key, start);
  }

  #attempt(at: NewAttempt, work: Work, config: unknown): Attempt {
    const attempt = this.#attempts.make(at, work, config);
    const { stopped: how } = this.#active.get(at.key) ?? {};
    if (how !== undefined && attempt.childId === undefined) throw cancelled();
    this.#active.set(at.key, { attempt, phase: "working", newsSeen: this.#news, ...(how === undefined ? {} : { stopped: how }) });
    return attempt;
  }

  #iterationHost(node: string): IterationHost {
    const { units, workers } = this.#host;
    const { evaluate } = this.#host.values;
    return {
      key: node,
      units,
      evaluate,
      run: (key, iteration, values, mode) => {
        const known = units.get(key);
        const work = this.#attempts.workOf(key);
        const place = { key, iteration, parentStep: node };
        if (known && isRetried(known) && mode === "resume")
          return this.#awaitRetry(known, this.#attempts.make({ ...place, attempt: known.attempt }, work));
        const before = known?.status === "RUNNING" ? known : undefined;
        const at = { ...place, attempt: before?.attempt ?? (known?.attempt ?? 0) + 1, before };
        const of = { unit: key, variables: values };
        this.#run(at, work, async () => this.#attempt(at, work, await evaluate(work.config, of)).run());
      },
      endLeft: (key, iteration, values) => this.#endLeft(key, { node, iteration, values }),
      check: (work) => workers.run(node, work),
    };
  }

  /** Ends an item that a lost process had begun. @returns whether it ends later: with the run below it. */
  #endLeft(key: string, { node, iteration, values }: LeftItem): "now" | "later" {
    const before = this.#host.units.get(key);
    if (!before) return "now";
    const childId = before.status === "RUNNING" ? before.childRunId : undefined;
    if (this.#attempts.isTriedAgain(node)) {
      // What it did itself the map's next attempt goes on with; a run below was cancelled, or is.
      if (childId === undefined) return "now";
      this.#iterationHost(node).run(key, iteration, values, "resume");
      const unit = this.#active.get(key);
      if (unit) unit.stopped = "again";
      return "later";
    }
    const left = this.#attempts.make({ key, iteration, parentStep: node, attempt: before.attempt, before });
    if (childId === undefined) {
      this.#log.end(key, isRetried(before) ? this.#attempts.after(left) : left, "CANCELLED", { error: stopped });
      return "now";
    }
    this.#active.set(key, { attempt: left, phase: "waiting", waitsFor: "child", newsSeen: this.#news, stopped: "for good", isLeft: true });
    this.#stoppedChildren.push(childId);
    this.#newWaits = true;
    return "later";
  }

  /** Ends an item that its map's next attempt would have gone on with. */
  #endItem({ key, attempt, childRunId }: UnitRecord): void {
    if (key === nodeOf(key) || this.#active.has(key)) return;
    const before = this.#host.units.get(key);
    this.#log.end(key, this.#attempts.make({ key, attempt, before }), "CANCELLED", { error: stopped });
    if (childRunId !== undefined) this.#stoppedChildren.push(childRunId);
  }

  #resumeIterations(unit: UnitRecord, isDue: boolean): void {
    const node = this.#host.workflow.nodes.get(unit.key);
    if (node?.type !== "map" && node?.type !== "loop") return;
    const { items } = (unit.input ?? {}) as { readonly items?: readonly unknown[] };
    const iterations = new Iterations(this.#iterationHost(unit.key), node, items ? { items } : {});
    const attempt = this.#attempts.make({ key: unit.key, attempt: unit.attempt, before: unit });
    // Why it ended what it had begun is told by its time alone, also where that was in an earlier turn.
    this.#goThrough(attempt, iterations, unit.num, isDue ? timedOut(attempt.work).message : undefined);
  }

  #goThrough(attempt: Attempt, iterations: Iterations, startedAt: number, overdue?: string): void {
    this.#active.set(attempt.at.key, { attempt, iterations, phase: "waiting", newsSeen: this.#news });
    this.#newWaits = true;
    iterations.begin(startedAt, overdue);
  }

  #take(settled: Settled): string | undefined {
    const { key } = settled;
    const unit = this.#active.get(key);
    // A map may have ended of its items before its time was over is read.
    if (!unit || unit.retryOf !== undefined) return undefined;
    const { attempt, iterations } = unit;
    if ("error" in settled) {
      if (iterations && !iterations.isIdle) return this.#failIterations(key, iterations, settled.error);
      return this.#give(key, unit, verdictOnError(attempt, settled.error));
    }
    const { value } = settled;
    if (value instanceof Iterations) {
      this.#goThrough(attempt, value, this.#log.open(key, attempt, value.items).num);
      return undefined;
    }
    if (iterations) return this.#finishIterations(key, iterations);
    if (value === skipped) return this.#end(key, attempt, "SKIPPED");
    return this.#give(key, unit, verdictOnValue(attempt, value));
  }

  #finishIterations(key: string, iterations: Iterations): string | undefined {
    const unit = this.#active.get(key);
    // It may have ended with the last of its items, and wait for its next attempt.
    return unit?.iterations === iterations && iterations.isIdle
      ? this.#give(key, unit, verdictOnIterations(unit.attempt, iterations))
      : undefined;
  }

  /** Writes down what an attempt came to. @returns the node that has ended with it. */
  #give(key: string, unit: ActiveUnit, given: Verdict): string | undefined {
    const { attempt } = unit;
    // It goes on with what a person says of what it did.
    if (given.is === "waiting" && given.waitsFor === "uncertain" && unit.stopped === "again") delete unit.stopped;
    const verdict = verdictOnStopped(unit, given);
    switch (verdict.is) {
      case "ended":
        return this.#end(key, attempt, verdict.status, verdict.end);
      case "failed for now":
        this.#awaitRetry(this.#log.failForNow(key, attempt, verdict), attempt);
        return undefined;
      case "waiting":
        unit.phase = "waiting";
        unit.waitsFor = verdict.waitsFor;
        this.#newWaits = true;
        if (unit.stopped !== undefined && attempt.childId !== undefined) this.#stoppedChildren.push(attempt.childId);
        return undefined;
    }
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
    this.#host.values.release(key);
    const node = nodeOf(key);
    if (node === key) {
      this.#log.noteEnd(key);
      return key;
    }
    const iterations = this.#active.get(node)?.iterations;
    if (!iterations) return undefined;
    iterations.take(key);
    return this.#endIterations(node, iterations);
  }

  /** A map or loop fails while its items or rounds are at work. */
  #failIterations(node: string, iterations: Iterations, error: unknown): string | undefined {
    iterations.fail(messageOf(error));
    return this.#endIterations(node, iterations);
  }

  /** Where a map or loop has failed, its other items are stopped; once none is at work, it has ended. @returns it, if it has */
  #endIterations(node: string, iterations: Iterations): string | undefined {
    if (iterations.failure !== undefined && !iterations.isStopped) {
      iterations.stop();
      const how = this.#attempts.isTriedAgain(node) ? "again" : "for good";
      if (this.#stopAll(this.#active.within(node), how).includes(node)) return node;
    }
    return this.#finishIterations(node, iterations);
  }
}

import { WeftlineError } from "#weftline";
import { isOpen, nodeOf, unitKey, type UnitRecord } from "../state/units.ts";
import type { CompiledNode } from "./compiled/compiled.ts";
import type { Evaluate } from "./compiled/values.ts";

/** Items of one map at most. */
const maxItems = 10_000;

/** What a map or a loop needs of the nodes around it. */
export interface IterationHost {
  /** Its node's key. */
  readonly key: string;
  readonly units: ReadonlyMap<string, UnitRecord>;
  readonly evaluate: Evaluate;
  /** Starts one item or round; with `resume`, one that waits to be tried again goes on waiting. */
  run(unit: string, iteration: number, values: Readonly<Record<string, unknown>>, mode: "resume" | "again"): void;
  /** Ends an item or round that was begun and is no longer needed. @returns whether it ends later, and says so then. */
  endLeft(unit: string, iteration: number, values: Readonly<Record<string, unknown>>): "now" | "later";
  /** Looks whether it goes on; it is asked whether it has ended afterwards. */
  check(work: () => Promise<unknown>): void;
}

type IteratedNode = Extract<CompiledNode, { readonly type: "map" | "loop" }>;

/** What a map or a loop goes through: items side by side, or rounds one after the other. */
export class Iterations {
  readonly items: readonly unknown[] | undefined;
  readonly #host: IterationHost;
  readonly #node: IteratedNode;
  readonly #running = new Set<number>();
  /** The number of the step of this attempt: what failed before it is done again. */
  #startedAt = 0;
  #next = 0;
  #isOver = false;
  #isChecking = false;
  #isStopped = false;
  #failure: string | undefined;

  constructor(host: IterationHost, node: IteratedNode, { items }: { readonly items?: readonly unknown[] }) {
    this.#host = host;
    this.#node = node;
    this.items = items;
  }

  /** Whether nothing of it is at work and nothing is left to start. */
  get isIdle(): boolean {
    return this.#running.size === 0 && !this.#isChecking && !this.#mayGoOn;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Why it failed. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** A map's outputs in the order of its items; a loop's last output. */
  get output(): unknown {
    if (this.#node.type === "loop") return this.#next === 0 ? null : this.#outputAt(this.#next - 1);
    return Array.from({ length: this.#next }, (_, index) => this.#outputAt(index));
  }

  /**
   * @param startedAt the number of its step.
   * @param overdue what it fails with since its time is over, where that was before this turn and not all has ended.
   */
  begin(startedAt: number, overdue?: string): void {
    this.#startedAt = startedAt;
    this.#noteEnded();
    if (overdue !== undefined && !this.#hasAllEnded) this.fail(overdue);
    if (this.#failure === undefined) this.#advance();
    else this.#endLeft();
    // No item's end will tell.
    if (this.isIdle) this.#host.check(async () => undefined);
  }

  /** One of its items or rounds has ended. */
  take(unit: string): void {
    const iteration = iterationOf(unit);
    this.#running.delete(iteration);
    this.#note(iteration);
    this.#advance();
  }

  /** Tries an item or round again. */
  again(unit: string): void {
    const iteration = iterationOf(unit);
    this.#host.run(unit, iteration, this.#valuesAt(iteration), "again");
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** It fails, whatever its items or rounds come to. */
  fail(message: string): void {
    this.#failure ??= message;
  }

  get #mayGoOn(): boolean {
    return !this.#isOver && !this.#isStopped && this.#failure === undefined;
  }

  #advance(): void {
    if (this.#node.type === "map") this.#advanceMap(this.#node.concurrency);
    else this.#advanceLoop(this.#node);
  }

  /** Whether no item is left. What was cancelled was stopped before its end. Of a loop only its condition tells. */
  get #hasAllEnded(): boolean {
    return this.items?.every((_, index) => this.#hasEnded(index) && this.#unitAt(index)?.status !== "CANCELLED") ?? false;
  }

  /** What earlier turns left: where an item has failed, the others that were begun beside it end. */
  #noteEnded(): void {
    for (const index of this.#begun()) if (this.#hasEnded(index)) this.#note(index);
  }

  #endLeft(): void {
    this.#isStopped = true;
    for (const index of this.#begun()) {
      const unit = this.#unitAt(index);
      if (unit && isOpen(unit) && this.#host.endLeft(unit.key, index, this.#valuesAt(index)) === "later") this.#running.add(index);
    }
  }

  /** Items or rounds that were ever begun, in their order. */
  #begun(): readonly number[] {
    const { key, units } = this.#host;
    return [...units.keys()].flatMap((each) => (each !== key && nodeOf(each) === key ? [iterationOf(each)] : [])).toSorted((a, b) => a - b);
  }

  #advanceMap(concurrency: number): void {
    const items = this.items ?? [];
    while (this.#mayGoOn && this.#next < items.length && this.#running.size < concurrency) this.#startOrTake(this.#next++);
    if (this.#next >= items.length) this.#isOver = true;
  }

  #advanceLoop(node: Extract<IteratedNode, { type: "loop" }>): void {
    while (this.#mayGoOn && this.#running.size === 0 && this.#hasEnded(this.#next)) this.#note(this.#next++);
    if (!this.#mayGoOn || this.#running.size > 0 || this.#isChecking) return;
    const unit = this.#unitAt(this.#next);
    if (unit && isOpen(unit)) return this.#startOrTake(this.#next++);
    if (this.#next >= node.max) {
      this.#isOver = true;
      return;
    }
    this.#isChecking = true;
    const round = { unit: unitKey(this.#host.key, this.#next), variables: this.#valuesAt(this.#next) };
    this.#host.check(async () => {
      try {
        const goesOn = (await this.#host.evaluate(node.while, round)) === true;
        if (!goesOn) this.#isOver = true;
        else if (this.#mayGoOn) this.#startOrTake(this.#next++);
      } finally {
        this.#isChecking = false;
      }
    });
  }

  #startOrTake(iteration: number): void {
    if (this.#hasEnded(iteration)) return this.#note(iteration);
    this.#running.add(iteration);
    this.#host.run(unitKey(this.#host.key, iteration), iteration, this.#valuesAt(iteration), "resume");
  }

  /** Whether an item needs nothing more in this attempt. */
  #hasEnded(iteration: number): boolean {
    const unit = this.#unitAt(iteration);
    if (!unit || isOpen(unit)) return false;
    return unit.status === "SUCCEEDED" || unit.status === "SKIPPED" || unit.num > this.#startedAt;
  }

  #note(iteration: number): void {
    const unit = this.#unitAt(iteration);
    if (unit?.status !== "FAILED" || isOpen(unit) || this.#node.onError !== "FAIL") return;
    this.#failure ??= `${unit.key}: ${unit.error ?? "It failed."}`;
  }

  #unitAt(iteration: number): UnitRecord | undefined {
    return this.#host.units.get(unitKey(this.#host.key, iteration));
  }

  #outputAt(iteration: number): unknown {
    const unit = this.#unitAt(iteration);
    return unit?.status === "SUCCEEDED" ? (unit.output ?? null) : null;
  }

  #valuesAt(iteration: number): Readonly<Record<string, unknown>> {
    if (this.#node.type === "map") return { [this.#node.as]: this.items?.[iteration] ?? null, index: iteration };
    return { item: iteration === 0 ? null : this.#outputAt(iteration - 1), index: iteration };
  }
}

function iterationOf(unit: string): number {
  return Number(unit.slice(unit.indexOf("/") + 1));
}

/** What a map goes over. @throws INVALID_INPUT */
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new WeftlineError("INVALID_INPUT", { message: "A map goes over a list; this is none." });
  if (value.length <= maxItems) return value;
  throw new WeftlineError("INVALID_INPUT", { message: `A map goes over at most ${maxItems} items; these are ${value.length}.` });
}

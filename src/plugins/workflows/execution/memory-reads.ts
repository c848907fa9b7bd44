import { messageOf, plainJson, type ProgramContext, type Step } from "#weftline";
import type { WorkflowFact } from "#plugins/memory";
import { LateValue } from "../state/late-value.ts";
import { isOpen, nodeOf, type Units } from "../state/units.ts";

const prefix = "memory/";

/** Reads what the runs of the tree remember now. @throws UNAVAILABLE, INVALID_INPUT */
export type ReadFacts = () => Promise<readonly WorkflowFact[]>;

/**
 * What expressions see of the memory: for each unit what it was when the first of its expressions asked. A step of the log holds it, before anything that
 * was made of it, so that a unit that is evaluated again, by a later attempt or after a lost process, sees the same.
 */
export class MemoryReads {
  readonly #ctx: ProgramContext;
  readonly #read: ReadFacts;
  readonly #known = new Map<string, LateValue>();
  /** Units whose step holds what they saw, where that is not in mind any more. */
  readonly #recorded = new Set<string>();

  constructor(ctx: ProgramContext, read: ReadFacts) {
    this.#ctx = ctx;
    this.#read = read;
  }

  /** Takes what earlier turns read. */
  take(steps: readonly Step[], units: Units): void {
    for (const step of steps) {
      const unit = unitOf(step);
      if (unit === undefined) continue;
      // Of what a lost process had begun nobody has seen anything.
      if (step.status === "RUNNING") void this.#ctx.say({ kind: "step.finished", step: step.key, status: "CANCELLED" });
      if (step.status !== "SUCCEEDED") continue;
      const node = units.get(nodeOf(unit));
      if (node && !isOpen(node)) this.#recorded.add(unit);
      else this.#known.set(unit, this.#contentOf(step));
    }
  }

  /** What a unit sees. */
  of(unit: string): Promise<unknown> {
    const known = this.#known.get(unit) ?? new LateValue(() => (this.#recorded.has(unit) ? this.#readAgain(unit) : this.#readNow(unit)));
    this.#known.set(unit, known);
    return known.get();
  }

  /** A unit has ended: what it saw is read from the log, should it be tried again all the same. */
  release(unit: string): void {
    if (this.#known.delete(unit)) this.#recorded.add(unit);
  }

  async #readNow(unit: string): Promise<unknown> {
    const step = `${prefix}${unit}`;
    void this.#ctx.say({ kind: "step.started", step, name: "memory", stepKind: "MEMORY", input: { scopes: ["WORKFLOW"] } });
    try {
      const facts = plainJson(await this.#read()).value;
      void this.#ctx.say({ kind: "step.finished", step, status: "SUCCEEDED", output: facts, keeps: "output" });
      return facts;
    } catch (error) {
      this.#known.delete(unit);
      void this.#ctx.say({ kind: "step.finished", step, status: "FAILED", error: messageOf(error) });
      throw error;
    }
  }

  async #readAgain(unit: string): Promise<unknown> {
    await this.#ctx.flush();
    const step = (await this.#ctx.state.steps()).findLast((each) => unitOf(each) === unit && each.status === "SUCCEEDED");
    return step ? this.#contentOf(step).get() : this.#readNow(unit);
  }

  #contentOf(step: Step): LateValue {
    return new LateValue(async () => (step.outputRefs == null ? step.output : (await this.#ctx.state.contentOf(step)).output));
  }
}

function unitOf({ kind, key, nodeKey }: Step): string | undefined {
  return kind === "MEMORY" && nodeKey == null && key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
}

import type { ProgramContext } from "#weftline";
import { LateValue, knownValue } from "../../state/late-value.ts";
import { outputOf } from "../../state/outcome.ts";
import { nodeOf, type Units } from "../../state/units.ts";
import type { MemoryReads } from "../memory-reads.ts";
import type { CompiledWorkflow, Evaluable } from "./compiled.ts";

/** For what an expression is evaluated. */
export interface EvaluatedFor {
  /** Its key: of a node, or of an item or round of one. */
  readonly unit: string;
  /** Inside a map or a loop. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Evaluates the expressions of a run. */
export type Evaluate = (evaluable: Evaluable, of: EvaluatedFor) => Promise<unknown>;

/** Where the values of expressions come from. */
export interface ValueSources {
  readonly ctx: ProgramContext;
  readonly workflow: CompiledWorkflow;
  readonly units: Units;
  readonly memory: MemoryReads;
}

/** The values of a run's expressions. */
export interface Values {
  readonly evaluate: Evaluate;
  /** A unit has ended: what it saw of the memory need not be kept in mind. */
  release(unit: string): void;
}

/** Expressions see the run's input, of the nodes those that they name, and the memory. */
export function valuesOf({ ctx, workflow: { plan, nodes: compiled }, units, memory }: ValueSources): Values {
  // A map goes through its items side by side, so all of them see the same; each round of a loop sees what the one before remembered.
  const seenBy = (unit: string): string => (compiled.get(nodeOf(unit))?.type === "map" ? nodeOf(unit) : unit);
  const evaluate: Evaluate = async (evaluable, { unit: of, variables = {} }) => {
    const outputs = evaluable.nodes.map((key) => outputOf(plan, units, key));
    const known = outputs.some((output) => output instanceof LateValue) ? await Promise.all(outputs.map(knownValue)) : outputs;
    const nodes = Object.fromEntries(
      evaluable.nodes.map((key, at) => {
        const unit = units.get(key);
        return [key, { status: unit?.status ?? "SKIPPED", output: known[at], error: unit?.error ?? null }];
      }),
    );
    // A map may call its item so.
    const remembered = evaluable.readsMemory && !Object.hasOwn(variables, "memory") ? { memory: await memory.of(seenBy(of)) } : {};
    return evaluable.evaluate({ ...variables, ...remembered, input: ctx.input, nodes }, ctx.owner);
  };
  return { evaluate, release: (unit) => memory.release(unit) };
}

import type { ProgramContext } from "#weftline";
import { LateValue, knownValue } from "../../state/late-value.ts";
import { outputOf } from "../../state/outcome.ts";
import type { Units } from "../../state/units.ts";
import type { CompiledWorkflow, Evaluable } from "./compiled.ts";

/** Evaluates the expressions of a run. */
export type Evaluate = (evaluable: Evaluable, more?: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Expressions see the run's input, and of the nodes those that they name. */
export function evaluator(ctx: ProgramContext, { plan }: CompiledWorkflow, units: Units): Evaluate {
  return async (evaluable, more = {}) => {
    const outputs = evaluable.nodes.map((key) => outputOf(plan, units, key));
    const known = outputs.some((output) => output instanceof LateValue) ? await Promise.all(outputs.map(knownValue)) : outputs;
    const nodes = Object.fromEntries(
      evaluable.nodes.map((key, at) => {
        const unit = units.get(key);
        return [key, { status: unit?.status ?? "SKIPPED", output: known[at], error: unit?.error ?? null }];
      }),
    );
    return evaluable.evaluate({ ...more, input: ctx.input, nodes }, ctx.owner);
  };
}

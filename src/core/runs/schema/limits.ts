import { WeftlineError, type InputProblem } from "../../errors.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import type { RunLimits } from "../entities/run.ts";
import { ledgerCurrency, mostMoney, nanosOf } from "../metering/cost.ts";
import type { MoneyInput } from "./usage.ts";

/** The most model calls, or supersteps of a graph, that a run may be given. */
const mostSteps = 1_000;

/** `RunLimitsInput`; `deadline` in milliseconds. */
export interface RunLimitsInput {
  readonly maxSteps?: number | null;
  readonly maxTokens?: number | null;
  readonly maxCost?: MoneyInput | null;
  readonly deadline?: number | null;
}

/**
 * The limits of a run as a client gave them, checked.
 *
 * @param path where they stood in the arguments, for the error.
 * @throws INVALID_INPUT
 * @example limits: runLimitsOf(input.limits, ["input", "limits"])
 */
export function runLimitsOf(input: RunLimitsInput | null | undefined, path: readonly string[]): RunLimits {
  const { maxSteps, maxTokens, maxCost, deadline } = input ?? {};
  const issues: InputProblem[] = [];
  const atLeastOne = (name: string, value: number | null | undefined, message: string): void => {
    if (value != null && value < 1) issues.push({ path: [...path, name], message });
  };
  atLeastOne("maxSteps", maxSteps, "At least 1.");
  if (maxSteps != null && maxSteps > mostSteps) issues.push({ path: [...path, "maxSteps"], message: `At most ${mostSteps}.` });
  atLeastOne("maxTokens", maxTokens, "At least 1.");
  atLeastOne("deadline", deadline, "Longer than nothing, as in PT30S.");
  if (maxCost != null) issues.push(...moneyProblems(maxCost, [...path, "maxCost"]));
  if (issues.length > 0) throw invalidInput(issues);
  return {
    ...(maxSteps == null ? {} : { maxSteps }),
    ...(maxTokens == null ? {} : { maxTokens }),
    ...(maxCost == null ? {} : { maxCost: { amount: maxCost.amount, currency: maxCost.currency ?? "USD" } }),
    ...(deadline == null ? {} : { deadlineMs: deadline }),
  };
}

/** What is wrong with an amount of money. */
export function moneyProblems({ amount, currency }: MoneyInput, path: readonly string[]): InputProblem[] {
  return [
    ...(nanosOf(amount) === undefined
      ? [{ path: [...path, "amount"], message: `Decimal digits, as in 12.50; at most ${mostMoney}.` }]
      : []),
    ...(currency == null || currency === ledgerCurrency
      ? []
      : [{ path: [...path, "currency"], message: `Costs are counted in ${ledgerCurrency}.` }]),
  ];
}

/** All that is wrong with an input, in one error. */
export function invalidInput(issues: readonly InputProblem[]): WeftlineError {
  const [first] = issues;
  return new WeftlineError("INVALID_INPUT", {
    issues,
    ...(first ? { path: first.path, message: `${first.path.join(".")}: ${first.message}` } : {}),
  });
}

export function addRunLimits(builder: GraphBuilder): void {
  builder.inputType(inputNamed<RunLimitsInput>(builder, "RunLimitsInput"), {
    description: "What a run may use up; it fails or expires where it would pass one.",
    fields: (t) => ({
      maxSteps: t.int({ description: "How many model calls; at most 1000." }),
      maxTokens: t.field({ type: "SafeInt", description: "How many tokens, read and written." }),
      maxCost: t.field({ type: inputNamed<MoneyInput>(builder, "MoneyInput"), description: "How much money." }),
      deadline: t.field({ type: "Duration", description: "How long from now, waiting included." }),
    }),
  });
}

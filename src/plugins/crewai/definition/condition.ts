import { createRequire } from "node:module";
import type * as Cel from "@marcbachmann/cel-js";
import { WeftlineError, messageOf } from "#weftline";

/** What a task's condition looks at. */
export interface ConditionContext {
  /** Of the task before. */
  readonly output: string;
  /** By task. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Loaded with the first condition: most crews have none. */
const cel = (): typeof Cel => createRequire(import.meta.url)("@marcbachmann/cel-js") as typeof Cel;

/** Why a condition is not CEL, or nothing. */
export function conditionProblem(condition: string): string | undefined {
  try {
    cel().parse(condition);
    return undefined;
  } catch (error) {
    return `it is not CEL: ${messageOf(error).split("\n")[0]}`;
  }
}

/** @throws CREW_FAILED where it cannot be answered with true or false. */
export function holds(task: string, condition: string, context: ConditionContext): boolean {
  const failed = (problem: string, cause?: unknown): WeftlineError =>
    new WeftlineError("CREW_FAILED", { plugin: "crewai", problem: `the condition of "${task}" ${problem}` }, { cause });
  let value: unknown;
  try {
    value = cel().evaluate(condition, { ...context });
  } catch (error) {
    throw failed(`cannot be answered: ${messageOf(error).split("\n")[0]}`, error);
  }
  if (typeof value !== "boolean") throw failed("is neither true nor false");
  return value;
}

import { WeftlineError, loadExpressions, messageOf } from "#weftline";

/** What a task's condition looks at. */
export interface ConditionContext {
  /** Of the task before. */
  readonly output: string;
  /** By task. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const language = loadExpressions({ output: "string", outputs: "map<string, string>", inputs: "map<string, dyn>" });

/** Why a condition is not CEL, or nothing. */
export function conditionProblem(condition: string): string | undefined {
  try {
    const { type } = language.compile(condition);
    return type === "bool" || type === "dyn" ? undefined : `it is true or false; this one is of the type ${type}`;
  } catch (error) {
    return `it is not CEL: ${messageOf(error)}`;
  }
}

/**
 * Whether a task's condition is met.
 *
 * @param owner whose run it is.
 * @throws CREW_FAILED where it cannot be answered with true or false.
 */
export async function holds(task: string, condition: string, context: ConditionContext, owner: string): Promise<boolean> {
  const failed = (problem: string, cause?: unknown): WeftlineError =>
    new WeftlineError("CREW_FAILED", { plugin: "crewai", problem: `the condition of "${task}" ${problem}` }, { cause });
  let value: unknown;
  try {
    value = await language.compile(condition).evaluate({ ...context }, owner);
  } catch (error) {
    throw failed(`cannot be answered: ${messageOf(error)}`, error);
  }
  if (typeof value !== "boolean") throw failed("is neither true nor false");
  return value;
}

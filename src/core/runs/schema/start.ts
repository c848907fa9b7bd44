import type { Scope } from "../../graphql/scope.ts";
import { idempotently } from "../../host/idempotency.ts";
import { settle } from "../settle.ts";
import type { OnBusy } from "../types.ts";
import { invalidInput, runLimitsOf, type RunLimitsInput } from "./limits.ts";
import { runTargetNamed, startRequested, tellingProblems, type RunTargetRef, type RunTelling } from "./requested-run.ts";

/** `StartRunInput`, with the fields that other plugins add. */
export interface StartRunInput extends RunTelling {
  readonly target: RunTargetRef;
  readonly idempotencyKey?: string | null;
  readonly onBusy?: OnBusy | null;
  readonly limits?: RunLimitsInput | null;
  /** A thread's id in the graph. */
  readonly thread?: string | null;
}

/**
 * Starts a run as a client asked, at most once a key.
 *
 * @returns the run's id.
 * @throws INVALID_INPUT; what the target, the thread and the run service throw.
 */
export async function startRun(scope: Scope, input: StartRunInput): Promise<string> {
  const problems = await tellingProblems(scope, input);
  if (problems.length > 0) throw invalidInput(problems);
  const limits = runLimitsOf(input.limits, ["input", "limits"]);
  const named = runTargetNamed(scope, input.target);
  const checked = await settle(named.check(input));
  const { run } = await idempotently(scope, { mutation: "startRun", key: input.idempotencyKey, body: input }, async (tx) => {
    const { onBusy, ...told } = input;
    const request = { ...told, targetType: named.targetType, target: await named.find(checked()), trigger: "API" as const, limits };
    return { run: (await startRequested(scope, tx, { ...request, ...(onBusy == null ? {} : { onBusy }) })).id };
  });
  return run;
}

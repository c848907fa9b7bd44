import { WeftlineError, asWeftlineError, plainOutput } from "#weftline";
import type { UnitStatus } from "../../state/units.ts";
import type { ActiveUnit } from "../active-units.ts";
import type { Attempt } from "./attempt.ts";
import type { Iterations } from "../iterations.ts";
import { isRetryable, retryDelayMs } from "./retry.ts";
import { waitsForOf, type WaitsFor } from "./suspended.ts";
import type { UnitEnd } from "../unit-log.ts";

/** What an attempt came to. */
export type Verdict =
  | { readonly is: "ended"; readonly status: Exclude<UnitStatus, "RUNNING">; readonly end: UnitEnd }
  /** It failed, and there is another attempt. */
  | { readonly is: "failed for now"; readonly error: string; readonly retryInMs: number }
  | { readonly is: "waiting"; readonly waitsFor: WaitsFor };

/** Why a unit was cancelled. */
export const stopped = "Stopped because another node failed or the run was cancelled.";

/** Errors that say nothing of the node that they come from. */
const notOfNodes: ReadonlySet<string> = new Set(["RUN_FENCED", "SHUTTING_DOWN", "RUN_LIMIT"]);

/** What is kept of an output is JSON, so that a later turn reads the same. */
export function verdictOnValue(attempt: Attempt, value: unknown): Verdict {
  try {
    return { is: "ended", status: "SUCCEEDED", end: { output: plainOutput(value) } };
  } catch (error) {
    return failure(attempt, asWeftlineError(error));
  }
}

/** @throws the error where it is no failure of the node: the run is another's, or another process goes on with it. */
export function verdictOnError(attempt: Attempt, error: unknown): Verdict {
  const waitsFor = waitsForOf(error);
  if (waitsFor !== undefined) return { is: "waiting", waitsFor };
  const known = asWeftlineError(error);
  if (notOfNodes.has(known.code)) throw error;
  return known.code === "RUN_CANCELLED" ? ended(known.message) : failure(attempt, known);
}

/** On a map or loop whose items or rounds have all ended. */
export function verdictOnIterations(attempt: Attempt, { failure: message, isStopped, output }: Iterations): Verdict {
  if (message !== undefined) return failure(attempt, new WeftlineError("NODE_FAILED", { node: attempt.at.key, message }));
  return isStopped ? ended(stopped) : verdictOnValue(attempt, output);
}

/** On a unit that was stopped: it waits for no more than the end of the run below it, and is not tried again. What succeeded in spite of that has. */
export function verdictOnStopped(unit: Pick<ActiveUnit, "stopped" | "attempt">, verdict: Verdict): Verdict {
  if (unit.stopped === undefined) return verdict;
  if (verdict.is === "ended") return verdict.status === "SUCCEEDED" ? verdict : ended(verdict.end.error ?? stopped);
  const waitsForChild = verdict.is === "waiting" && verdict.waitsFor === "child" && unit.attempt.childId !== undefined;
  return waitsForChild ? verdict : ended(stopped);
}

/** Why a unit ends that was stopped. */
export const cancelled = (): WeftlineError => new WeftlineError("RUN_CANCELLED", { message: stopped });

function ended(error: string): Verdict {
  return { is: "ended", status: "CANCELLED", end: { error } };
}

function failure({ at, work: { retry } }: Attempt, error: WeftlineError): Verdict {
  if (retry === undefined || at.attempt >= retry.attempts || !isRetryable(error))
    return { is: "ended", status: "FAILED", end: { error: error.message } };
  return { is: "failed for now", error: error.message, retryInMs: retryDelayMs(retry, at.attempt) };
}

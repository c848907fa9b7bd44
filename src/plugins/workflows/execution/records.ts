import type { Step } from "#weftline";
import type { UnitRecord, UnitStatus } from "../state/units.ts";

/** A step of a node as a record of its unit; nothing for steps within a node, as calls of tools. */
export function recordOf(step: Step): UnitRecord | undefined {
  if (step.nodeKey == null) return undefined;
  return {
    num: step.num,
    stepId: step.id,
    key: step.key,
    attempt: step.attempt,
    status: step.status === "WAITING" ? "RUNNING" : (step.status satisfies UnitStatus),
    input: step.input ?? undefined,
    output: step.output ?? undefined,
    error: step.error ?? undefined,
    childRunId: step.childRunId ?? undefined,
    hasDue: step.dueAt != null,
    finishedAt: step.finishedAt ?? undefined,
  };
}

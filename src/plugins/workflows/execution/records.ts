import type { Step, StepContent } from "#weftline";
import { LateValue } from "../state/late-value.ts";
import type { UnitRecord, UnitStatus } from "../state/units.ts";

/**
 * A step of a node as a record of its unit; nothing for steps within a node, as calls of tools.
 *
 * @param read what is large of a step; without it that is left out.
 */
export function recordOf(step: Step, read?: (step: Step) => Promise<StepContent>): UnitRecord | undefined {
  if (step.nodeKey == null) return undefined;
  return {
    num: step.num,
    stepId: step.id,
    key: step.key,
    attempt: step.attempt,
    status: step.status === "WAITING" ? "RUNNING" : (step.status satisfies UnitStatus),
    input: read === undefined || step.inputRefs == null ? (step.input ?? undefined) : new LateValue(async () => (await read(step)).input),
    output:
      read === undefined || step.outputRefs == null ? (step.output ?? undefined) : new LateValue(async () => (await read(step)).output),
    error: step.error ?? undefined,
    childRunId: step.childRunId ?? undefined,
    ...(step.provenance === "REPLAYED" ? { replayed: true as const } : {}),
    hasDue: step.dueAt != null,
    finishedAt: step.finishedAt ?? undefined,
  };
}

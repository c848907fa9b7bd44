import type { Scope } from "../../graphql/scope.ts";
import { ToolCall } from "../entities/message.ts";
import { UsageRow, type Step } from "../entities/run.ts";
import { runIdOfStep, toolCallIdOf } from "../events.ts";
import { reachOf } from "./access.ts";

/** The model calls of a step, oldest first, batched. They are looked up by their runs, which have an index and few calls each. */
export async function modelCallsOf(scope: Scope, stepId: string): Promise<readonly UsageRow[]> {
  const calls = await scope.load(modelCallsOf, stepId, async (stepIds) => {
    const where = { runId: { $in: [...new Set(stepIds.map(runIdOfStep))] }, stepId: { $in: [...stepIds] } };
    const rows = await scope.emWith(reachOf(scope)).find(UsageRow, where, { orderBy: { createdAt: "asc", id: "asc" } });
    return stepIds.map((id) => rows.filter((row) => row.stepId === id));
  });
  return calls ?? [];
}

/** Who answered a step's model call; of several the last. */
export async function modelOf(scope: Scope, { id, kind }: Step): Promise<Pick<UsageRow, "provider" | "model"> | undefined> {
  return kind === "MODEL" ? (await modelCallsOf(scope, id)).at(-1) : undefined;
}

/** The tool call that a step makes, batched. A framework's own step may have a key that looks like the engine's, so the name counts too. */
export async function callOfStep(scope: Scope, { runId, kind, key, name }: Step): Promise<string | null> {
  const num = kind === "TOOL" ? /^tool\/(\d+)$/.exec(key)?.[1] : undefined;
  if (num === undefined) return null;
  const call = await scope.load(callOfStep, toolCallIdOf(runId, Number(num)), async (ids) => {
    const rows = await scope.emWith(reachOf(scope)).find(ToolCall, { id: { $in: [...ids] } }, { fields: ["id", "name"] });
    return ids.map((id) => rows.find((row) => row.id === id));
  });
  return call?.name === name ? call.id : null;
}

import { globalId, graphIdOfActor, noUsage, usageOf, type Scope, type UsageQuery, type UsageSum } from "#weftline";
import type { UsageGroup } from "../types.ts";

/** What the calls of one thing used. */
export interface SpentBy extends UsageSum {
  readonly by: UsageGroup;
}

/** What model calls used in all. */
export async function spentInAll(scope: Scope, query: UsageQuery): Promise<UsageSum["usage"]> {
  const [sum] = await usageOf(scope, query);
  return sum?.usage ?? noUsage;
}

/** The same by what made them: keys are ids of the graph, but those of models. */
export async function spentBy(scope: Scope, by: UsageGroup, query: UsageQuery): Promise<SpentBy[]> {
  const sums = await usageOf(scope, { ...query, by: by === "ACTOR" ? "OWNER" : by });
  return sums.map(({ key, usage }) => ({ by, key: keyOf(scope, by, key), usage }));
}

const types = { AGENT: "Agent", WORKFLOW: "Workflow", THREAD: "Thread" } as const;

function keyOf(scope: Scope, by: UsageGroup, key: string): string {
  if (by === "MODEL") return key;
  return by === "ACTOR" ? graphIdOfActor(scope, key) : globalId(types[by], key);
}

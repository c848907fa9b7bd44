import { WeftlineError, stepsSoFar, type Database, type ForkFrom, type Run } from "#weftline";
import type { WorkflowDefinition } from "../definition/types.ts";
import { recordOf } from "../execution/records.ts";
import { keptAt, keptBefore } from "../state/fork.ts";
import { planOf } from "../state/plan.ts";
import { foldUnits } from "../state/units.ts";

/** What forks of runs need. */
export interface ForkHost {
  readonly database: Database;
  definitionOf(run: Run): Promise<WorkflowDefinition>;
}

/** Keys of the nodes that a retry from the middle takes over from its run. @throws INVALID_INPUT */
export async function forkOf({ database, definitionOf }: ForkHost, run: Run, from: ForkFrom): Promise<readonly string[]> {
  const plan = planOf(await definitionOf(run));
  const steps = await stepsSoFar({ rows: database.rows, as: { reader: "SYSTEM", reach: "MINE" } }, run);
  const records = steps.flatMap((step) => recordOf(step) ?? []);
  const units = foldUnits(records);
  if ("node" in from) {
    if (plan.nodes.has(from.node) && !plan.undoes.has(from.node)) return keptBefore(plan, units, from.node);
    throw noSuchNode(from.node, [...plan.nodes.keys()]);
  }
  const step = records.find(({ stepId }) => stepId === from.checkpoint.stepId);
  return step ? keptAt(plan, units, step) : [];
}

function noSuchNode(node: string, known: readonly string[]): WeftlineError {
  const path = ["input", "fromNode"];
  const message = `The workflow has no node "${node}" to begin at. It has: ${known.slice(0, 20).join(", ")}.`;
  return new WeftlineError("INVALID_INPUT", { message, path, issues: [{ path, message }] });
}

import type { GraphBuilder } from "../../graphql/builder.ts";
import { nodeType } from "../../graphql/nodes.ts";
import { WeftlineError } from "../../errors.ts";
import type { Scope } from "../../graphql/scope.ts";
import { runService } from "../contract.ts";
import { Checkpoint } from "../entities/checkpoint.ts";
import { Run, Step } from "../entities/run.ts";
import { loadCheckpoints, loadOne, loadRuns, loadSteps, seesContent } from "./access.ts";

export function addCheckpoint(builder: GraphBuilder): void {
  nodeType(builder, Checkpoint, {
    name: "Checkpoint",
    description: "The state of a run after a step, as its framework keeps it.",
    ownership: { rule: "PRIVATE", admins: "STATUS" },
    load: loadCheckpoints,
    fields: (t) => ({
      run: t.field({
        type: Run,
        nullable: false,
        description: "The run.",
        resolve: (checkpoint, _, scope) => runOf(scope, checkpoint),
      }),
      parent: t.field({
        type: Checkpoint,
        description: "The one before it; of another run where this run started from that.",
        resolve: (checkpoint, _, scope) => loadOne<Checkpoint>(scope, loadCheckpoints, checkpoint.parentId),
      }),
      step: t.field({
        type: Step,
        description: "The step after which it was taken, where it was one.",
        resolve: (checkpoint, _, scope) => loadOne<Step>(scope, loadSteps, checkpoint.stepId),
      }),
      createdAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was taken.",
        resolve: (checkpoint) => checkpoint.createdAt,
      }),
      state: t.field({
        type: "JSON",
        description: "The values, by name, in the framework's own form.",
        resolve: (checkpoint, _, scope) => (seesContent(scope, checkpoint) ? scope.use(runService).stateAt(checkpoint) : null),
      }),
    }),
  });
}

async function runOf(scope: Scope, { runId }: Checkpoint): Promise<Run> {
  const run = await loadOne<Run>(scope, loadRuns, runId);
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run of this checkpoint" });
  return run;
}

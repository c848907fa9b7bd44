import { WeftlineError } from "../../errors.ts";
import type { GraphBuilder } from "../../graphql/builder.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Provenance } from "../../host/types.ts";
import { Run, Step } from "../entities/run.ts";
import { StepKind, StepStatus } from "../types.ts";
import { loadOne, loadRuns, loadSteps, seesContent } from "./access.ts";
import { callOfStep, modelOf } from "./step-work.ts";
import { UsageView, usageOfStep } from "./usage.ts";
import { shownValue } from "./values.ts";

export function addStep(builder: GraphBuilder): void {
  nodeType(builder, Step, {
    name: "Step",
    description: "One unit of a run: a model call, a tool call, a node. key addresses the unit (node/iteration/call), not its order.",
    ownership: { rule: "PRIVATE", admins: "STATUS" },
    load: loadSteps,
    fields: (t) => ({
      run: t.field({
        type: Run,
        nullable: false,
        description: "The run that it is part of.",
        resolve: (step, _, scope) => runOf(scope, step),
      }),
      key: t.exposeString("key", { nullable: false, description: "The unit; the same for every attempt at it." }),
      name: t.exposeString("name", { nullable: false, description: "What to call it." }),
      kind: t.field({ type: StepKind, nullable: false, description: "What it does.", resolve: (step) => step.kind }),
      status: t.field({ type: StepStatus, nullable: false, description: "Where it stands.", resolve: (step) => step.status }),
      attempt: t.exposeInt("attempt", { nullable: false, description: "Which attempt at the unit, from 1." }),
      parent: t.field({
        type: Step,
        description: "The step that it is part of.",
        resolve: (step, _, scope) => loadOne<Step>(scope, loadSteps, step.parentId),
      }),
      provider: t.string({
        description: "Who answered a model call, where that is known.",
        resolve: async (step, _, scope) => (await modelOf(scope, step))?.provider ?? null,
      }),
      model: t.string({
        description: "With which model, where that is known.",
        resolve: async (step, _, scope) => (await modelOf(scope, step))?.model ?? null,
      }),
      toolCallId: t.id({
        description: "The tool call that it makes, as ToolCallPart names it; opaque.",
        resolve: (step, _, scope) => callOfStep(scope, step),
      }),
      provenance: t.field({
        type: Provenance,
        description: "Where the answer of a model call comes from.",
        resolve: (step) => step.provenance ?? null,
      }),
      input: t.field({
        type: "JSON",
        description: "What it was given.",
        resolve: (step, _, scope) => (seesContent(scope, step) ? shownValue(scope, step.runId, step.input, step.inputRefs) : null),
      }),
      output: t.field({
        type: "JSON",
        description: "What came of it.",
        resolve: (step, _, scope) => (seesContent(scope, step) ? shownValue(scope, step.runId, step.output, step.outputRefs) : null),
      }),
      error: t.string({
        description: "Why it failed.",
        resolve: (step, _, scope) => (seesContent(scope, step) ? (step.error ?? null) : null),
      }),
      startedAt: t.field({ type: "DateTime", description: "When it began.", resolve: (step) => step.startedAt }),
      finishedAt: t.field({ type: "DateTime", description: "When it ended.", resolve: (step) => step.finishedAt ?? null }),
      durationMs: t.float({
        description: "From its start to its end, in milliseconds; null before its end.",
        resolve: ({ startedAt, finishedAt }) => (finishedAt == null ? null : finishedAt - startedAt),
      }),
      usage: t.field({
        type: UsageView,
        description: "Its model calls; null for a step without any.",
        resolve: (step, _, scope) => usageOfStep(scope, step),
      }),
      childRun: t.field({
        type: Run,
        description: "The run that it started, where it started one.",
        resolve: (step, _, scope) => loadOne<Run>(scope, loadRuns, step.childRunId),
      }),
      nodeKey: t.string({ description: "The node of the workflow that it is an attempt at.", resolve: (step) => step.nodeKey ?? null }),
      iteration: t.int({
        description: "Which item of a map or round of a loop, from 0.",
        resolve: (step) => step.iteration ?? null,
      }),
      compensates: t.field({
        type: Step,
        description: "The step that it undoes.",
        resolve: (step, _, scope) => loadOne<Step>(scope, loadSteps, step.compensatesId),
      }),
    }),
  });
}

async function runOf(scope: Scope, step: Step): Promise<Run> {
  const run = await loadOne<Run>(scope, loadRuns, step.runId);
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run of this step" });
  return run;
}

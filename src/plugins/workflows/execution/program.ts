import type { Run, RunProgram } from "#weftline";
import type { WorkflowDefinition } from "../definition/types.ts";
import { compileWorkflow, type NodeKinds } from "./compiled/compile.ts";
import type { CompiledWorkflow } from "./compiled/compiled.ts";
import { Execution, type ExecutionLimits } from "./execution.ts";

/** What runs of workflows need. */
export interface ProgramHost {
  readonly kinds: NodeKinds;
  readonly limits: ExecutionLimits;
  /** The version that a run pinned: the same object each time, as long as it is kept. */
  definitionOf(run: Run): Promise<WorkflowDefinition>;
}

/** What runs of workflows do. A version is compiled once, as long as its definition is kept. */
export function workflowPrograms({ kinds, limits, definitionOf }: ProgramHost): (run: Run) => Promise<RunProgram> {
  const compiled = new WeakMap<WorkflowDefinition, Promise<CompiledWorkflow>>();
  const compiledOf = (definition: WorkflowDefinition): Promise<CompiledWorkflow> => {
    const known = compiled.get(definition) ?? compileWorkflow(definition, kinds);
    compiled.set(definition, known);
    return known;
  };
  return async (run) => {
    const workflow = await compiledOf(await definitionOf(run));
    return {
      endsItself: true,
      capabilities: workflow.tools,
      run: (ctx) => new Execution(ctx, workflow, limits).run(),
    };
  };
}

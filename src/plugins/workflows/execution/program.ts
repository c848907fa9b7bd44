import { WeftlineError, type Run, type RunProgram } from "#weftline";
import type { WorkflowMemory } from "#plugins/memory";
import type { WorkflowDefinition } from "../definition/types.ts";
import { compileWorkflow, type NodeKinds } from "./compiled/compile.ts";
import type { CompiledWorkflow } from "./compiled/compiled.ts";
import { Execution } from "./execution.ts";

/** What runs of workflows need. */
export interface ProgramHost {
  readonly kinds: NodeKinds;
  /** Units at work at once in one run, without those that wait. */
  readonly concurrency: number;
  /** Absent where no plugin has one. */
  readonly memory: WorkflowMemory | undefined;
  /** The version that a run pinned: the same object each time, as long as it is kept. */
  definitionOf(run: Run): Promise<WorkflowDefinition>;
}

/** What runs of workflows do. A version is compiled once, as long as its definition is kept. */
export function workflowPrograms({ kinds, concurrency, memory, definitionOf }: ProgramHost): (run: Run) => Promise<RunProgram> {
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
      run: (ctx) =>
        new Execution(ctx, {
          workflow,
          concurrency,
          readFacts: () => factsOf(memory, run),
          takeOverFacts: async () => {
            const { replays } = run.settings;
            if (replays) await memory?.takeOver(run, replays.runId);
          },
        }).run(),
    };
  };
}

/** A definition is refused where there is no memory; its plugin may be gone since. */
async function factsOf(memory: WorkflowMemory | undefined, run: Run): ReturnType<WorkflowMemory["facts"]> {
  if (memory) return memory.facts(run);
  throw new WeftlineError("UNAVAILABLE", {
    what: "The memory that an expression reads",
    reason: "no plugin provides it.",
    fix: "Add the plugin memory again.",
  });
}

import { extendInput, type GraphBuilder } from "#weftline";
import { addEnums } from "./enums.ts";
import { addInputs, workflowInputs } from "./inputs.ts";
import { addMutations } from "./mutations.ts";
import { addNodes } from "./node.ts";
import { addQueries } from "./queries.ts";
import { addRetry } from "./retry.ts";
import { addWorkflow } from "./workflow.ts";

/** The graph of workflows, and what they add to that of runs. */
export function addWorkflowSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addInputs(builder);
  addWorkflow(builder, addNodes(builder));
  addQueries(builder);
  addMutations(builder);
  addRetry(builder);
  extendInput(builder, "RunTargetInput", (t) => ({
    workflow: t.field({ type: workflowInputs(builder).ref, description: "A workflow that is not archived." }),
  }));
}

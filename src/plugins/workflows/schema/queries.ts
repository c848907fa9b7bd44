import { InputIssue, connectionType, pageArgs, type GraphBuilder } from "#weftline";
import { Workflow } from "../entities.ts";
import { findWorkflow } from "../service/find.ts";
import { listWorkflows } from "../service/list.ts";
import { workflowEditor } from "../service/service.ts";
import { workflowInputs } from "./inputs.ts";

export function addQueries(builder: GraphBuilder): void {
  const inputs = workflowInputs(builder);
  builder.queryFields((t) => ({
    workflows: t.field({
      type: connectionType(builder, "Workflow", Workflow),
      description: "The workflows of the tenant, newest first.",
      args: {
        search: t.arg.string({ description: "Only those with this text in their name or description, in any case." }),
        archived: t.arg.boolean({
          defaultValue: false,
          description: "Only archived ones, or only those that take runs; both where it is null.",
        }),
        ...pageArgs(t),
      },
      resolve: async (_, { search, archived, ...page }, scope) => {
        await scope.use(workflowEditor).prepare(scope);
        return (await listWorkflows(scope, { search, archived }, page)) as never;
      },
    }),
    workflow: t.field({
      type: Workflow,
      description: "One workflow; null where it does not exist or belongs to another tenant.",
      args: { ref: t.arg({ type: inputs.ref, required: true, description: "Which workflow." }) },
      resolve: async (_, { ref }, scope) => {
        await scope.use(workflowEditor).prepare(scope);
        return findWorkflow(scope, ref);
      },
    }),
    validateWorkflow: t.field({
      type: [InputIssue],
      nullable: { list: false, items: false },
      description:
        "All that is wrong with a workflow, nothing where createWorkflow would take it. Whether its name is free is not looked at.",
      args: { input: t.arg({ type: inputs.create, required: true, description: "The workflow. Nothing is written." }) },
      resolve: async (_, { input }, scope) => [...(await scope.use(workflowEditor).problems(scope, input))],
    }),
  }));
}

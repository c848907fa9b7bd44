import { resultType, type GraphBuilder } from "#weftline";
import { Workflow } from "../entities.ts";
import { workflowEditor } from "../service/service.ts";
import { workflowInputs } from "./inputs.ts";

function changed(builder: GraphBuilder, name: string) {
  return resultType<{ readonly workflow: Workflow }>(builder, name, {
    errors: ["conflict", "unavailable"],
    fields: (t) => ({
      workflow: t.field({
        type: Workflow,
        nullable: false,
        description: "The workflow as it is now.",
        resolve: ({ workflow }) => workflow,
      }),
    }),
  });
}

export function addMutations(builder: GraphBuilder): void {
  const inputs = workflowInputs(builder);
  const created = changed(builder, "CreateWorkflow");
  const updated = changed(builder, "UpdateWorkflow");
  const archived = changed(builder, "ArchiveWorkflow");
  const restored = changed(builder, "RestoreWorkflowVersion");
  builder.mutationFields((t) => ({
    createWorkflow: t.field({
      type: created.type,
      nullable: false,
      description: "Makes a workflow. Nothing is written where its definition is not valid; all problems come at once.",
      args: { input: t.arg({ type: inputs.create, required: true, description: "The workflow." }) },
      resolve: (_, { input }, scope) => created.attempt(async () => ({ workflow: await scope.use(workflowEditor).create(scope, input) })),
    }),
    updateWorkflow: t.field({
      type: updated.type,
      nullable: false,
      description:
        "Changes a workflow; for its owner and admins. Other nodes or another inputSchema become a new version; open runs keep to theirs.",
      args: { input: t.arg({ type: inputs.update, required: true, description: "The change." }) },
      resolve: (_, { input }, scope) => updated.attempt(async () => ({ workflow: await scope.use(workflowEditor).update(scope, input) })),
    }),
    archiveWorkflow: t.field({
      type: archived.type,
      nullable: false,
      description: "Archives a workflow: it takes no runs. It keeps its name, its versions and its runs; open runs go on.",
      args: { workflow: t.arg({ type: inputs.ref, required: true, description: "Which workflow." }) },
      resolve: (_, { workflow }, scope) =>
        archived.attempt(async () => ({ workflow: await scope.use(workflowEditor).archive(scope, workflow) })),
    }),
    restoreWorkflowVersion: t.field({
      type: restored.type,
      nullable: false,
      description: "Makes an old version the newest: a new version that equals it.",
      args: {
        workflow: t.arg({ type: inputs.ref, required: true, description: "Which workflow." }),
        version: t.arg.int({ required: true, description: "The number of the old version." }),
      },
      resolve: (_, { workflow, version }, scope) =>
        restored.attempt(async () => ({ workflow: await scope.use(workflowEditor).restore(scope, workflow, version) })),
    }),
  }));
}

import { inputNamed, type GraphBuilder } from "#weftline";
import { JoinPolicy, OnError } from "../definition/types.ts";
import type { CreateWorkflow, UpdateWorkflow } from "../service/edit.ts";
import type { WorkflowRef } from "../service/find.ts";
import type { WorkflowNodeInput } from "../service/input.ts";

/** The inputs of workflows by their names, for those who use them. */
export function workflowInputs(builder: GraphBuilder) {
  return {
    ref: inputNamed<WorkflowRef>(builder, "WorkflowRef"),
    retry: inputNamed<NonNullable<WorkflowNodeInput["retry"]>>(builder, "RetryPolicyInput"),
    node: inputNamed<WorkflowNodeInput>(builder, "WorkflowNodeInput"),
    create: inputNamed<CreateWorkflow>(builder, "CreateWorkflowInput"),
    update: inputNamed<UpdateWorkflow>(builder, "UpdateWorkflowInput"),
  };
}

export function addInputs(builder: GraphBuilder): void {
  const inputs = workflowInputs(builder);
  builder.inputType(inputs.ref, {
    description: "Names one workflow.",
    isOneOf: true,
    fields: (t) => ({
      id: t.id({ description: "Its id." }),
      name: t.string({ description: "Its name, which is unique in the tenant." }),
    }),
  });
  builder.inputType(inputs.retry, {
    description: "When and how often a node is retried.",
    fields: (t) => ({
      attempts: t.int({ required: true, description: "Attempts in total, including the first: 1 to 20." }),
      delay: t.field({ type: "Duration", defaultValue: 1_000, description: "How long to wait before the second attempt." }),
      factor: t.float({
        defaultValue: 2,
        description: "The factor between one delay and the next: 1 to 10. No delay exceeds an hour.",
      }),
      jitter: t.boolean({ defaultValue: true, description: "Whether each delay is randomized between half and the full value." }),
    }),
  });
  addNodeInput(builder);
  addWorkflowInputs(builder);
}

function addNodeInput(builder: GraphBuilder): void {
  const inputs = workflowInputs(builder);
  builder.inputType(inputs.node, {
    description: "One node of a workflow.",
    fields: (t) => ({
      key: t.string({
        required: true,
        description: "Unique in the workflow: a letter, then letters, digits and _; at most 64 characters.",
      }),
      kind: t.string({ required: true, description: "What it does, as in agent, tool or transform." }),
      name: t.string({ description: "Its display name; the key by default." }),
      dependsOn: t.stringList({ description: "The keys of the nodes it depends on; without any, it starts with the run." }),
      when: t.string({ description: "A CEL condition; the node is skipped if it is false." }),
      config: t.field({ type: "JSON", description: "What its kind asks for; at most 64 KiB." }),
      retry: t.field({ type: inputs.retry, description: "Its retry policy; one attempt by default." }),
      timeout: t.field({ type: "Duration", description: "How long one attempt may take." }),
      join: t.field({ type: JoinPolicy, defaultValue: "ALL", description: "Which dependencies it waits for." }),
      joinCount: t.int({ description: "With COUNT, how many dependencies must succeed." }),
      onError: t.field({ type: OnError, defaultValue: "FAIL", description: "What happens when it fails." }),
      errorNode: t.string({ description: "With ROUTE, the key of the node that handles the failure." }),
      undo: t.string({ description: "The key of the node that undoes this one when the run fails or is cancelled." }),
    }),
  });
}

const about = {
  name: "What it is called, 1 to 100 characters, unique in the tenant.",
  description: "What it is for; at most 2,000 characters.",
  inputSchema: "JSON Schema of the runs' input; without it, any input is accepted.",
  nodes: "Its nodes, at most 1,000.",
} as const;

function addWorkflowInputs(builder: GraphBuilder): void {
  const inputs = workflowInputs(builder);
  builder.inputType(inputs.create, {
    description: "A new workflow.",
    fields: (t) => ({
      name: t.string({ required: true, description: about.name }),
      description: t.string({ description: about.description }),
      inputSchema: t.field({ type: "JSON", description: about.inputSchema }),
      nodes: t.field({ type: [inputs.node], required: true, description: about.nodes }),
      idempotencyKey: t.string({ description: "Repeating the same key and input within 24 hours returns the first result." }),
    }),
  });
  builder.inputType(inputs.update, {
    description: "A change to a workflow. Omitted fields are kept; null clears a field.",
    fields: (t) => ({
      workflow: t.field({ type: inputs.ref, required: true, description: "Which workflow." }),
      name: t.string({ description: "Its name; cannot be cleared." }),
      description: t.string({ description: about.description }),
      inputSchema: t.field({ type: "JSON", description: about.inputSchema }),
      nodes: t.field({ type: [inputs.node], description: "All its nodes; cannot be cleared." }),
      archived: t.boolean({ description: "Whether it is archived: an archived workflow accepts no runs." }),
      expectedVersion: t.int({
        description: "The change is refused unless the workflow is at this version, so that concurrent changes are not lost.",
      }),
    }),
  });
}

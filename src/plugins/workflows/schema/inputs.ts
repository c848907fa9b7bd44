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
    description: "When and how often a node is tried again.",
    fields: (t) => ({
      attempts: t.int({ required: true, description: "All attempts together, the first included: 1 to 20." }),
      delay: t.field({ type: "Duration", defaultValue: 1_000, description: "How long to wait before the second attempt." }),
      factor: t.float({
        defaultValue: 2,
        description: "What each further delay is multiplied by: 1 to 10. No delay is longer than an hour.",
      }),
      jitter: t.boolean({ defaultValue: true, description: "Whether a delay is drawn between half of it and all of it." }),
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
      name: t.string({ description: "Its name for people; the key by default." }),
      dependsOn: t.stringList({ description: "The keys of the nodes that it waits for; it starts with the run where there are none." }),
      when: t.string({ description: "CEL of a boolean: the node is skipped where it is false." }),
      config: t.field({ type: "JSON", description: "What its kind asks for; at most 64 KiB." }),
      retry: t.field({ type: inputs.retry, description: "How often it is tried; once by default." }),
      timeout: t.field({ type: "Duration", description: "How long one attempt may take." }),
      join: t.field({ type: JoinPolicy, defaultValue: "ALL", description: "Which dependencies it waits for." }),
      joinCount: t.int({ description: "With COUNT, how many of them have to succeed." }),
      onError: t.field({ type: OnError, defaultValue: "FAIL", description: "What its failure does." }),
      errorNode: t.string({ description: "With ROUTE, the key of the node that takes over." }),
      undo: t.string({ description: "The key of the node that undoes this one when the run fails or is cancelled." }),
    }),
  });
}

const about = {
  name: "What it is called, 1 to 100 characters, unique in the tenant.",
  description: "What it is for, for people; at most 2,000 characters.",
  inputSchema: "JSON Schema of the input of its runs; any input is taken without one.",
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
      idempotencyKey: t.string({ description: "The same key and input again give the first answer, for 24 hours." }),
    }),
  });
  builder.inputType(inputs.update, {
    description: "A change of a workflow. What is left out stays; null clears.",
    fields: (t) => ({
      workflow: t.field({ type: inputs.ref, required: true, description: "Which workflow." }),
      name: t.string({ description: "What it is called; cannot be cleared." }),
      description: t.string({ description: about.description }),
      inputSchema: t.field({ type: "JSON", description: about.inputSchema }),
      nodes: t.field({ type: [inputs.node], description: "All its nodes; cannot be cleared." }),
      archived: t.boolean({ description: "An archived workflow takes no runs; false brings it back." }),
      expectedVersion: t.int({ description: "Refused unless the workflow is at this version, so that no change of another is lost." }),
    }),
  });
}

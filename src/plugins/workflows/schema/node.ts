import type { GraphBuilder } from "#weftline";
import type { Dependency } from "../definition/dependencies.ts";
import { JoinPolicy, OnError, type NodeDefinition, type RetryPolicy } from "../definition/types.ts";

/** The types of the parts of a workflow. */
export function addNodes(builder: GraphBuilder) {
  const retry = retryPolicy(builder);
  const node = builder.objectRef<NodeDefinition>("WorkflowNode").implement({
    description: "One node of a workflow.",
    fields: (t) => ({
      key: t.exposeString("key", { nullable: false, description: "Names it in its workflow, and its output in expressions." }),
      kind: t.exposeString("kind", { nullable: false, description: "What it does, as in agent or transform." }),
      name: t.exposeString("name", { nullable: false, description: "Its name for people; the key by default." }),
      dependsOn: t.stringList({
        nullable: false,
        description: "The keys of the nodes that it waits for.",
        resolve: ({ dependsOn }) => [...dependsOn],
      }),
      when: t.string({ description: "CEL: the node is skipped where it is false.", resolve: (each) => each.when ?? null }),
      config: t.field({
        type: "JSON",
        nullable: false,
        description: "What its kind asks for, as written.",
        resolve: ({ config }) => config,
      }),
      retry: t.field({ type: retry, description: "How often it is tried; once where it is null.", resolve: (each) => each.retry ?? null }),
      timeout: t.field({
        type: "Duration",
        description: "How long one attempt may take.",
        resolve: ({ timeoutMs }) => timeoutMs ?? null,
      }),
      join: t.field({ type: JoinPolicy, nullable: false, description: "Which dependencies it waits for.", resolve: ({ join }) => join }),
      joinCount: t.int({ description: "With COUNT, how many of them have to succeed.", resolve: ({ joinCount }) => joinCount ?? null }),
      onError: t.field({ type: OnError, nullable: false, description: "What its failure does.", resolve: ({ onError }) => onError }),
      errorNode: t.string({ description: "With ROUTE, the node that takes over.", resolve: ({ errorNode }) => errorNode ?? null }),
      undo: t.string({
        description: "The node that undoes it when the run fails or is cancelled.",
        resolve: ({ undo }) => undo ?? null,
      }),
    }),
  });
  const dependency = builder.objectRef<Dependency>("WorkflowDependency").implement({
    description: "An edge of a workflow, for drawing it.",
    fields: (t) => ({
      from: t.exposeString("from", { nullable: false, description: "The key of the node that comes first." }),
      to: t.exposeString("to", { nullable: false, description: "The key of the node that follows." }),
      label: t.string({
        description: "The condition of a branch's case, or else, error, undo; null for a plain dependency.",
        resolve: ({ label }) => label ?? null,
      }),
    }),
  });
  return { node, dependency };
}

export type NodeTypes = ReturnType<typeof addNodes>;

function retryPolicy(builder: GraphBuilder) {
  return builder.objectRef<RetryPolicy>("RetryPolicy").implement({
    description: "When and how often a node is tried again.",
    fields: (t) => ({
      attempts: t.exposeInt("attempts", { nullable: false, description: "All attempts together, the first included." }),
      delay: t.field({
        type: "Duration",
        nullable: false,
        description: "How long to wait before the second attempt.",
        resolve: ({ delayMs }) => delayMs,
      }),
      factor: t.exposeFloat("factor", { nullable: false, description: "What each further delay is multiplied by." }),
      jitter: t.exposeBoolean("jitter", { nullable: false, description: "Whether a delay is drawn between half of it and all of it." }),
    }),
  });
}

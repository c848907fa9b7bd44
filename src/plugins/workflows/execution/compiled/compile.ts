import { WeftlineError, type Contribution } from "#weftline";
import type { WorkflowNodeKind } from "../../contract.ts";
import { compileCondition, compileConfig, compileExpression } from "../../definition/templates.ts";
import type { InnerNode, JsonObject, NodeDefinition, WorkflowDefinition } from "../../definition/types.ts";
import { branchConfig } from "../../nodes/scheduled/branch.ts";
import { loopConfig } from "../../nodes/scheduled/loop.ts";
import { mapConfig } from "../../nodes/scheduled/map.ts";
import { planOf } from "../../state/plan.ts";
import type { CompiledNode, CompiledWorkflow, Work } from "./compiled.ts";

/** The kinds of node that are installed. */
export type NodeKinds = ReadonlyMap<string, Contribution<WorkflowNodeKind<never>>>;

/**
 * Makes a definition ready to run. It was without problems when it was saved; what it needs may be gone since.
 *
 * @throws UNAVAILABLE where no plugin brings a kind of node any more, INVALID_INPUT.
 */
export async function compileWorkflow(definition: WorkflowDefinition, kinds: NodeKinds): Promise<CompiledWorkflow> {
  const compiled = await Promise.all(definition.nodes.map(async (node) => [node.key, await compileNode(node, kinds)] as const));
  const works = compiled.flatMap(([, node]) => (node.type === "work" ? [node] : "inner" in node ? [node.inner] : []));
  return {
    plan: planOf(definition),
    nodes: new Map(compiled),
    tools: [...new Set(works.flatMap(({ tools }) => tools))],
  };
}

async function compileNode(node: NodeDefinition, kinds: NodeKinds): Promise<CompiledNode> {
  const when = node.when === undefined ? {} : { when: compileCondition(node.when) };
  switch (node.kind) {
    case "branch": {
      const { cases, else: other = null } = branchConfig.parse(node.config);
      return { ...when, type: "branch", cases: cases.map((each) => ({ when: compileCondition(each.when), to: each.to })), other };
    }
    case "map": {
      const { over, as, concurrency, node: inner } = mapConfig.parse(node.config);
      const work = await compileWork(inner, kinds);
      return { ...when, type: "map", over: compileExpression(over), as, concurrency, inner: work, onError: inner.onError };
    }
    case "loop": {
      const { while: condition, max, node: inner } = loopConfig.parse(node.config);
      const work = await compileWork(inner, kinds);
      return { ...when, type: "loop", while: compileCondition(condition), max, inner: work, onError: inner.onError };
    }
    default:
      return { ...when, type: "work", ...(await compileWork(node, kinds)) };
  }
}

async function compileWork({ kind: name, config, retry, timeoutMs }: NodeDefinition | InnerNode, kinds: NodeKinds): Promise<Work> {
  const found = kinds.get(name);
  if (!found)
    throw new WeftlineError("UNAVAILABLE", {
      what: `The kind of node "${name}"`,
      reason: "no plugin brings it.",
      fix: "Add the plugin again.",
    });
  const kind = found.value as WorkflowNodeKind;
  return { kind: found.value, config: await compileConfig(kind, config), retry, timeoutMs, tools: await toolsOf(kind, config) };
}

/** Tools that the settings name; a name that is known only when the node runs is none of them. */
async function toolsOf(kind: WorkflowNodeKind, config: JsonObject): Promise<readonly string[]> {
  const read = await kind.config["~standard"].validate(config);
  if (read.issues || !kind.references) return [];
  return (kind.references(read.value).tools ?? []).filter((name) => name !== undefined);
}

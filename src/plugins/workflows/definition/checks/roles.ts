import type { Problem } from "../fields.ts";
import type { NodeDefinition } from "../types.ts";
import { unknownNode, type WorkflowGraph } from "./graph.ts";

/** What is wrong with the nodes that take over for others or undo them, and with joins. */
export function roleProblems(graph: WorkflowGraph, path: readonly string[]): Problem[] {
  const depended = new Map(graph.nodes.flatMap(({ key, dependsOn }) => dependsOn.map((on) => [on, key] as const)));
  return graph.nodes.flatMap((node, at) => {
    const here = [...path, "nodes", String(at)];
    return [
      ...(["errorNode", "undo"] as const).flatMap((role) => namingProblems(graph, node, role, [...here, role])),
      ...takingPartProblems(graph, node, depended.get(node.key), here),
      ...joinProblems(graph, node, here),
    ];
  });
}

const roles = { errorNode: "the error node", undo: "the undo node" };

/** Of the node that one names as its error node, or as the one that undoes it. */
function namingProblems(graph: WorkflowGraph, node: NodeDefinition, role: "errorNode" | "undo", path: readonly string[]): Problem[] {
  const key = node[role];
  if (key === undefined) return [];
  const problem = (message: string): Problem[] => [{ path, message }];
  if (key === node.key) return problem(`A node cannot be ${roles[role]} of itself.`);
  const unknown = unknownNode(graph, key);
  if (unknown !== undefined) return problem(unknown);
  const other = graph.ownerOf({ key } as NodeDefinition);
  if (other && other !== node) return problem(`"${key}" is ${otherRole(other, key)} of "${other.key}" already: give each node its own.`);
  if (node.errorNode === node.undo && role === "undo") return problem(`"${key}" is the error node already: one node cannot be both.`);
  const owner = graph.ownerOf(node);
  if (owner?.undo === node.key)
    return problem(`"${node.key}" undoes "${owner.key}", so it has neither an error node nor one that undoes it.`);
  return [];
}

function otherRole(owner: NodeDefinition, key: string): string {
  return owner.errorNode === key ? roles.errorNode : roles.undo;
}

/** Error nodes and those that undo run for one node only, so they take part in nothing else. */
function takingPartProblems(graph: WorkflowGraph, node: NodeDefinition, dependent: string | undefined, path: readonly string[]): Problem[] {
  const owner = graph.ownerOf(node);
  if (!owner) return [];
  const is = `"${node.key}" is ${otherRole(owner, node.key)} of "${owner.key}"`;
  return [
    ...(node.dependsOn.length > 0 ? [{ path: [...path, "dependsOn"], message: `${is}, so it depends on nothing else.` }] : []),
    ...(dependent === undefined ? [] : [{ path, message: `${is}, so "${dependent}" cannot depend on it.` }]),
    ...(node.kind === "branch" ? [{ path: [...path, "kind"], message: `${is}, so it cannot branch: nothing can depend on it.` }] : []),
  ];
}

function joinProblems(graph: WorkflowGraph, node: NodeDefinition, path: readonly string[]): Problem[] {
  const { join, joinCount = 0, dependsOn } = node;
  if (join === "ALL") return [];
  if (dependsOn.length === 0) return [{ path: [...path, "join"], message: `There is nothing to join: the node depends on no others.` }];
  if (join !== "COUNT") return [];
  if (joinCount > dependsOn.length)
    return [{ path: [...path, "joinCount"], message: `The node depends on ${dependsOn.length} others: ${joinCount} can never succeed.` }];
  const most = dependsOn.length - exclusive(graph, node);
  if (joinCount <= most) return [];
  const message = `At most ${most} of the nodes can succeed, since a branch chooses between them: ${joinCount} never do.`;
  return [{ path: [...path, "joinCount"], message }];
}

/** How many of a node's dependencies are skipped in any case, since a branch chooses one of several. */
function exclusive(graph: WorkflowGraph, { dependsOn }: NodeDefinition): number {
  const chosenBy = new Map<string, number>();
  for (const key of dependsOn)
    for (const on of graph.node(key)?.dependsOn ?? []) {
      const branch = graph.node(on);
      if (branch?.kind === "branch" && branchTargets(branch).includes(key)) chosenBy.set(on, (chosenBy.get(on) ?? 0) + 1);
    }
  return Math.max(0, ...[...chosenBy.values()].map((count) => count - 1));
}

/** The keys that a branch chooses between, as far as its settings can be read. */
export function branchTargets({ config }: Pick<NodeDefinition, "config">): readonly string[] {
  const cases: unknown = config["cases"];
  const named = [
    ...(Array.isArray(cases) ? cases.map((each: unknown) => (each as { readonly to?: unknown } | null)?.to) : []),
    config["else"],
  ];
  return named.filter((key) => typeof key === "string");
}

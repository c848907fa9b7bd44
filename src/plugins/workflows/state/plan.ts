import type { NodeDefinition, WorkflowDefinition } from "../definition/types.ts";

/** What a branch may choose. */
export interface BranchTargets {
  readonly cases: readonly { readonly when: string; readonly to: string }[];
  readonly else?: string;
}

/** A workflow as it is scheduled: what of its nodes does not change while it runs. */
export interface Plan {
  readonly nodes: ReadonlyMap<string, NodeDefinition>;
  /** Nodes that run by their dependencies, each behind those that it depends on. */
  readonly order: readonly string[];
  /** The node that each error node takes over for. */
  readonly routedFrom: ReadonlyMap<string, string>;
  /** The node that each undo node undoes. */
  readonly undoes: ReadonlyMap<string, string>;
  /** For each node, the branches among its dependencies that name it. */
  readonly branchesOf: ReadonlyMap<string, readonly string[]>;
  /** The nodes that depend on each. */
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** Nodes on which none depends, undo nodes left out: what they give is the run's output. */
  readonly last: readonly string[];
}

/** Makes the plan of a definition without problems. */
export function planOf({ nodes: all }: WorkflowDefinition): Plan {
  const nodes = new Map(all.map((node) => [node.key, node]));
  const routedFrom = new Map(all.flatMap(({ key, errorNode }) => (errorNode === undefined ? [] : [[errorNode, key] as const])));
  const undoes = new Map(all.flatMap(({ key, undo }) => (undo === undefined ? [] : [[undo, key] as const])));
  const regular = all.filter(({ key }) => !routedFrom.has(key) && !undoes.has(key));
  const dependents = dependentsOf(all);
  return {
    nodes,
    order: inOrder(regular, dependents),
    dependents,
    routedFrom,
    undoes,
    branchesOf: branchesOf(all, nodes),
    last: regular.filter(({ key }) => !dependents.has(key)).map(({ key }) => key),
  };
}

/** The nodes that a branch names. */
export function targetsOf(branch: NodeDefinition): readonly string[] {
  const { cases, else: other } = branch.config as unknown as BranchTargets;
  return [...cases.map(({ to }) => to), ...(other === undefined ? [] : [other])];
}

function branchesOf(all: readonly NodeDefinition[], nodes: Plan["nodes"]): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const { key, dependsOn } of all) {
    const branches = dependsOn.filter((each) => {
      const node = nodes.get(each);
      return node?.kind === "branch" && targetsOf(node).includes(key);
    });
    if (branches.length > 0) found.set(key, branches);
  }
  return found;
}

function dependentsOf(all: readonly NodeDefinition[]): Map<string, string[]> {
  const dependents = new Map<string, string[]>();
  for (const { key, dependsOn } of all) {
    for (const each of new Set(dependsOn)) {
      const others = dependents.get(each);
      if (others) others.push(key);
      else dependents.set(each, [key]);
    }
  }
  return dependents;
}

/** Kahn's algorithm; what is in a cycle is left out. */
function inOrder(all: readonly NodeDefinition[], dependents: Plan["dependents"]): string[] {
  const waiting = new Map(all.map(({ key, dependsOn }) => [key, new Set(dependsOn).size]));
  const order = [...waiting].filter(([, count]) => count === 0).map(([key]) => key);
  for (let at = 0; at < order.length; at++) {
    for (const next of dependents.get(order[at] ?? "") ?? []) {
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  return order;
}

import type { NodeDefinition } from "./types.ts";

/** One edge of a workflow, for drawing it. */
export interface Dependency {
  readonly from: string;
  readonly to: string;
  /** The condition of a branch's case, or `else`, `error`, `undo`; absent for a plain dependency. */
  readonly label?: string;
}

/** All edges of a workflow, in the order of the nodes that they lead to; then those to error nodes and undo nodes. */
export function dependenciesOf(nodes: readonly NodeDefinition[]): readonly Dependency[] {
  const labels = new Map(nodes.filter(({ kind }) => kind === "branch").map((node) => [node.key, casesOf(node)]));
  const plain = nodes.flatMap(({ key: to, dependsOn }) => dependsOn.map((from) => edge(from, to, labels.get(from)?.get(to))));
  const routed = nodes.flatMap(({ key, errorNode, undo }) => [
    ...(errorNode === undefined ? [] : [edge(key, errorNode, "error")]),
    ...(undo === undefined ? [] : [edge(key, undo, "undo")]),
  ]);
  return [...plain, ...routed];
}

function edge(from: string, to: string, label: string | undefined): Dependency {
  return { from, to, ...(label === undefined ? {} : { label }) };
}

/** What each node that a branch names is chosen by. A node may be named by several cases. */
function casesOf({ config }: NodeDefinition): ReadonlyMap<string, string> {
  const { cases, else: otherwise } = config as { readonly cases?: unknown; readonly else?: unknown };
  const named = (Array.isArray(cases) ? (cases as readonly unknown[]) : []).flatMap((each) => {
    const { when, to } = (each ?? {}) as { readonly when?: unknown; readonly to?: unknown };
    return typeof when === "string" && typeof to === "string" ? [[to, when] as const] : [];
  });
  const all = typeof otherwise === "string" ? [...named, [otherwise, "else"] as const] : named;
  const labels = new Map<string, string>();
  for (const [to, label] of all) labels.set(to, labels.has(to) ? `${labels.get(to)}, ${label}` : label);
  return labels;
}

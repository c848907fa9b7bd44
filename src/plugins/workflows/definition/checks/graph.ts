import type { Problem } from "../fields.ts";
import { didYouMean } from "../near-names.ts";
import type { NodeDefinition, WorkflowDefinition } from "../types.ts";

/** For so many unknown keys it is looked which node is meant: it takes a look at all nodes. */
const maxMeant = 20;

/** The nodes of a definition and what they are to each other. */
export class WorkflowGraph {
  readonly nodes: readonly NodeDefinition[];
  readonly #index = new Map<string, number>();
  /** By the key of an error node, or of one that undoes: the node that names it. */
  readonly #owners = new Map<string, NodeDefinition>();
  readonly #meant = new Map<string, string>();
  /** Where each stands in the order. */
  readonly #places: ReadonlyMap<string, number>;
  readonly #upstream = new Map<string, ReadonlySet<string>>();
  /** Nodes in the order in which they can run: each behind those that it depends on, error and undo nodes behind theirs. */
  readonly order: readonly NodeDefinition[];
  /** Those that can never run, since they depend on each other. */
  readonly cyclic: readonly NodeDefinition[];

  constructor({ nodes }: WorkflowDefinition) {
    this.nodes = nodes;
    for (const [at, { key }] of nodes.entries()) if (!this.#index.has(key)) this.#index.set(key, at);
    for (const node of nodes)
      for (const key of [node.errorNode, node.undo]) if (key !== undefined && !this.#owners.has(key)) this.#owners.set(key, node);
    this.order = this.#ordered();
    this.#places = new Map(this.order.map(({ key }, place) => [key, place]));
    const ordered = new Set(this.order);
    this.cyclic = nodes.filter((node) => !ordered.has(node));
  }

  node(key: string): NodeDefinition | undefined {
    return this.nodes[this.#index.get(key) ?? -1];
  }

  indexOf({ key }: NodeDefinition): number {
    return this.#index.get(key) ?? 0;
  }

  /** Which node is meant by a key that none has, in words; for the first such keys. */
  meantBy(key: string): string {
    const known = this.#meant.get(key);
    if (known !== undefined) return known;
    if (this.#meant.size >= maxMeant) return "";
    const meant = didYouMean(
      key,
      this.nodes.map((node) => node.key),
    );
    this.#meant.set(key, meant);
    return meant;
  }

  /** The node for which this one takes over, or which it undoes. */
  ownerOf({ key }: NodeDefinition): NodeDefinition | undefined {
    return this.#owners.get(key);
  }

  /** Keys of the nodes that have settled before a node runs. */
  upstreamOf(node: NodeDefinition): ReadonlySet<string> {
    const known = this.#upstream.get(node.key);
    if (known) return known;
    const upstream = new Set<string>();
    // The latest first: what is before it need not be looked at again.
    const left = this.#before(node).toSorted((a, b) => (this.#places.get(a.key) ?? 0) - (this.#places.get(b.key) ?? 0));
    for (let next = left.pop(); next; next = left.pop()) {
      if (upstream.has(next.key)) continue;
      upstream.add(next.key);
      const done = this.#upstream.get(next.key);
      if (done) for (const key of done) upstream.add(key);
      else left.push(...this.#before(next));
    }
    this.#upstream.set(node.key, upstream);
    return upstream;
  }

  /** What a node runs right behind. */
  #before(node: NodeDefinition): readonly NodeDefinition[] {
    const owner = this.#owners.get(node.key);
    return [...node.dependsOn.map((key) => this.node(key)), owner].filter((each) => each !== undefined);
  }

  #ordered(): readonly NodeDefinition[] {
    const waiting = new Map(this.nodes.map((node) => [node, new Set(this.#before(node)).size]));
    const after = new Map<NodeDefinition, NodeDefinition[]>();
    for (const node of this.nodes)
      for (const before of new Set(this.#before(node))) {
        const list = after.get(before);
        if (list) list.push(node);
        else after.set(before, [node]);
      }
    const order = this.nodes.filter((node) => waiting.get(node) === 0);
    // The list grows while it is read.
    for (const node of order)
      for (const next of after.get(node) ?? []) {
        const left = (waiting.get(next) ?? 0) - 1;
        waiting.set(next, left);
        if (left === 0) order.push(next);
      }
    return order;
  }

  /** One way around each circle that nodes depend on each other in, as `a`, `b`, `a`. */
  cycles(): readonly (readonly NodeDefinition[])[] {
    const inCycle = new Set(this.cyclic);
    const done = new Set<NodeDefinition>();
    const found: NodeDefinition[][] = [];
    for (const start of this.cyclic) {
      const way: NodeDefinition[] = [];
      let at: NodeDefinition | undefined = start;
      // Each node that waits for ever waits for one that does, so this ends where it has been.
      while (at && !done.has(at)) {
        done.add(at);
        way.push(at);
        at = this.#before(at).find((before) => inCycle.has(before));
      }
      const from = at ? way.indexOf(at) : -1;
      if (at && from >= 0) found.push([...way.slice(from), at]);
    }
    return found;
  }
}

/** What is wrong with how nodes depend on each other. */
export function dependencyProblems(graph: WorkflowGraph, path: readonly string[]): Problem[] {
  const cycles = graph.cycles();
  const inCycle = new Set(cycles.flat());
  return [
    ...graph.nodes.flatMap((node, at) =>
      node.dependsOn.flatMap((key, index) => {
        const problem = key === node.key ? "A node cannot depend on itself." : unknownNode(graph, key);
        return problem === undefined ? [] : [{ path: [...path, "nodes", String(at), "dependsOn", String(index)], message: problem }];
      }),
    ),
    ...cycles
      .filter((cycle) => cycle.length > 2)
      .map((cycle) => ({
        path: [...path, "nodes", String(graph.indexOf(cycle[0] as NodeDefinition)), "dependsOn"],
        message: `These nodes wait for each other: ${cycle.map(({ key }) => key).join(" → ")}.`,
      })),
    ...graph.cyclic
      .filter((node) => !inCycle.has(node))
      .map((node) => ({
        path: [...path, "nodes", String(graph.indexOf(node))],
        message: `"${node.key}" never runs: it waits for a cycle.`,
      })),
  ];
}

/** Why no node has this key, or nothing. */
export function unknownNode(graph: WorkflowGraph, key: string): string | undefined {
  return graph.node(key) ? undefined : `There is no node "${key}".${graph.meantBy(key)}`;
}

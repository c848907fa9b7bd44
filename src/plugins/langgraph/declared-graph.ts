import type { RunnableConfig } from "@langchain/core/runnables";
import { messageOf } from "#weftline";
import type { EdgeDefinition, GraphDefinition } from "./definition.ts";
import { writtenBy } from "./definition-problems.ts";
import { scopeOf, workOf, type NodeState } from "./declared-nodes.ts";
import { evaluate } from "./expressions.ts";
import type { GraphTurn, RunnableGraph } from "./graph-turn.ts";
import { nodeFailed, nodeProblem, problemOf } from "./node-failure.ts";

/** The most items of a list that a node is run for, side by side. */
const mostItems = 1_000;

/** LangGraph's builder for names that are known at run time only. */
interface Builder {
  addNode(name: string, work: unknown): void;
  addEdge(from: string | readonly string[], to: string): void;
  addConditionalEdges(from: string, next: (state: NodeState) => Promise<unknown>, to: readonly string[]): void;
  compile(): RunnableGraph;
}

/** Compiles a declared graph for one turn. */
export function compileDefinition(turn: GraphTurn, definition: GraphDefinition): RunnableGraph {
  const { StateGraph, START, END } = turn.sdk.graph;
  const place = (name: string): string => (name === "start" ? START : name === "end" ? END : name);
  const builder = new StateGraph(annotationOf(turn, definition) as never) as unknown as Builder;
  for (const [name, node] of Object.entries(definition.nodes)) {
    builder.addNode(name, node.type === "graph" ? within(turn, node.graph) : workOf(turn, name, node));
  }
  for (const [from, edges] of bySource(definition.edges)) {
    if (edges.every(isPlain)) for (const { to } of edges) builder.addEdge(place(from), place(to));
    else builder.addConditionalEdges(place(from), chooser(turn, from, edges, place), [...new Set(edges.map(({ to }) => place(to)))]);
  }
  for (const { from, to } of definition.edges) if (typeof from !== "string") builder.addEdge(from.map(place), place(to));
  return builder.compile();
}

/** What a declared graph is given at first: the conversation, and of the run's input what has the names of its values. */
export function inputOf({ request, conversation }: GraphTurn, { state }: GraphDefinition): Readonly<Record<string, unknown>> {
  const data = (request.input as { readonly data?: unknown } | null)?.data;
  const given = typeof data === "object" && data !== null && !Array.isArray(data) ? Object.entries(data) : [];
  return { ...Object.fromEntries(given.filter(([name]) => Object.hasOwn(state, name))), messages: conversation };
}

/** A graph within a graph: it begins with the values of the one around it, which is told what it added. */
function within(turn: GraphTurn, definition: GraphDefinition) {
  const graph = compileDefinition(turn, definition) as RunnableGraph & {
    invoke(state: NodeState, config: RunnableConfig): Promise<NodeState>;
  };
  return async (state: NodeState, config: RunnableConfig): Promise<Record<string, unknown>> => {
    const after = await graph.invoke(state, config);
    return Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, addedTo(state[name], value, definition.state[name]?.reducer ?? "replace")]),
    );
  };
}

/** What has to be written to a value for it to become another. */
function addedTo(before: unknown, after: unknown, reducer: string): unknown {
  if (reducer === "append") return listOf(after).slice(listOf(before).length);
  return reducer === "add" ? Number(after ?? 0) - Number(before ?? 0) : after;
}

function bySource(edges: readonly EdgeDefinition[]): ReadonlyMap<string, EdgeDefinition[]> {
  const sources = new Map<string, EdgeDefinition[]>();
  for (const edge of edges) {
    if (typeof edge.from !== "string") continue;
    sources.set(edge.from, [...(sources.get(edge.from) ?? []), edge]);
  }
  return sources;
}

function isPlain({ when, otherwise, each }: EdgeDefinition): boolean {
  return when === undefined && otherwise === undefined && each === undefined;
}

/** Where to go from a node: along every edge whose condition holds, or along those for otherwise. */
function chooser(turn: GraphTurn, from: string, edges: readonly EdgeDefinition[], place: (name: string) => string) {
  const conditional = edges.filter(({ otherwise }) => !otherwise);
  return async (state: NodeState): Promise<unknown[]> => {
    try {
      const scope = scopeOf(turn, state);
      const chosen: EdgeDefinition[] = [];
      for (const edge of conditional) if (edge.when === undefined || (await evaluate(edge.when, scope)) === true) chosen.push(edge);
      const held = chosen.some(({ when }) => when !== undefined);
      const followed = held ? chosen : [...chosen, ...edges.filter(({ otherwise }) => otherwise)];
      const next = new Set<unknown>();
      for (const edge of followed) {
        const places = edge.each === undefined ? [place(edge.to)] : await sends(turn, edge, edge.each, state, place);
        for (const each of places) next.add(each);
      }
      return [...next];
    } catch (error) {
      throw nodeFailed(from, `its edges cannot be followed: ${problemOf(error) ?? messageOf(error)}`, error);
    }
  };
}

async function sends(
  turn: GraphTurn,
  edge: EdgeDefinition,
  each: string,
  state: NodeState,
  place: (name: string) => string,
): Promise<unknown[]> {
  const items = await evaluate(each, scopeOf(turn, state));
  if (!Array.isArray(items)) throw nodeProblem(`${each} is no list`);
  if (items.length > mostItems) throw nodeProblem(`${each} has ${items.length} items, of which a node is run for at most ${mostItems}`);
  return items.map((item) => new turn.sdk.graph.Send(place(edge.to), { ...state, [edge.as]: item as unknown }));
}

type Reducer = (before: unknown, update: unknown) => unknown;

const reducers: Readonly<Record<string, { readonly reducer: Reducer; readonly initial: unknown }>> = {
  replace: { reducer: (_, update) => update, initial: null },
  append: { reducer: (before, update) => [...listOf(before), ...listOf(update)], initial: [] },
  merge: { reducer: (before, update) => ({ ...(before as object), ...(update as object) }), initial: {} },
  add: { reducer: (before, update) => Number(before ?? 0) + Number(update ?? 0), initial: 0 },
};

function listOf(value: unknown): readonly unknown[] {
  if (value == null) return [];
  return Array.isArray(value) ? value : [value];
}

function annotationOf({ sdk }: GraphTurn, { state, nodes }: GraphDefinition) {
  const { Annotation, messagesStateReducer } = sdk.graph;
  const written = Object.fromEntries(
    Object.values(nodes)
      .flatMap(writtenBy)
      .map((name) => [name, { reducer: "replace", default: undefined }]),
  );
  const values = Object.entries({ ...written, ...state }).map(([name, { reducer: kind, default: first }]) => {
    const { reducer, initial } = reducers[kind] as (typeof reducers)[string];
    return [name, Annotation({ reducer, default: () => structuredClone(first ?? initial) })];
  });
  const messages = Annotation({ reducer: messagesStateReducer, default: () => [] });
  return Annotation.Root({ ...Object.fromEntries(values), messages } as never);
}

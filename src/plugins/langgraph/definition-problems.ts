/** An edge, as far as it can be wrong. */
interface CheckedEdge {
  readonly from: string | readonly string[];
  readonly to: string;
  readonly when?: string | undefined;
  readonly otherwise?: true | undefined;
  readonly each?: string | undefined;
}

interface CheckedNode {
  readonly type: string;
  readonly output?: string | undefined;
  readonly values?: object;
}

interface CheckedGraph {
  readonly state: object;
  readonly nodes: Readonly<Record<string, CheckedNode>>;
  readonly edges: readonly CheckedEdge[];
}

/** Something that a schema alone does not see. */
export interface DefinitionProblem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What is wrong with a graph whose parts are right by themselves. */
export function problemsIn(graph: CheckedGraph): DefinitionProblem[] {
  return [...nameProblems(graph), ...graph.edges.flatMap((edge, at) => edgeProblems(graph, edge, at)), ...unreachable(graph)];
}

/** The nodes that an edge leaves. */
function sourcesOf({ from }: Pick<CheckedEdge, "from">): readonly string[] {
  return typeof from === "string" ? [from] : from;
}

/** The values of the state that a node writes. */
export function writtenBy(node: CheckedNode): readonly string[] {
  if (node.type === "set") return Object.keys(node.values ?? {});
  return node.output === undefined ? [] : [node.output];
}

function nameProblems({ nodes, state }: CheckedGraph): DefinitionProblem[] {
  const values = new Set(["messages", ...Object.keys(state), ...Object.values(nodes).flatMap(writtenBy)]);
  return Object.keys(nodes).flatMap((name) => {
    const path = ["nodes", name];
    if (name === "start" || name === "end") return [{ path, message: `"${name}" names where a graph begins or ends, not a node.` }];
    return values.has(name) ? [{ path, message: `"${name}" is a value of the state; call the node otherwise.` }] : [];
  });
}

function edgeProblems({ nodes, edges }: CheckedGraph, edge: CheckedEdge, at: number): DefinitionProblem[] {
  const path = ["edges", at];
  const known = Object.keys(nodes).join(", ");
  const problems: DefinitionProblem[] = [];
  for (const from of sourcesOf(edge)) {
    if (from === "end" || (from !== "start" && !Object.hasOwn(nodes, from)))
      problems.push({ path: [...path, "from"], message: `There is no node "${from}"; there are ${known}.` });
  }
  if (edge.to === "start" || (edge.to !== "end" && !Object.hasOwn(nodes, edge.to)))
    problems.push({ path: [...path, "to"], message: `There is no node "${edge.to}"; there are ${known}.` });
  const conditions = [edge.when, edge.otherwise, edge.each].filter((condition) => condition !== undefined).length;
  if (typeof edge.from !== "string" && conditions > 0)
    problems.push({ path, message: "An edge of several nodes has no condition: let it lead to a node that has one." });
  if (edge.otherwise && edge.when !== undefined) problems.push({ path, message: "An edge has `when` or `otherwise`, not both." });
  if (edge.otherwise && !edges.some(({ from, when }) => from === edge.from && when !== undefined))
    problems.push({ path: [...path, "otherwise"], message: `No edge of "${String(edge.from)}" has \`when\`.` });
  if (edge.each !== undefined && edge.to === "end") problems.push({ path: [...path, "each"], message: "Items are sent to a node." });
  return problems;
}

function unreachable({ nodes, edges }: CheckedGraph): DefinitionProblem[] {
  const reached = new Set(["start"]);
  for (let size = 0; size !== reached.size;) {
    size = reached.size;
    for (const edge of edges) if (sourcesOf(edge).every((from) => reached.has(from))) reached.add(edge.to);
  }
  if (!edges.some((edge) => sourcesOf(edge).includes("start"))) return [{ path: ["edges"], message: 'No edge leaves "start".' }];
  return Object.keys(nodes)
    .filter((name) => !reached.has(name))
    .map((name) => ({ path: ["nodes", name], message: "No edge leads here." }));
}

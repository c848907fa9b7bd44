import { branchTargets } from "./checks/roles.ts";
import type { NodeDefinition, WorkflowDefinition } from "./types.ts";

const maxLabel = 80;

/** The brackets of Mermaid around the label of each kind; any other kind is a box. */
const shapes: Readonly<Record<string, readonly [open: string, close: string]>> = {
  agent: ["(", ")"],
  tool: ["[/", "/]"],
  workflow: ["[[", "]]"],
  transform: ["[", "]"],
  branch: ["{", "}"],
  map: ["[(", ")]"],
  loop: ["[(", ")]"],
  approval: ["{{", "}}"],
  input: ["{{", "}}"],
  wait: ["([", "])"],
};

/**
 * A flowchart of a workflow for Mermaid. Solid edges are dependencies, with the condition of a branch; dashed ones lead to the node that takes over or
 * undoes.
 */
export function workflowDiagram({ nodes }: WorkflowDefinition): string {
  // Keys may be words of Mermaid, as `end`.
  const ids = new Map(nodes.map(({ key }, at) => [key, `n${at}`]));
  const edge = (from: string, arrow: string, to: string, label?: string): string[] => {
    const [start, end] = [ids.get(from), ids.get(to)];
    return start && end ? [`  ${start} ${arrow}${label === undefined ? "" : `|${quoted(label)}|`} ${end}`] : [];
  };
  const branches = new Map(nodes.filter(({ kind }) => kind === "branch").map((node) => [node.key, node]));
  return [
    "flowchart TD",
    ...nodes.map((node) => `  ${ids.get(node.key)}${shapeOf(node)}`),
    ...nodes.flatMap(({ key, dependsOn }) => dependsOn.flatMap((on) => edge(on, "-->", key, branchLabel(branches.get(on), key)))),
    ...nodes.flatMap(({ key, errorNode, undo }) => [
      ...(errorNode === undefined ? [] : edge(key, "-.->", errorNode, "on error")),
      ...(undo === undefined ? [] : edge(key, "-.->", undo, "undo")),
    ]),
    "",
  ].join("\n");
}

function shapeOf({ name, kind }: NodeDefinition): string {
  const [open, close] = shapes[kind] ?? ["[", "]"];
  return `${open}${quoted(name, kind)}${close}`;
}

function branchLabel(branch: NodeDefinition | undefined, key: string): string | undefined {
  if (!branch || !branchTargets(branch).includes(key)) return undefined;
  const cases = Array.isArray(branch.config["cases"]) ? (branch.config["cases"] as readonly { when?: unknown; to?: unknown }[]) : [];
  const conditions = cases.filter(({ to }) => to === key).map(({ when }) => String(when));
  return [...conditions, ...(branch.config["else"] === key ? ["else"] : [])].join(" or ");
}

/** Text that Mermaid shows as it is: quotes, brackets and markup are entities of it. */
function quoted(text: string, below?: string): string {
  const lines = [text, ...(below === undefined || below === text ? [] : [below])];
  return `"${lines.map(escaped).join("<br/>")}"`;
}

function escaped(text: string): string {
  const [whole, line] = [[...text], text.replaceAll(/\s+/g, " ").trim()];
  const short = whole.length > maxLabel ? `${[...line].slice(0, maxLabel).join("")}…` : line;
  return short.replaceAll(/[^\p{L}\p{N} .,:!?_+*=()/'-]/gu, (char) => `#${char.codePointAt(0)};`);
}

import type { WorkflowNodeKind } from "../../contract.ts";
import { isObject } from "../fields.ts";
import type { JsonObject, NodeDefinition } from "../types.ts";
import { configParts } from "./config-parts.ts";

/** How many expressions a workflow may have: conditions, lists and those in the settings of its nodes. */
export const maxExpressions = 5_000;

type Kinds = ReadonlyMap<string, Pick<WorkflowNodeKind, "expressions">>;

/** How many expressions some nodes have, whether or not their settings are right. None of them is compiled. */
export function expressionCount(nodes: readonly NodeDefinition[], kinds: Kinds): number {
  return nodes.reduce((sum, node) => sum + (node.when === undefined ? 0 : 1) + countOf(node, kinds), 0);
}

function countOf({ kind, config }: { readonly kind: string; readonly config: JsonObject }, kinds: Kinds): number {
  const { cases, node } = config;
  if (kind === "branch") return Array.isArray(cases) ? cases.length : 0;
  // What they go through, or as long as what they run.
  if (kind === "map" || kind === "loop")
    return 1 + (isObject(node) && isObject(node["config"]) ? innerCount(node["kind"], node["config"], kinds) : 0);
  return innerCount(kind, config, kinds);
}

function innerCount(kind: unknown, config: JsonObject, kinds: Kinds): number {
  const known = typeof kind === "string" ? kinds.get(kind) : undefined;
  return configParts(config, known?.expressions ?? [], []).expressions.length;
}

import type { InnerNode, WorkflowNodeKind } from "../contract.ts";
import { loopConfig } from "../nodes/scheduled/loop.ts";
import { mapConfig } from "../nodes/scheduled/map.ts";
import type { Surroundings } from "./surroundings.ts";
import type { JsonObject, NodeDefinition, WorkflowDefinition } from "./types.ts";

type Known = Pick<Surroundings, "kinds" | "agent" | "tool" | "workflow">;

/**
 * JSON Schema of what a run of a workflow gives, as far as its last nodes tell it, for checks of expressions: what may also be null counts as what it is
 * otherwise.
 *
 * @returns nothing where it is not known before the run.
 */
export async function outputSchemaOf(definition: WorkflowDefinition, known: Known): Promise<JsonObject | undefined> {
  const last = lastOf(definition);
  const [only, ...others] = last;
  if (only === undefined) return undefined;
  if (others.length === 0) return schemaOfNode(only, known);
  // Of several, those that are skipped are left out, and the value of one that is left stands alone.
  if (definition.nodes.some(({ when, kind }) => when !== undefined || kind === "branch")) return undefined;
  const schemas = await Promise.all(last.map(async (node) => [node.key, (await schemaOfNode(node, known)) ?? {}] as const));
  return { type: "object", properties: Object.fromEntries(schemas), required: last.map(({ key }) => key), additionalProperties: false };
}

/** Nodes on which none depends; a definition that was only read may have problems. */
function lastOf({ nodes }: WorkflowDefinition): readonly NodeDefinition[] {
  const before = new Set(nodes.flatMap(({ dependsOn, errorNode, undo }) => [...dependsOn, errorNode, undo]));
  return nodes.filter(({ key }) => !before.has(key));
}

async function schemaOfNode(node: NodeDefinition, known: Known): Promise<JsonObject | undefined> {
  // What takes over may give anything.
  if (node.onError === "ROUTE") return undefined;
  switch (node.kind) {
    case "branch":
      return { type: "string" };
    case "map": {
      const { data } = mapConfig.safeParse(node.config);
      return { type: "array", items: (data && (await schemaOfWork(data.node, known))) ?? {} };
    }
    case "loop": {
      const { data } = loopConfig.safeParse(node.config);
      return data && schemaOfWork(data.node, known);
    }
    default:
      return schemaOfWork(node, known);
  }
}

async function schemaOfWork({ kind: name, config }: Pick<InnerNode, "kind" | "config">, known: Known): Promise<JsonObject | undefined> {
  const kind = known.kinds.get(name) as WorkflowNodeKind | undefined;
  const read = await kind?.config["~standard"].validate(config);
  if (!kind || !read || read.issues) return undefined;
  const own = kind.outputSchema?.(read.value);
  if (own) return own;
  const { agents = [], tools = [], workflows = [] } = kind.references?.(read.value) ?? {};
  const [agent, tool, workflow] = [agents[0], tools[0], workflows[0]];
  if (name === "agent" && agent !== undefined) return (await known.agent(agent))?.outputSchema;
  if (name === "tool" && tool !== undefined) return (await known.tool(tool))?.outputSchema;
  if (name === "workflow" && workflow !== undefined) return (await known.workflow(workflow))?.outputSchema;
  return undefined;
}

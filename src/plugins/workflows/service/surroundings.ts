import { asWeftlineError, type Scope } from "#weftline";
import type { NamedRef } from "../contract.ts";
import { outputSchemaOf } from "../definition/output-schema.ts";
import type { NamedTarget, Surroundings } from "../definition/surroundings.ts";
import { findWorkflow, newestDefinition, type WorkflowRef } from "./find.ts";
import type { WorkflowsHost } from "./host.ts";

/** Beside whom a definition is checked. */
export type Beside =
  /** The agents and workflows of a viewer's tenant. */
  | { readonly scope: Scope }
  /**
   * The other workflows of files and plugins, by name. What belongs to tenants is not known here.
   *
   * `unready` says what becomes of tools whose source, as an MCP server, is not connected yet: it is waited for, or they count as known.
   */
  | { readonly others: ReadonlyMap<string, NamedTarget>; readonly unready: "awaited" | "trusted" };

/** Of what cannot be looked up here nothing is known, and so nothing is wrong. */
const unknown: NamedTarget = {};

/** So deep it is looked what workflows give that name others. */
const maxDepth = 3;

/** What a definition is checked against. @param depth of workflows that name each other. */
export function surroundingsOf(host: WorkflowsHost, beside: Beside, depth = 0): Surroundings {
  const { tools, kinds } = host;
  const scope = "scope" in beside ? beside.scope : undefined;
  const caller = scope && `${scope.viewer.tenantId}:${scope.viewer.actorId}`;
  return {
    kinds: new Map([...kinds].map(([kind, { value }]) => [kind, value])),
    agent: (ref) => (scope ? agentOf(host, scope, ref) : unknown),
    workflow: (ref) => ("scope" in beside ? workflowOf(host, beside.scope, ref, depth) : (beside.others.get(nameOf(ref) ?? "") ?? unknown)),
    tool: (name) => toolOf(host, name, "scope" in beside ? "awaited" : beside.unready),
    schemaProblem: (schema) => tools.schemaProblem(schema, caller),
    checkSchema: (schema, value) => tools.checkSchema(schema, value, caller),
  };
}

async function toolOf({ tools, sources }: WorkflowsHost, name: string, unready: "awaited" | "trusted"): Promise<NamedTarget | undefined> {
  if (!tools.find(name)) {
    const source = sources.has(name.split(".", 1)[0] ?? "");
    if (source && unready === "trusted") return unknown;
    await tools.settled([name]);
  }
  const tool = tools.find(name);
  return tool && { inputSchema: tool.inputSchema, outputSchema: tool.outputSchema };
}

async function agentOf({ agents }: WorkflowsHost, scope: Scope, ref: NamedRef): Promise<NamedTarget | undefined> {
  const agent = agents && (await foundOnly(agents.resolve(scope, refOf(ref), [])));
  if (!agent) return undefined;
  const definition = await agents.definition(scope, agent);
  return { outputSchema: definition?.outputSchema ?? undefined };
}

/** A workflow as another one may start it. */
async function workflowOf(host: WorkflowsHost, scope: Scope, ref: NamedRef, depth: number): Promise<NamedTarget | undefined> {
  const workflow = await findWorkflow(scope, refOf(ref));
  if (!workflow) return undefined;
  const definition = await newestDefinition(scope, workflow);
  const { inputSchema } = definition;
  if (depth >= maxDepth) return { inputSchema };
  return { inputSchema, outputSchema: await outputSchemaOf(definition, surroundingsOf(host, { scope }, depth + 1)) };
}

async function foundOnly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { kind } = asWeftlineError(error);
    if (kind === "notFound" || kind === "input") return undefined;
    throw error;
  }
}

function refOf(ref: NamedRef): WorkflowRef {
  return typeof ref === "string" ? { name: ref } : ref;
}

function nameOf(ref: NamedRef): string | undefined {
  return typeof ref === "string" ? ref : "name" in ref ? ref.name : undefined;
}

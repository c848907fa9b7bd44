import { asWeftlineError, type Scope } from "#weftline";
import type { NamedRef } from "../contract.ts";
import type { NamedTarget, Surroundings } from "../definition/surroundings.ts";
import type { JsonObject } from "../definition/types.ts";
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

/** What a definition is checked against. */
export function surroundingsOf(host: WorkflowsHost, beside: Beside): Surroundings {
  const { tools, kinds } = host;
  const scope = "scope" in beside ? beside.scope : undefined;
  const caller = scope && `${scope.viewer.tenantId}:${scope.viewer.actorId}`;
  return {
    kinds: new Map([...kinds].map(([kind, { value }]) => [kind, value])),
    agent: (ref) => (scope ? agentOf(host, scope, ref) : unknown),
    workflow: (ref) => ("scope" in beside ? workflowOf(beside.scope, ref) : (beside.others.get(nameOf(ref) ?? "") ?? unknown)),
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

async function workflowOf(scope: Scope, ref: NamedRef): Promise<NamedTarget | undefined> {
  const workflow = await findWorkflow(scope, refOf(ref));
  return workflow ? targetOfSchema((await newestDefinition(scope, workflow)).inputSchema) : undefined;
}

/** A workflow as another one may start it. */
function targetOfSchema(inputSchema: JsonObject | undefined): NamedTarget {
  return { inputSchema };
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

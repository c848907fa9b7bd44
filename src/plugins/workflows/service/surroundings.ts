import { asWeftlineError, type Scope } from "#weftline";
import type { NamedRef } from "../contract.ts";
import { memoryType } from "../definition/memory-type.ts";
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
/** At so many workflows in one check; what those behind give is not known. */
const maxLooked = 1_000;

/** The workflows that one check has looked at, each once at each depth. */
interface Looked {
  readonly depth: number;
  readonly found: Map<string, Promise<NamedTarget | undefined>>;
}

/** What a definition is checked against. @param looked through workflows that name each other. */
export function surroundingsOf(host: WorkflowsHost, beside: Beside, looked: Looked = { depth: 0, found: new Map() }): Surroundings {
  const { tools, kinds } = host;
  const scope = "scope" in beside ? beside.scope : undefined;
  const caller = scope && `${scope.viewer.tenantId}:${scope.viewer.actorId}`;
  return {
    ...(host.memory ? { memory: memoryType } : {}),
    kinds: new Map([...kinds].map(([kind, { value }]) => [kind, value])),
    agent: (ref) => (scope ? agentOf(host, scope, ref) : unknown),
    workflow: (ref) =>
      "scope" in beside ? workflowOf(host, beside.scope, ref, looked) : (beside.others.get(nameOf(ref) ?? "") ?? unknown),
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
function workflowOf(host: WorkflowsHost, scope: Scope, ref: NamedRef, looked: Looked): Promise<NamedTarget | undefined> {
  const { depth, found } = looked;
  const key = `${depth} ${JSON.stringify(ref)}`;
  const known = found.get(key);
  if (known) return known;
  if (depth > 0 && found.size >= maxLooked) return Promise.resolve(unknown);
  const target = lookAt(host, scope, ref, looked);
  found.set(key, target);
  return target;
}

async function lookAt(host: WorkflowsHost, scope: Scope, ref: NamedRef, { depth, found }: Looked): Promise<NamedTarget | undefined> {
  const workflow = await findWorkflow(scope, refOf(ref));
  if (!workflow) return undefined;
  const definition = await newestDefinition(scope, workflow);
  const { inputSchema } = definition;
  if (depth >= maxDepth) return { inputSchema };
  return { inputSchema, outputSchema: await outputSchemaOf(definition, surroundingsOf(host, { scope }, { depth: depth + 1, found })) };
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

import { WeftlineError, loadRow, localId, localIdOrNothing, type Scope } from "#weftline";
import { Agent, AgentVersion, versionIdOf } from "../entities.ts";
import type { AgentDefinition, AgentRef } from "../types.ts";

/** A name as it is stored: composed letters, no space around it. */
export function tidyName(name: string): string {
  return name.normalize("NFC").trim();
}

/** @throws INVALID_ID for an id that is none of an agent. */
export function lookupOf({ id, name }: AgentRef, path: readonly string[]): { readonly id: string } | { readonly name: string } {
  return id == null ? { name: tidyName(name ?? "") } : { id: localId("Agent", id, [...path, "id"]) };
}

/** @throws INVALID_ID, NOT_FOUND */
export async function resolveAgent(scope: Scope, ref: AgentRef, path: readonly string[]): Promise<Agent> {
  const lookup = lookupOf(ref, path);
  const [agent] = "id" in lookup ? await scope.rowsById(Agent, [lookup.id]) : await named(scope, lookup.name);
  return agent ?? missingAgent(path, "name" in lookup ? lookup.name : undefined);
}

/** The agent for a query: null for a malformed reference, a foreign agent and a missing one alike. */
export async function findAgent(scope: Scope, { id, name }: AgentRef): Promise<Agent | null> {
  if (id != null) return loadRow(scope, Agent, localIdOrNothing("Agent", id));
  return (await named(scope, tidyName(name ?? "")))[0] ?? null;
}

function named(scope: Scope, name: string): Promise<Agent[]> {
  return scope.rows(Agent, { where: "e.name = ?", params: [name], limit: 1 });
}

/** What a version of an agent executes, the newest by default. */
export async function definitionOf(scope: Scope, agent: Agent, version = agent.version): Promise<AgentDefinition | null> {
  return (await loadRow(scope, AgentVersion, versionIdOf(agent.id, version)))?.definition ?? null;
}

/** What the next run of an agent executes. */
export async function newestOf(scope: Scope, agent: Agent): Promise<AgentDefinition> {
  return (await definitionOf(scope, agent)) ?? missingAgent([]);
}

/** An agent as it was committed. */
export async function committedAgent(scope: Scope, id: string): Promise<Agent> {
  return (await loadRow(scope, Agent, id)) ?? missingAgent([]);
}

/** @param name what it was asked for by, where that was a name. */
export function missingAgent(path: readonly string[], name?: string): never {
  const message = name === undefined ? {} : { message: `There is no agent "${name}".` };
  throw new WeftlineError("NOT_FOUND", { what: "agent", path, ...message });
}

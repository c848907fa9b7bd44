import { LockMode, UniqueConstraintViolationException } from "@mikro-orm/core";
import { WeftlineError, hasRole, type Scope, type Tx } from "#weftline";
import { v7 } from "uuid";
import { Agent, AgentVersion, versionIdOf } from "../entities.ts";
import type { AgentDefinition, AgentRef, AgentStatus } from "../types.ts";
import { lookupOf, missingAgent, tidyName } from "./find.ts";
import type { AgentsHost } from "./host.ts";

/** What a new agent is made of, checked. */
export interface NewAgent {
  readonly name: string;
  readonly description: string | null;
  readonly status: AgentStatus;
  readonly templateName: string | null;
  readonly definition: AgentDefinition;
}

/**
 * The agent that is about to be changed, held until the transaction ends.
 *
 * @throws INVALID_ID, NOT_FOUND, and FORBIDDEN for who is neither its owner nor an admin.
 */
export async function agentToChange(scope: Scope, tx: Tx, ref: AgentRef, path: readonly string[]): Promise<Agent> {
  const agent = (await tx.em.findOne(Agent, lookupOf(ref, path), { lockMode: LockMode.PESSIMISTIC_WRITE })) ?? missingAgent(path);
  if (agent.ownerId === scope.viewer.actorId || hasRole(scope.viewer, "admin")) return agent;
  throw new WeftlineError("FORBIDDEN", { path, message: "Only the agent's owner and admins may change it." });
}

/** @throws CONFLICT where another agent has the name. */
export async function insertAgent(host: AgentsHost, scope: Scope, tx: Tx, made: NewAgent): Promise<Agent> {
  const { tenantId, actorId } = scope.viewer;
  const { definition, name, description, ...rest } = made;
  const now = Date.now();
  const agent = tx.em.create(Agent, {
    ...rest,
    ...named(name, description),
    id: v7(),
    tenantId,
    ownerId: actorId,
    version: 1,
    createdAt: now,
    updatedAt: now,
  });
  insertVersion(tx, agent, definition, null);
  await flushName(tx, agent.name);
  publish(host, tx, agent, "CREATED");
  return agent;
}

/** Makes a definition the agent's newest version. */
export function raiseVersion(tx: Tx, agent: Agent, definition: AgentDefinition, note: string | null): void {
  agent.version += 1;
  insertVersion(tx, agent, definition, note);
}

function insertVersion(tx: Tx, agent: Agent, definition: AgentDefinition, note: string | null): void {
  const { id: agentId, tenantId, ownerId, version } = agent;
  tx.em.create(AgentVersion, {
    id: versionIdOf(agentId, version),
    tenantId,
    ownerId,
    agentId,
    version,
    definition,
    note,
    createdAt: Date.now(),
  });
}

/** The content of the agent's newest version. */
export async function newestDefinition(tx: Tx, agent: Agent): Promise<AgentDefinition> {
  return (await tx.em.findOneOrFail(AgentVersion, { id: versionIdOf(agent.id, agent.version) })).definition;
}

/** Writes a changed agent and tells lists of it. */
export async function saveAgent(host: AgentsHost, tx: Tx, agent: Agent): Promise<void> {
  agent.updatedAt = Date.now();
  await flushName(tx, agent.name);
  publish(host, tx, agent, "UPDATED");
}

/** The columns that follow from a name and a description. */
export function named(name: string, description: string | null | undefined): Pick<Agent, "name" | "description" | "searchText"> {
  const tidy = tidyName(name);
  return { name: tidy, description: description ?? null, searchText: searchable(`${tidy}\n${description ?? ""}`) };
}

/** Text as it is searched. */
export function searchable(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

async function flushName(tx: Tx, name: string): Promise<void> {
  try {
    await tx.em.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    throw new WeftlineError("CONFLICT", { path: ["input", "name"], message: `Another agent has the name "${name}".` }, { cause: error });
  }
}

function publish({ changes }: AgentsHost, tx: Tx, agent: Agent, kind: "CREATED" | "UPDATED"): void {
  const { id, version, tenantId } = agent;
  tx.afterCommit(() => changes.publish({ kind, typeName: "Agent", id, version, tenantId }));
}

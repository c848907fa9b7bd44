import { serviceRef, type HealthComponent, type Scope, type ToolOwner } from "#weftline";
import type { AgentService } from "../contract.ts";
import type { Agent } from "../entities.ts";
import type { AgentDefinition, AgentRef, StopMode } from "../types.ts";
import { agentNamed } from "../together/tenant-agents.ts";
import { createAgent, restoreVersion, updateAgent, type CreateAgent, type UpdateAgent } from "./edit.ts";
import { definitionOf, resolveAgent } from "./find.ts";
import { healthOf, missingCapabilities } from "./health.ts";
import type { AgentsHost } from "./host.ts";
import { targetOf } from "./run-target.ts";
import { archiveAgent, startAgent, stopAgent } from "./status.ts";
import { createFromTemplate, type CreateFromTemplate } from "./template.ts";

/** What the graph of agents needs. */
export interface AgentEditor extends AgentService {
  create(scope: Scope, input: CreateAgent): Promise<Agent>;
  createFromTemplate(scope: Scope, input: CreateFromTemplate): Promise<Agent>;
  update(scope: Scope, input: UpdateAgent): Promise<Agent>;
  restore(scope: Scope, agent: AgentRef, version: number): Promise<Agent>;
  start(scope: Scope, agent: AgentRef): Promise<Agent>;
  stop(scope: Scope, agent: AgentRef, mode: StopMode): Promise<Agent>;
  archive(scope: Scope, agent: AgentRef): Promise<Agent>;
  health(scope: Scope, name: string, definition: AgentDefinition): Promise<HealthComponent>;
  missing(owner: ToolOwner, definition: AgentDefinition): Promise<string[]>;
}

export const agentEditor = serviceRef<AgentEditor>("agents.editor");

export function createAgentEditor(host: AgentsHost): AgentEditor {
  return {
    resolve: resolveAgent,
    target: targetOf,
    definition: definitionOf,
    ofTenant: (owner, name) => agentNamed(host.database, owner, name),
    create: (scope, input) => createAgent(host, scope, input),
    createFromTemplate: (scope, input) => createFromTemplate(host, scope, input),
    update: (scope, input) => updateAgent(host, scope, input),
    restore: (scope, agent, version) => restoreVersion(host, scope, agent, version),
    start: (scope, agent) => startAgent(host, scope, agent),
    stop: (scope, agent, mode) => stopAgent(host, scope, agent, mode),
    archive: (scope, agent) => archiveAgent(host, scope, agent),
    health: (scope, name, definition) => healthOf(host, scope, name, definition),
    missing: (owner, definition) => missingCapabilities(host, owner, definition),
  };
}

import type { Database, ToolOwner } from "#weftline";
import { Agent, AgentVersion, versionIdOf } from "../entities.ts";
import { tidyName } from "../service/find.ts";
import type { AgentDefinition } from "../types.ts";

const asPlatform = { reader: "SYSTEM", reach: "MINE" } as const;

/** The agent of a name in a tenant: agents are shared there, so every run may ask for it. */
export async function agentNamed({ rows }: Database, { tenantId }: ToolOwner, name: string): Promise<Agent | undefined> {
  const where = { where: "e.tenant_id = ? and e.name = ?", params: [tenantId, tidyName(name)], limit: 1 };
  return (await rows.all(Agent, asPlatform, where))[0];
}

/** What the next run of an agent executes. */
export async function newestDefinitionOf({ rows }: Database, { id, version }: Agent): Promise<AgentDefinition | undefined> {
  return (await rows.byIds(AgentVersion, asPlatform, [versionIdOf(id, version)]))[0]?.definition;
}

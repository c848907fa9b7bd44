import { Run, RunStatus, WeftlineError, asWeftlineError, hasRole, isTerminal, type Scope } from "#weftline";
import type { Agent } from "../entities.ts";
import type { AgentRef, AgentStatus, StopMode } from "../types.ts";
import { committedAgent } from "./find.ts";
import type { AgentsHost } from "./host.ts";
import { agentToChange, newestDefinition, saveAgent } from "./rows.ts";

const path = ["agent"];

/**
 * Lets an agent take runs, also one that was archived.
 *
 * @throws NOT_FOUND, FORBIDDEN, and UNAVAILABLE where its framework is not installed
 */
export async function startAgent(host: AgentsHost, scope: Scope, ref: AgentRef): Promise<Agent> {
  return changeStatus(host, scope, ref, "ACTIVE");
}

/** @throws NOT_FOUND, FORBIDDEN */
export async function archiveAgent(host: AgentsHost, scope: Scope, ref: AgentRef): Promise<Agent> {
  return changeStatus(host, scope, ref, "ARCHIVED");
}

/**
 * Lets an agent take no more runs.
 *
 * @param mode DRAIN leaves its open runs to finish, CANCEL cancels those that the viewer may cancel.
 * @throws NOT_FOUND, FORBIDDEN, and CONFLICT for an archived agent
 */
export async function stopAgent(host: AgentsHost, scope: Scope, ref: AgentRef, mode: StopMode): Promise<Agent> {
  const agent = await changeStatus(host, scope, ref, "PAUSED");
  if (mode === "CANCEL") await cancelOpenRuns(host, scope, agent);
  return agent;
}

async function changeStatus(host: AgentsHost, scope: Scope, ref: AgentRef, status: AgentStatus): Promise<Agent> {
  const id = await scope.write(async (tx) => {
    const agent = await agentToChange(scope, tx, ref, path);
    if (agent.status === status) return agent.id;
    if (status === "ACTIVE") checkFramework(host, (await newestDefinition(tx, agent)).framework);
    if (status === "PAUSED" && agent.status === "ARCHIVED") {
      throw new WeftlineError("CONFLICT", { path, message: "An archived agent takes no runs; start it to bring it back." });
    }
    agent.status = status;
    await saveAgent(host, tx, agent);
    return agent.id;
  }, "agents.status");
  return committedAgent(scope, id);
}

function checkFramework({ runtimes }: AgentsHost, framework: string): void {
  if (runtimes.has(framework)) return;
  throw new WeftlineError("UNAVAILABLE", {
    path,
    what: `The framework "${framework}"`,
    reason: "no plugin provides it.",
    fix: "Add its plugin to plugins.config.ts, or give the agent another framework.",
  });
}

/** The agent takes no new runs by now, so the list is complete but for runs whose start was under way. */
async function cancelOpenRuns({ runs }: AgentsHost, scope: Scope, agent: Agent): Promise<void> {
  const open = Object.values(RunStatus).filter((status) => !isTerminal(status));
  const reach = hasRole(scope.viewer, "admin") ? "TENANT" : "MINE";
  const found = await scope.emWith(reach).find(Run, { targetType: "Agent", targetId: agent.id, status: { $in: open } }, { fields: ["id"] });
  for (const { id } of found) {
    try {
      await runs.cancel(scope, id, "The agent was stopped.");
    } catch (error) {
      // Deleted in the meantime.
      if (asWeftlineError(error).code !== "NOT_FOUND") throw error;
    }
  }
}

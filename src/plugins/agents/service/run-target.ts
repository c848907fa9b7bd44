import { WeftlineError, loadRow, type AgentProgram, type FoundTarget, type Run, type RunTargetType } from "#weftline";
import { Skill } from "#plugins/capabilities";
import { Agent, AgentVersion, versionIdOf } from "../entities.ts";
import type { AgentDefinition, AgentRef } from "../types.ts";
import { readBy } from "./check.ts";
import { missingAgent, resolveAgent } from "./find.ts";
import type { AgentsHost } from "./host.ts";
import { ruleOf } from "./policies.ts";
import { refuseIf } from "./problems.ts";

/** @throws AGENT_NOT_ACTIVE */
export function targetOf(agent: Agent, path: readonly string[] = []): FoundTarget {
  const { id, name, version, status } = agent;
  if (status === "ACTIVE") return { id, name, version };
  throw new WeftlineError("AGENT_NOT_ACTIVE", { agent: name, status: words[status], path });
}

const words = { DRAFT: "a draft", PAUSED: "paused", ARCHIVED: "archived" } as const;

/** Agents as something that can be run. */
export function agentTarget(host: AgentsHost): RunTargetType {
  const path = ["input", "target", "agent"];
  return {
    typeName: "Agent",
    startable: {
      inputField: "agent",
      find: async (scope, value) => targetOf(await resolveAgent(scope, value as AgentRef, path), path),
    },
    admit: async (scope, id, at) => void targetOf((await loadRow(scope, Agent, id)) ?? missingAgent(at), at),
    program: (run) => programOf(host, run),
    load: (scope, id) => loadRow(scope, Agent, id),
  };
}

/** What a run executes: the version that it pinned, whatever became of the agent since. */
async function programOf(host: AgentsHost, run: Run): Promise<AgentProgram> {
  const version = run.targetVersion ?? 0;
  const [row] = await host.database.rows.byIds(AgentVersion, { reader: "SYSTEM", reach: "MINE" }, [versionIdOf(run.targetId, version)]);
  if (!row) throw new WeftlineError("NOT_FOUND", { what: `version ${version} of the agent "${run.targetName}"` });
  const { definition } = row;
  const { framework, model, capabilities, outputSchema, memory } = definition;
  const instructions = instructionsOf(host, definition);
  return {
    agent: { id: run.targetId, name: run.targetName, version },
    framework,
    capabilities,
    toolPolicies: (definition.toolPolicies ?? []).map((policy) => ({
      tool: policy.tool,
      approval: ruleOf(policy) ?? "ALWAYS",
      ...(policy.approvers === undefined ? {} : { approvers: policy.approvers }),
    })),
    options: await optionsOf(host, definition),
    ...(instructions === "" ? {} : { instructions }),
    ...(model === null ? {} : { model }),
    ...(outputSchema === null ? {} : { outputSchema }),
    ...(memory.recall ? { memory: { scopes: memory.scopes, limit: memory.limit } } : {}),
  };
}

/** The options with the framework's defaults. They are stored as they were given, so they are read anew. */
async function optionsOf({ runtimes }: AgentsHost, { framework, options }: AgentDefinition): Promise<unknown> {
  const runtime = runtimes.get(framework)?.value;
  if (!runtime) return options;
  const { value, problems } = await readBy(runtime.options, options, ["options"]);
  refuseIf(problems);
  return value;
}

/** The agent's instructions, then those of its skills. */
function instructionsOf({ capabilities }: AgentsHost, definition: AgentDefinition): string {
  const skills = definition.capabilities.map((name) => capabilities.find(name)).filter((found) => found instanceof Skill);
  return [definition.instructions ?? "", ...skills.map((skill) => skill.instructions)].filter((text) => text !== "").join("\n\n");
}

import {
  changesService,
  databaseService,
  definePlugin,
  modelService,
  optional,
  runService,
  runTargets,
  runtimes,
  tenantTools,
  toolRegistry,
} from "#weftline";
import { capabilityDirectory } from "#plugins/capabilities";
import { agentsConfig } from "./config.ts";
import { agentService, templates } from "./contract.ts";
import { agentEntity, agentVersionEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { addAgentSchema } from "./schema/index.ts";
import type { AgentsHost } from "./service/host.ts";
import { agentTarget } from "./service/run-target.ts";
import { agentEditor, createAgentEditor } from "./service/service.ts";
import { shippedTemplates } from "./templates/shipped.ts";
import { agentTools } from "./together/agent-tool.ts";

/**
 * Agents: durable definitions in numbered versions, their templates, and agents as what runs run.
 *
 * @example plugins: [models(), openai(), capabilities(), agents()]
 */
export const agents = definePlugin({
  id: "agents",
  description: "Agents in versions, templates that make them, and runs of them.",
  config: agentsConfig,
  requires: {
    database: databaseService,
    changes: changesService,
    runs: runService,
    tools: toolRegistry,
    capabilities: capabilityDirectory,
    models: optional(modelService),
  },
  provides: { agents: agentService, editor: agentEditor },
  entities: [agentEntity, agentVersionEntity],
  migrations,
  schema: addAgentSchema,
  setup: ({ config, deps, contribute, contributions }) => {
    const host: AgentsHost = { ...deps, runtimes: contributions(runtimes), templates: contributions(templates) };
    for (const template of shippedTemplates(config)) contribute(templates, template.name, template);
    contribute(runTargets, "Agent", agentTarget(host));
    contribute(tenantTools, "agent", agentTools(host));
    const editor = createAgentEditor(host);
    return { agents: editor, editor };
  },
});

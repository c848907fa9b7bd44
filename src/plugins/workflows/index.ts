import { changesService, dataFolder, databaseService, definePlugin, optional, runTargets, toolRegistry, toolSources } from "#weftline";
import { agentService } from "#plugins/agents";
import { workflowMemory } from "#plugins/memory";
import { runContribution, workflowCommands } from "./cli/commands.ts";
import { workflowsConfig } from "./config.ts";
import { workflowDefinitions, workflowNodes } from "./contract.ts";
import { workflowEntity, workflowVersionEntity } from "./entities.ts";
import { workflowPrograms } from "./execution/program.ts";
import { migrations } from "./migrations/index.ts";
import { shippedKinds } from "./nodes/kinds.ts";
import { checkSources, refuseSources, type ProvidedWorkflow } from "./provided/check.ts";
import { installedSources } from "./provided/sources.ts";
import { createProvision } from "./provided/provision.ts";
import { addWorkflowSchema } from "./schema/index.ts";
import { forkOf } from "./service/fork.ts";
import { workflowTarget } from "./service/run-target.ts";
import { createWorkflowEditor, workflowEditor } from "./service/service.ts";
import { createVersions } from "./service/versions.ts";

/**
 * Workflows: declared graphs of nodes in numbered versions, from the API, files and plugins, and runs of them.
 *
 * @example plugins: [capabilities(), agents(), workflows({ folder: "./workflows" })]
 */
export const workflows = definePlugin({
  id: "workflows",
  description: "Declared workflows in versions, from the API, files and plugins.",
  config: workflowsConfig,
  requires: {
    database: databaseService,
    changes: changesService,
    tools: toolRegistry,
    agents: optional(agentService),
    memory: optional(workflowMemory),
    data: dataFolder,
  },
  provides: { editor: workflowEditor },
  entities: [workflowEntity, workflowVersionEntity],
  migrations,
  contributes: [runContribution, workflowCommands],
  schema: addWorkflowSchema,
  setup: ({ config, deps, log, contribute, contributions, onReady }) => {
    for (const kind of shippedKinds) contribute(workflowNodes, kind.kind, kind);
    const host = { ...deps, log, kinds: contributions(workflowNodes), sources: contributions(toolSources) };
    let provided: readonly ProvidedWorkflow[] = [];
    onReady(async () => {
      // Else no command could check the files that keep a server from starting.
      if (deps.data.lifetime === "temporary") return;
      const checked = await checkSources(host, await installedSources(config.folder, contributions(workflowDefinitions)), "trusted");
      refuseSources(checked.problems);
      provided = checked.workflows;
    });
    const provision = createProvision(host, () => provided);
    const { definitionOf } = createVersions(deps.database);
    const program = workflowPrograms({ kinds: host.kinds, concurrency: config.concurrency, memory: deps.memory, definitionOf });
    contribute(runTargets, "Workflow", {
      ...workflowTarget(host, provision),
      program,
      fork: (run, from) => forkOf({ database: deps.database, definitionOf }, run, from),
    });
    return { editor: createWorkflowEditor(host, provision) };
  },
});

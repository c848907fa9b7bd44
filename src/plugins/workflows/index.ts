import { changesService, databaseService, definePlugin, optional, toolRegistry, toolSources } from "#weftline";
import { agentService } from "#plugins/agents";
import { workflowCommands } from "./cli/commands.ts";
import { workflowNodes } from "./contract.ts";
import { workflowEntity, workflowVersionEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { shippedKinds } from "./nodes/kinds.ts";
import { createProvision } from "./provided/provision.ts";
import { addWorkflowSchema } from "./schema/index.ts";
import { createWorkflowEditor, workflowEditor } from "./service/service.ts";

/**
 * Workflows: declared graphs of nodes in numbered versions.
 *
 * @example plugins: [capabilities(), agents(), workflows()]
 */
export const workflows = definePlugin({
  id: "workflows",
  description: "Declared workflows in versions.",
  requires: { database: databaseService, changes: changesService, tools: toolRegistry, agents: optional(agentService) },
  provides: { editor: workflowEditor },
  entities: [workflowEntity, workflowVersionEntity],
  migrations,
  contributes: [workflowCommands],
  schema: addWorkflowSchema,
  setup: ({ deps, log, contribute, contributions }) => {
    for (const kind of shippedKinds) contribute(workflowNodes, kind.kind, kind);
    const host = { ...deps, log, kinds: contributions(workflowNodes), sources: contributions(toolSources) };
    return {
      editor: createWorkflowEditor(
        host,
        createProvision(host, () => []),
      ),
    };
  },
});

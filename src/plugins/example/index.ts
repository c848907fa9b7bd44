import { changesService, contribution, databaseService, definePlugin, skills, tools } from "#weftline";
import { workflowNodes } from "#plugins/workflows";
import { exampleConfig } from "./config.ts";
import { exampleService } from "./contract.ts";
import { noteEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { noteNode } from "./node.ts";
import { addExampleSchema } from "./schema.ts";
import { createExampleService } from "./service.ts";
import { notebook } from "./skill.ts";
import { createKeepTool, createNotesTool, keepToolName } from "./tool.ts";

/**
 * Private notes: a small plugin that uses every part of the contract, to be copied.
 *
 * @example defineConfig({ plugins: [example({ maxNotes: 100 })] })
 */
export const example = definePlugin({
  id: "example",
  description: "Private notes, tools that read and keep them, and a workflow node.",
  config: exampleConfig,
  requires: { changes: changesService, database: databaseService },
  provides: { notes: exampleService },
  contributes: [contribution(skills, notebook.name, notebook), contribution(workflowNodes, noteNode.kind, noteNode)],
  entities: [noteEntity],
  migrations,
  schema: addExampleSchema,
  setup: ({ config, deps, contribute }) => {
    const notes = createExampleService({ maxNotes: config.maxNotes, changes: deps.changes });
    contribute(tools, "example.notes", createNotesTool(deps.database));
    contribute(tools, keepToolName, createKeepTool(deps.database, notes));
    return { notes };
  },
});

import { changesService, contribution, databaseService, definePlugin, skills, tools } from "#weftline";
import { exampleConfig } from "./config.ts";
import { exampleService } from "./contract.ts";
import { noteEntity } from "./entities.ts";
import { migrations } from "./migrations/index.ts";
import { addExampleSchema } from "./schema.ts";
import { createExampleService } from "./service.ts";
import { notebook } from "./skill.ts";
import { createNotesTool } from "./tool.ts";

/**
 * Private notes: a small plugin that uses every part of the contract, to be copied.
 *
 * @example defineConfig({ plugins: [example({ maxNotes: 100 })] })
 */
export const example = definePlugin({
  id: "example",
  description: "Private notes, and a tool that lets agents read them.",
  config: exampleConfig,
  requires: { changes: changesService, database: databaseService },
  provides: { notes: exampleService },
  contributes: [contribution(skills, notebook.name, notebook)],
  entities: [noteEntity],
  migrations,
  schema: addExampleSchema,
  setup: ({ config, deps, contribute }) => {
    contribute(tools, "example.notes", createNotesTool(deps.database));
    return { notes: createExampleService({ maxNotes: config.maxNotes, changes: deps.changes }) };
  },
});

import { changesService, databaseService, definePlugin, runTargets, toolRegistry, toolSources, tools } from "#weftline";
import { healthChecks } from "#plugins/health";
import { createToolCaller, toolCaller, toolTarget } from "./call.ts";
import { capabilityDirectory, skills } from "./contract.ts";
import { outboxEntity } from "./entities.ts";
import { createSchemaChecker } from "./json-schema.ts";
import { migrations } from "./migrations/index.ts";
import { createDirectory, createToolRegistry } from "./registry.ts";
import { addCapabilitySchema } from "./schema.ts";
import { createToolShelf } from "./shelf.ts";
import { sourcesCheck } from "./source-health.ts";
import { createMathEvaluate } from "./tools/math-evaluate.ts";
import { createMessageSend } from "./tools/message-send.ts";
import { timeNow } from "./tools/time-now.ts";
import { missingTools, verifyCapabilities } from "./verify.ts";

/**
 * The registry of what agents can do: tools and skills of all plugins, and three tools of its own.
 *
 * @example plugins: [capabilities(), agents()]
 */
export const capabilities = definePlugin({
  id: "capabilities",
  description: "Tools and skills that agents can be given.",
  requires: { database: databaseService, changes: changesService },
  provides: { registry: toolRegistry, directory: capabilityDirectory, caller: toolCaller },
  entities: [outboxEntity],
  migrations,
  schema: addCapabilitySchema,
  setup: ({ deps, log, contribute, contributions, onReady, onClose }) => {
    const definitions = { tools: contributions(tools), skills: contributions(skills), sources: contributions(toolSources) };
    const checker = createSchemaChecker();
    const shelf = createToolShelf({ ...definitions, checker, changes: deps.changes, log });
    const contributed = { tools: shelf, skills: definitions.skills };
    for (const tool of [timeNow, createMathEvaluate(), createMessageSend(deps.database)]) contribute(tools, tool.name, tool);
    contribute(healthChecks, "tools", sourcesCheck(definitions.sources));
    onReady(() => {
      verifyCapabilities(definitions, checker);
      shelf.open();
      const missing = missingTools(definitions, (name) => definitions.tools.has(name) || shelf.sourceOf(name) !== undefined);
      if (missing.length > 0) log.warn({ missing }, "skills name tools that nobody brings");
    });
    onClose(() => shelf.close());
    const directory = createDirectory(contributed);
    const calls = { shelf, directory, checker };
    contribute(runTargets, "Tool", toolTarget(calls));
    return { registry: createToolRegistry(contributed, checker), directory, caller: createToolCaller(calls) };
  },
});

import { databaseService, definePlugin, toolRegistry, tools } from "#weftline";
import { capabilityDirectory, skills } from "./contract.ts";
import { outboxEntity } from "./entities.ts";
import { createSchemaChecker } from "./json-schema.ts";
import { migrations } from "./migrations/index.ts";
import { createDirectory, createToolRegistry } from "./registry.ts";
import { addCapabilitySchema } from "./schema.ts";
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
  requires: { database: databaseService },
  provides: { registry: toolRegistry, directory: capabilityDirectory },
  entities: [outboxEntity],
  migrations,
  schema: addCapabilitySchema,
  setup: ({ deps, log, contribute, contributions, onReady }) => {
    const contributed = { tools: contributions(tools), skills: contributions(skills) };
    const checker = createSchemaChecker();
    for (const tool of [timeNow, createMathEvaluate(), createMessageSend(deps.database)]) contribute(tools, tool.name, tool);
    onReady(() => {
      verifyCapabilities(contributed, checker);
      const missing = missingTools(contributed);
      if (missing.length > 0) log.warn({ missing }, "skills name tools that nobody brings");
    });
    return { registry: createToolRegistry(contributed, checker), directory: createDirectory(contributed) };
  },
});

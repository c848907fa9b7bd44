import {
  changesService,
  databaseService,
  definePlugin,
  purgers,
  runTargets,
  skills,
  tenantTools,
  toolRegistry,
  toolSources,
  tools,
} from "#weftline";
import { healthChecks } from "#plugins/health";
import { createToolCaller, toolTarget } from "./call.ts";
import { createConditions } from "./conditions.ts";
import { capabilitiesConfig } from "./config.ts";
import { capabilityDirectory, toolCaller } from "./contract.ts";
import { outboxEntity } from "./entities.ts";
import { createGuardedChecker } from "./json-schema-guard.ts";
import { migrations } from "./migrations/index.ts";
import { createPolicies } from "./policies.ts";
import { createDirectory, createToolRegistry } from "./registry.ts";
import { addCapabilitySchema } from "./schema.ts";
import { createSettings } from "./settings.ts";
import { createToolShelf } from "./shelf.ts";
import { sourcesCheck } from "./source-health.ts";
import { createMathEvaluate } from "./tools/math-evaluate.ts";
import { createMessageSend, purgeOutbox } from "./tools/message-send.ts";
import { timeNow } from "./tools/time-now.ts";
import { missingTools, verifyCapabilities, verifyConditions } from "./verify.ts";

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
  config: capabilitiesConfig,
  setup: ({ config, deps, log, contribute, contributions, onReady, onClose }) => {
    const definitions = { tools: contributions(tools), skills: contributions(skills), sources: contributions(toolSources) };
    const checker = createGuardedChecker();
    const settings = createSettings(config);
    const conditions = createConditions();
    const shelf = createToolShelf({ ...definitions, settings, checker: checker.atOnce, changes: deps.changes, log });
    const contributed = { tools: shelf, skills: definitions.skills, ofTenants: contributions(tenantTools) };
    for (const tool of [timeNow, createMathEvaluate(), createMessageSend(deps.database)]) contribute(tools, tool.name, tool);
    contribute(purgers, "capabilities.outbox", {
      purge: (tx, { runIds }) => purgeOutbox(tx, runIds),
      purgeRuns: (tx, { runIds }) => purgeOutbox(tx, runIds),
    });
    contribute(healthChecks, "tools", sourcesCheck(definitions.sources, shelf));
    onReady(async () => {
      verifyCapabilities(definitions, checker.atOnce);
      await verifyConditions(definitions, config, conditions);
      shelf.open();
      const missing = missingTools(definitions, (name) => definitions.tools.has(name) || shelf.sourceOf(name) !== undefined);
      if (missing.length > 0) log.warn({ missing }, "skills name tools that nobody brings");
      const idle = Object.keys(config.tools).filter((name) => !name.endsWith("*") && !definitions.tools.has(name) && !shelf.sourceOf(name));
      if (idle.length > 0) log.warn({ idle }, "settings are for tools that nobody brings");
    });
    onClose(() => {
      shelf.close();
      checker.close();
      conditions.close();
    });
    const directory = createDirectory(contributed);
    const { ofTenants } = contributed;
    const policies = createPolicies({ settings, conditions, find: (name) => shelf.get(name)?.value, ofTenants, log });
    const calls = { shelf, directory, checker };
    contribute(runTargets, "Tool", toolTarget(calls));
    return { registry: createToolRegistry(contributed, checker, policies), directory, caller: createToolCaller(calls) };
  },
});

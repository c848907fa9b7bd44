import { databaseService, definePlugin, hostHealth, pluginDirectory, runService } from "#weftline";
import { databaseCheck, pluginsCheck, providersCheck } from "./checks.ts";
import { healthChecks, healthService } from "./contract.ts";
import { addHealthSchema } from "./schema.ts";
import { createHealth, statusOf } from "./service.ts";

/**
 * Answers `Query.health` from the checks that plugins contribute.
 *
 * @example plugins: [health(), agents(), chat()]
 */
export const health = definePlugin({
  id: "health",
  kind: "CAPABILITY",
  description: "Checks the parts of the platform.",
  requires: { database: databaseService, plugins: pluginDirectory, runs: runService },
  provides: { health: healthService, host: hostHealth },
  schema: addHealthSchema,
  setup: ({ deps, contribute, contributions }) => {
    contribute(healthChecks, "database", databaseCheck(deps.database));
    contribute(healthChecks, "plugins", pluginsCheck(deps.plugins));
    contribute(healthChecks, "providers", providersCheck(deps.runs));
    const report = createHealth(contributions(healthChecks));
    return { health: report, host: statusOf(report) };
  },
});

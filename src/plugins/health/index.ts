import { dirname } from "node:path";
import {
  changesService,
  dataFolder,
  databaseService,
  definePlugin,
  hostHealth,
  optional,
  pluginDirectory,
  runFigures,
  runService,
  runtimes,
} from "#weftline";
import { databaseCheck, diskCheck, engineCheck, frameworkCheck, pluginsCheck, providersCheck } from "./checks.ts";
import { healthConfig } from "./config.ts";
import { healthChecks, healthService, healthSources, type HealthCheck, type HealthSource } from "./contract.ts";
import { EventLoopWatch, eventLoopCheck } from "./event-loop.ts";
import { addHealthSchema } from "./schema.ts";
import { HealthReports, statusOf } from "./service.ts";

/**
 * Answers `Query.health` from the checks that plugins contribute, and tells those who follow changes.
 *
 * @example plugins: [health(), agents(), chat()]
 */
export const health = definePlugin({
  id: "health",
  kind: "CAPABILITY",
  description: "Checks the parts of the platform.",
  config: healthConfig,
  requires: {
    database: databaseService,
    plugins: pluginDirectory,
    runs: runService,
    figures: runFigures,
    folder: dataFolder,
    changes: optional(changesService),
  },
  provides: { health: healthService, host: hostHealth },
  schema: addHealthSchema,
  setup: ({ config, deps, contribute, contributions, onReady, onClose }) => {
    const { database, plugins, runs, figures, folder, changes } = deps;
    const eventLoop = new EventLoopWatch();
    contribute(healthChecks, "database", databaseCheck(database));
    contribute(healthChecks, "engine", engineCheck(figures, config));
    contribute(healthChecks, "disk", diskCheck(dirname(folder.of("health")), config.disk));
    contribute(healthChecks, "event-loop", eventLoopCheck(eventLoop, config.eventLoop));
    contribute(healthChecks, "plugins", pluginsCheck(plugins));
    contribute(healthChecks, "providers", providersCheck(runs));
    const frameworks = new Map<string, HealthCheck>();
    onReady(() => {
      for (const [id, { value }] of contributions(runtimes)) frameworks.set(`frameworks.${id}`, frameworkCheck(value));
    });
    const checks = contributions(healthChecks);
    const sources = contributions(healthSources);
    const all = (): ReadonlyMap<string, HealthCheck> =>
      new Map([
        ...[...checks].map(([name, { value }]): [string, HealthCheck] => [name, value]),
        ...frameworks,
        ...[...sources].flatMap(([name, { value }]) => partsOf(name, value)),
      ]);
    const reports = new HealthReports(all, () => changes?.publish({ kind: "UPDATED", typeName: "Health" }));
    const watch = setInterval(() => {
      if (changes?.isFollowed("Health")) void reports.report();
    }, config.everyMs).unref();
    onClose(() => {
      clearInterval(watch);
      eventLoop.close();
    });
    return { health: reports, host: statusOf(reports) };
  },
});

/** A source that fails is a part that is DOWN, and hides no other. */
function partsOf(name: string, source: HealthSource): (readonly [string, HealthCheck])[] {
  try {
    return [...source()];
  } catch {
    return [[name, () => ({ status: "DOWN", detail: "It does not say which parts there are." })]];
  }
}

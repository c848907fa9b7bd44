import { dirname } from "node:path";
import {
  authenticators,
  dataFolder,
  databaseService,
  definePlugin,
  httpRoutes,
  openRoutes,
  optional,
  runFigures,
  serverCounters,
  streamService,
  toolRegistry,
  type RouteResponse,
} from "#weftline";
import { metricsConfig } from "./config.ts";
import { metricSources } from "./contract.ts";
import { routeForViewers, routeWithToken } from "./endpoint.ts";
import { loadExposition, type Exposition } from "./exposition.ts";
import { familiesOf } from "./families.ts";
import { platformFamilies } from "./platform-families.ts";
import { RunMetrics } from "./run-metrics.ts";

/**
 * Figures for Prometheus, at `/metrics`.
 *
 * @example metrics({ token: process.env["METRICS_TOKEN"] })
 */
export const metrics = definePlugin({
  id: "metrics",
  kind: "CAPABILITY",
  description: "Figures for Prometheus.",
  config: metricsConfig,
  requires: {
    database: databaseService,
    folder: dataFolder,
    streams: streamService,
    figures: runFigures,
    server: serverCounters,
    tools: optional(toolRegistry),
  },
  setup: ({ config, deps, log, contribute, contributions, onClose }) => {
    const { database, folder, streams, figures, server, tools } = deps;
    const runs = new RunMetrics({
      programOf: (runId) => figures.programOf(runId),
      isInstalledTool: (name) => tools?.find(name) !== undefined,
      namesPerLabel: config.namesPerLabel,
    });
    onClose(streams.tap((_, events) => runs.hear(events)));
    const sources = contributions(metricSources);
    let exposition: Promise<Exposition> | undefined;
    const scrape = async (): Promise<RouteResponse> => {
      exposition ??= loadExposition();
      const { contentType, write } = await exposition;
      const own = await platformFamilies({ runs, figures, server, database, folder: dirname(folder.of("metrics")) });
      const others = familiesOf(sources, (name, error) => log.warn({ metric: name, err: error }, "a metric is left out"));
      return { status: 200, headers: { "content-type": contentType }, body: await write([...own, ...others]) };
    };
    const open = contributions(authenticators);
    const isOpen = (): boolean => [...open.values()].some(({ value }) => value.open);
    if (config.token) contribute(openRoutes, "metrics", routeWithToken(config.token, scrape));
    else contribute(httpRoutes, "metrics", routeForViewers(isOpen, scrape));
    return {};
  },
});

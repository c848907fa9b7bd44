import type { Family } from "./families.ts";

/** Writes metrics as Prometheus reads them, with those of the runtime: CPU, memory, garbage, the event loop. */
export interface Exposition {
  readonly contentType: string;
  write(families: readonly Family[]): Promise<string>;
}

/** How often the runtime measures how late timers are, in milliseconds. */
const precisionMs = 100;

/** Metrics of the runtime that take the longer the more is open. */
const costly = ["nodejs_active_handles", "nodejs_active_handles_total", "nodejs_active_requests", "nodejs_active_requests_total"];

/** What takes time to load is loaded when somebody first scrapes; the runtime is measured from then on. */
export async function loadExposition(): Promise<Exposition> {
  const { Registry, collectDefaultMetrics } = (await import("prom-client")).default;
  const runtime = new Registry();
  collectDefaultMetrics({ register: runtime, eventLoopMonitoringPrecision: precisionMs });
  for (const name of costly) runtime.removeSingleMetric(name);
  return {
    contentType: runtime.contentType,
    write: async (families) => {
      const own = new Registry();
      for (const { samples, ...rest } of families)
        own.registerMetric({ ...rest, get: async () => ({ ...rest, values: samples }) } as never);
      return `${await own.metrics()}\n${await runtime.metrics()}`;
    },
  };
}

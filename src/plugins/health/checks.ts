import type { Database, PluginDirectory, RunService } from "#weftline";
import type { HealthCheck } from "./contract.ts";

/** Reads a row, then takes its turn in the queue of writes: a store that only reads is found out, and so is a queue that stands still. */
export function databaseCheck(database: Database): HealthCheck {
  return async () => {
    await database.read.get("select 1");
    await database.commit(async ({ sql }) => sql.get("select 1"), "health.check");
    return { status: "UP" };
  };
}

/** Names each plugin that was to run and does not. */
export function pluginsCheck(directory: PluginDirectory): HealthCheck {
  return () => {
    const wanting = directory.list().filter(({ state }) => state === "UNAVAILABLE" || state === "FAILED");
    if (wanting.length === 0) return { status: "UP" };
    return {
      status: "DEGRADED",
      detail: wanting.map(({ id, state, reason }) => `${id} is ${state}${reason ? `: ${reason}` : ""}`).join("; "),
    };
  };
}

/** Names each model provider that failed the last runs that asked it. */
export function providersCheck(runs: RunService): HealthCheck {
  return () => {
    const failing = runs.failingProviders();
    if (failing.length === 0) return { status: "UP" };
    const sentences = failing.map(({ plugin, id, provider, url, failures, code, fix }) => {
      const who = url === undefined ? provider : `${id} at ${url}`;
      return `${who} failed the last ${failures} runs of ${plugin} (${code}): ${fix}`;
    });
    return { status: "DEGRADED", detail: sentences.join(" ") };
  };
}

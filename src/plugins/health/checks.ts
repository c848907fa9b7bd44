import { statfs } from "node:fs/promises";
import type { AgentRuntime, Database, PluginDirectory, RunFigures, RunService } from "#weftline";
import type { HealthConfig } from "./config.ts";
import type { HealthCheck } from "./contract.ts";

/** How long the engine may not have looked for due runs, in milliseconds, whatever held it up. */
const sweepPatienceMs = 30_000;

/** Reads a row, then takes its turn in the queue of writes: a store that only reads is found out, and so is a queue that stands still. */
export function databaseCheck(database: Database): HealthCheck {
  return async () => {
    await database.read.get("select 1");
    await database.commit(async ({ sql }) => sql.get("select 1"), "health.check");
    return { status: "UP" };
  };
}

/** Says whether the engine takes runs: a process that lives is none that works. */
export function engineCheck(figures: RunFigures, { oldestDueMs }: Pick<HealthConfig, "oldestDueMs">): HealthCheck {
  return async () => {
    const { engine, counters } = figures.read();
    if (engine.state === "stopped") return { status: "DOWN", detail: "The engine has stopped." };
    if (engine.state === "starting" || counters.sweptAt === undefined) return { status: "DEGRADED", detail: "The engine is starting." };
    const sweptMs = performance.now() - counters.sweptAt;
    if (sweptMs > Math.max(sweepPatienceMs, 3 * engine.sweepMs))
      return { status: "DOWN", detail: `The engine has not looked for due runs for ${seconds(sweptMs)}.` };
    const { count, oldestMs } = await figures.due();
    const load = `${engine.active} runs at work, ${engine.free} of ${engine.places} places free`;
    if (count === 0) return { status: "UP", detail: `${load}; none is due.` };
    const due = `${count} due, the oldest for ${seconds(oldestMs)}`;
    return { status: oldestMs > oldestDueMs ? "DEGRADED" : "UP", detail: `${load}; ${due}.` };
  };
}

/** Says how a framework answers now. */
export function frameworkCheck(runtime: AgentRuntime): HealthCheck {
  return async () => {
    const { mode, reason, fix } = await runtime.status();
    const words = [reason ?? [], fix ?? []].flat().join(" ");
    const detail = mode === "LIVE" ? words : `${mode}${words && ": "}${words}`;
    return { status: mode === "UNAVAILABLE" ? "DEGRADED" : "UP", ...(detail === "" ? {} : { detail }) };
  };
}

/** Says how much room the disk of a folder has left. */
export function diskCheck(folder: string, { degradedBelow, downBelow }: HealthConfig["disk"]): HealthCheck {
  return async () => {
    const { bavail, blocks, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const isBelow = (limit: typeof downBelow): boolean => free < Math.min(limit.bytes, limit.share * blocks * bsize);
    const detail = `${mebibytes(free)} of ${mebibytes(blocks * bsize)} MiB are free.`;
    if (isBelow(downBelow)) return { status: "DOWN", detail: `${detail} Give the data folder more room: writes will be refused.` };
    if (isBelow(degradedBelow)) return { status: "DEGRADED", detail: `${detail} Give the data folder more room.` };
    return { status: "UP", detail };
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

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
const mebibytes = (size: number): string => Math.floor(size / 1024 ** 2).toLocaleString("en-US");

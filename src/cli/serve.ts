import { flushCompileCache } from "node:module";
import { relative } from "node:path";
import { performance } from "node:perf_hooks";
import { messageOf } from "../core/errors.ts";
import { createPlatform, type BootOptions, type Platform } from "../core/platform.ts";
import { publicAddress } from "../core/runs/provider-failures.ts";
import { authenticators } from "../core/graphql/scope.ts";
import type { Registry } from "../core/kernel/registry.ts";
import { modelService, type Models } from "../core/runs/public.ts";
import type { RunningServer } from "../core/serving.ts";
import { version } from "../core/version.ts";
import type { LoadedConfig } from "./config-file.ts";
import { exitCodes } from "./exit.ts";
import { giveBackMemory } from "./memory.ts";
import { interruptSignal } from "./signals.ts";
import type { Terminal } from "./terminal.ts";

/** How long open requests, runs and plugins may take to come to rest, in milliseconds. */
const closeDeadlineMs = 10_000;

/**
 * Boots, listens, and serves until a signal.
 *
 * @returns the exit code, after everything is closed or the deadline has passed.
 * @throws BOOT_FAILED and what listening throws.
 */
export async function serve(terminal: Terminal, { file, config }: LoadedConfig, options: BootOptions): Promise<number> {
  const interrupted = interruptSignal();
  const start = performance.now();
  const platform = await untilInterrupted(terminal, interrupted, createPlatform(config, { ...options, listening: "intended" }));
  // What comes between two events is the process's: with it the platform finds the run or the request whose code it is.
  process.on("uncaughtException", (error) => platform.uncaught(error));
  process.on("unhandledRejection", (reason) => platform.uncaught(reason));
  try {
    const server = await platform.listen();
    tidyUp(server);
    for (const line of banner(terminal, { platform, server, file, bootMs: performance.now() - start })) terminal.say(line);
    await new Promise<void>((resolve) =>
      interrupted.aborted ? resolve() : interrupted.addEventListener("abort", () => resolve(), { once: true }),
    );
    terminal.say("Closing. A second signal ends it at once.");
  } finally {
    giveUpLater(terminal, closeDeadlineMs + (config.server?.drainDelayMs ?? 0));
    await platform.close();
  }
  return exitCodes.ok;
}

/** Nothing is served yet: a signal during the start ends the process, whatever a plugin waits for. */
async function untilInterrupted<T>(terminal: Terminal, interrupted: AbortSignal, booting: Promise<T>): Promise<T> {
  const end = (): void => {
    terminal.say("Interrupted during the start.");
    process.exit(exitCodes.interrupted);
  };
  interrupted.addEventListener("abort", end, { once: true });
  try {
    return await booting;
  } finally {
    interrupted.removeEventListener("abort", end);
  }
}

/** How long after the start, and how long after a time when a pause would have been noticed, in milliseconds. */
const tidyAfterMs = 2_000;
const tidyAgainMs = 10_000;

/** What a start leaves behind: compiled code for the next one, which a server that is killed would not write, and memory that only it needed. */
function tidyUp(server: Pick<RunningServer, "isIdle">, afterMs = tidyAfterMs): void {
  const before = performance.eventLoopUtilization();
  setTimeout(() => {
    flushCompileCache();
    if (server.isIdle && performance.eventLoopUtilization(before).utilization < 0.1) giveBackMemory();
    else tidyUp(server, tidyAgainMs);
  }, afterMs).unref();
}

/** Does not keep the process alive: it ends what would. */
function giveUpLater(terminal: Terminal, deadlineMs: number): void {
  setTimeout(() => {
    terminal.say(
      `${terminal.paint("yellow", "!")} Not everything closed within ${deadlineMs / 1_000} s; what was open is taken up at the next start.`,
    );
    process.exit(exitCodes.failed);
  }, deadlineMs).unref();
}

interface Started {
  readonly platform: Platform;
  readonly server: RunningServer;
  readonly file: string;
  readonly bootMs: number;
}

function banner(terminal: Terminal, { platform, server, file, bootMs }: Started): string[] {
  const { kernel, config } = platform;
  const { url } = server;
  const graphiql = (config.server?.graphiql ?? (config.mode === "production" ? "off" : "on")) === "on";
  const row = (name: string, text: string): string => `  ${terminal.paint("dim", name.padEnd(9))} ${text}`;
  const address = (text: string): string => terminal.paint("cyan", text);
  return [
    `${terminal.paint("green", "✓")} ${terminal.paint("bold", `Weftline ${version}`)}  ${kernel.plugins.length} plugins  ${Math.round(bootMs)} ms`,
    ...(graphiql ? [row("GraphiQL", `${address(url)} in a browser`)] : []),
    row("GraphQL", `${address(url)} by HTTP and SSE, ${address(url.replace(/^http/, "ws"))} by WebSocket`),
    row("Health", address(new URL("/healthz", url).href)),
    row("Models", modelsLine(platform)),
    row("Config", `${relative(process.cwd(), file)}, data in ${config.dataDir ?? "./data"}`),
    row("First", graphiql ? "open GraphiQL and run its tabs from left to right" : firstRequest(url, kernel.registry)),
  ];
}

/** Where no authenticator lets in whoever comes, the request names where its token goes, and no token. */
function firstRequest(url: string, registry: Pick<Registry, "contributions">): string {
  const asksWho = ![...registry.contributions(authenticators).values()].some(({ value }) => value.open);
  const token = asksWho ? ` -H 'authorization: Bearer <token>'` : "";
  return `curl ${url}${token} -H 'content-type: application/json' -d '{"query":"{ plugins { name state } }"}'`;
}

/** Which model answers where an agent names none, and where it is asked. */
function modelsLine({ kernel }: Platform): string {
  if (!kernel.registry.has(modelService)) return "none: no plugin brings any";
  const models = kernel.registry.use(modelService);
  const { mode, reason, fix } = models.status();
  if (mode === "LIVE") return liveModel(models);
  return [mode.toLowerCase(), ...(reason === undefined ? [] : [`: ${reason}`]), ...(fix === undefined ? [] : [` ${fix}`])].join("");
}

function liveModel(models: Models): string {
  try {
    const { id, model, baseURL } = models.resolve(undefined, { simulated: "forbidden" });
    return `live: ${id}/${model} at ${publicAddress(baseURL) ?? "no address"}`;
  } catch (error) {
    return `live: ${messageOf(error)}`;
  }
}

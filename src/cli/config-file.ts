import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { WeftlineConfig } from "../core/config.ts";
import { WeftlineError, messageOf } from "../core/errors.ts";
import { importFromSources } from "./source-imports.ts";

const names = ["plugins.config.ts", "plugins.config.js", "plugins.config.mjs"];

/** A configuration and the file that it stands in. */
export interface LoadedConfig {
  readonly file: string;
  readonly config: WeftlineConfig;
}

/** What the environment may say where a configuration does not. */
type Environment = Readonly<
  Partial<Record<"HOST" | "PORT" | "WEFTLINE_DATA" | "WEFTLINE_SECRET_KEY" | "WEFTLINE_SECRET_KEY_FILE", string>>
>;

/**
 * Loads the configuration named, or the one of the current folder, or the one that ships with Weftline. HOST, PORT, WEFTLINE_DATA,
 * WEFTLINE_SECRET_KEY and WEFTLINE_SECRET_KEY_FILE stand in for what it leaves out.
 *
 * @throws CONFIG_NOT_FOUND, or CONFIG_INVALID where the file does not load or exports no configuration.
 */
export async function loadConfig(named?: string): Promise<LoadedConfig> {
  const file = findConfig(named);
  importFromSources();
  const config = withEnvironment(configOf(file, await importFile(file)), process.env);
  return { file, config };
}

function findConfig(named: string | undefined): string {
  if (named !== undefined) {
    const file = resolve(named);
    if (!existsSync(file)) throw new WeftlineError("CONFIG_NOT_FOUND", { file });
    return file;
  }
  return names.map((name) => resolve(name)).find((file) => existsSync(file)) ?? builtIn();
}

/** Stands beside `src`, in the sources as in the built package. */
function builtIn(): string {
  return fileURLToPath(new URL(`../../plugins.config${extname(import.meta.url)}`, import.meta.url));
}

async function importFile(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (error instanceof WeftlineError) throw error;
    throw new WeftlineError(
      "CONFIG_INVALID",
      { file, problem: problemOf(error), fix: "Correct what the message names." },
      { cause: error },
    );
  }
}

/** The words of an error and, where it is known, the place in the code as `file:line:column`. */
function problemOf(error: unknown): string {
  const place = error instanceof Error ? placeOf(error.stack ?? "") : undefined;
  return place === undefined ? messageOf(error) : `${messageOf(error)} (${place})`;
}

/** Node writes what it cannot parse above the stack: the file and line, some lines of code, and carets below the last. */
function placeOf(stack: string): string | undefined {
  const unparsed = /^(.+:\d+)\n(?:.*\n){1,3}?( *)\^/.exec(stack);
  if (unparsed) return `${unparsed[1]}:${(unparsed[2]?.length ?? 0) + 1}`;
  const frame = /^\s+at (?:.*\()?(file:\S+?):(\d+:\d+)\)?$/m.exec(stack);
  return frame?.[1] && !frame[1].includes("/node_modules/") ? `${fileURLToPath(frame[1])}:${frame[2]}` : undefined;
}

function configOf(file: string, module: unknown): WeftlineConfig {
  const config: unknown = (module as { default?: unknown }).default;
  if (typeof config === "object" && config !== null && "plugins" in config) return config as WeftlineConfig;
  const problem = config === undefined ? "it has no default export" : "its default export has no plugins";
  throw new WeftlineError("CONFIG_INVALID", { file, problem });
}

function withEnvironment(config: WeftlineConfig, { HOST, PORT, WEFTLINE_DATA, ...keys }: Environment): WeftlineConfig {
  const { server, dataDir } = config;
  const host = server?.host ?? (HOST || undefined);
  const port = server?.port ?? (PORT ? portOf(PORT) : undefined);
  const folder = dataDir ?? (WEFTLINE_DATA || undefined);
  return {
    ...config,
    server: { ...server, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) },
    ...(folder === undefined ? {} : { dataDir: folder }),
    ...(config.secrets === undefined ? secretsOf(keys) : {}),
  };
}

function secretsOf({ WEFTLINE_SECRET_KEY: keys, WEFTLINE_SECRET_KEY_FILE: keyFile }: Environment): Pick<WeftlineConfig, "secrets"> {
  if (!keys && !keyFile) return {};
  return { secrets: { ...(keys ? { keys: keys.trim().split(/[\s,]+/) } : {}), ...(keyFile ? { keyFile } : {}) } };
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const fix = "Set PORT to a number from 0 to 65535, where 0 takes any free port.";
  throw new WeftlineError("CONFIG_INVALID", { file: "the environment", problem: `PORT is "${text}"`, fix });
}

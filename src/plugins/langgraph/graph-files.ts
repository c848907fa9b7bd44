import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { WeftlineError, messageOf } from "#weftline";
import type { GraphSource } from "./contract.ts";

/** Where a graph stands: a file and what it exports. */
export interface GraphFile {
  readonly file: string;
  readonly exported: string;
}

/** @param text as in `./review.ts:graph`. */
export function graphFile(text: string, folder: string): GraphFile {
  const at = text.lastIndexOf(":");
  // A drive's letter ends in a colon too.
  const [path, exported] = at > 1 ? [text.slice(0, at), text.slice(at + 1)] : [text, "default"];
  return { file: isAbsolute(path) ? path : resolve(folder, path), exported: exported || "default" };
}

const projectFile = z.looseObject({
  graphs: z.record(z.string(), z.union([z.string(), z.looseObject({ path: z.string() })])),
});

/**
 * The graphs of a LangGraph project. Nothing else of its `langgraph.json` is of use here: what it says of the environment and of servers is the host's.
 *
 * @throws PLUGIN_CONFIG_INVALID
 */
export function projectGraphs(path: string): ReadonlyMap<string, GraphFile> {
  const file = resolve(path);
  const parsed = projectFile.safeParse(readProject(file));
  if (!parsed.success) throw misconfigured(`project: ${file} has no "graphs" by name`);
  const entries = Object.entries(parsed.data.graphs).map(([name, graph]) => {
    const text = typeof graph === "string" ? graph : graph.path;
    return [name, graphFile(text, dirname(file))] as const;
  });
  return new Map(entries);
}

function readProject(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw misconfigured(`project: ${file} cannot be read: ${messageOf(error)}`);
  }
}

/** Why a file cannot be one with a graph, or nothing. */
export function fileProblem({ file }: GraphFile): string | undefined {
  if (file.endsWith(".py")) return `${file} is Python: run it with a LangGraph server and name that in remotes`;
  return existsSync(file) ? undefined : `there is no file ${file}`;
}

/**
 * Imports a graph.
 *
 * @throws UNAVAILABLE where the file does not load or exports nothing of that name.
 */
export async function importGraph(name: string, { file, exported }: GraphFile): Promise<GraphSource> {
  const module = (await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw unavailable(name, `${file} does not load: ${messageOf(error)}`, error);
  })) as Readonly<Record<string, unknown>>;
  const found = module[exported];
  if (typeof found === "object" && found !== null) return found;
  if (typeof found === "function") return found as GraphSource;
  throw unavailable(name, `${file} exports no graph as "${exported}"; it exports ${Object.keys(module).join(", ") || "nothing"}.`);
}

export function misconfigured(problems: string): WeftlineError {
  return new WeftlineError("PLUGIN_CONFIG_INVALID", { plugin: "langgraph", problems });
}

export function unavailable(name: string, reason: string, cause?: unknown): WeftlineError {
  const details = { what: `The graph "${name}"`, reason, fix: "Correct the graph, or the options of langgraph() in plugins.config.ts." };
  return new WeftlineError("UNAVAILABLE", details, cause === undefined ? {} : { cause });
}

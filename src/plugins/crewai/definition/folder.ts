import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parse as parseJsonc, printParseErrorCode, type ParseError } from "jsonc-parser";
import { parse as parseYaml } from "yaml";
import { WeftlineError, messageOf } from "#weftline";
import type { ReadCrew } from "./crew.ts";
import { readCrew } from "./read.ts";

/**
 * Reads a crew's folder: `crew.jsonc` with `agents/*.jsonc`, or the classic `agents.yaml` with `tasks.yaml`, there or in `config`.
 *
 * @throws CREW_INVALID
 */
export function readFolder(folder: string, name: string = basename(folder)): ReadCrew {
  const crew = found(folder, ["crew.jsonc", "crew.json"]);
  if (crew !== undefined) return readCrew(withAgents(jsonFile(crew, name), folder, name), name);
  for (const place of [folder, join(folder, "config")]) {
    const agents = found(place, ["agents.yaml", "agents.yml"]);
    const tasks = found(place, ["tasks.yaml", "tasks.yml"]);
    if (agents !== undefined && tasks !== undefined)
      return readCrew({ agents: yamlFile(agents, name), tasks: yamlFile(tasks, name) }, name);
  }
  throw invalid(name, `${folder} has neither crew.jsonc nor agents.yaml and tasks.yaml`);
}

function found(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((file) => existsSync(file));
}

/** Names of agents become what stands in their files. */
function withAgents(crew: unknown, folder: string, name: string): unknown {
  if (typeof crew !== "object" || crew === null) return crew;
  const { agents, manager_agent: manager } = crew as { readonly agents?: unknown; readonly manager_agent?: unknown };
  if (!Array.isArray(agents) || !agents.every((agent): agent is string => typeof agent === "string")) return crew;
  const keys = typeof manager === "string" && !agents.includes(manager) ? [...agents, manager] : agents;
  const byKey = keys.map((key): [string, unknown] => {
    if (!/^[\w-]+$/.test(key)) throw invalid(name, `agents: "${key}" is not the name of a file`);
    const file = found(join(folder, "agents"), [`${key}.jsonc`, `${key}.json`]);
    if (file === undefined) throw invalid(name, `agents: there is no file agents/${key}.jsonc`);
    return [key, jsonFile(file, name)];
  });
  return { ...crew, agents: Object.fromEntries(byKey) };
}

function jsonFile(file: string, name: string): unknown {
  const text = readFileSync(file, "utf8");
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (!first) return value;
  const line = text.slice(0, first.offset).split("\n").length;
  throw invalid(name, `${basename(file)}, line ${line}: ${printParseErrorCode(first.error)}`);
}

function yamlFile(file: string, name: string): unknown {
  try {
    return parseYaml(readFileSync(file, "utf8"));
  } catch (error) {
    throw invalid(name, `${basename(file)}: ${messageOf(error).split("\n")[0]}`);
  }
}

function invalid(crew: string, problems: string): WeftlineError {
  return new WeftlineError("CREW_INVALID", { crew, problems, plugin: "crewai", issues: [{ path: ["crew"], message: problems }] });
}

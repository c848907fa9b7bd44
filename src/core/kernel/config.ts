import type { StandardSchemaV1 } from "@standard-schema/spec";
import { WeftlineError, type InputProblem } from "../errors.ts";
import { isPluginEntry, type PluginEntry, type PluginList } from "./spec.ts";

/** Flattens a plugins list; refuses what only looks like a plugin, saying what was meant. */
export async function flattenPlugins(list: PluginList, path = ""): Promise<PluginEntry[]> {
  const value = await list;
  if (value === false || value === null || value === undefined) return [];
  if (Array.isArray(value)) {
    const flat = [];
    for (const [index, item] of value.entries()) flat.push(...(await flattenPlugins(item as PluginList, `${path}[${index}]`)));
    return flat;
  }
  if (isPluginEntry(value)) return [value];
  throw new WeftlineError("NOT_A_PLUGIN", { index: path || "(the list itself)", ...describe(value) });
}

function describe(value: unknown): { got: string; fix?: string } {
  if (typeof value === "function") {
    const id = "id" in value && typeof value.id === "string" ? value.id : value.name || "plugin";
    return { got: `the function ${id} itself`, fix: `Call it: ${id}().` };
  }
  if (typeof value === "object" && value !== null && "plugins" in value) {
    return { got: "a whole configuration", fix: "Spread its list: ...config.plugins." };
  }
  return { got: typeof value };
}

/** Validates a value by any Standard Schema. */
export async function validate<Schema extends StandardSchemaV1>(
  schema: Schema,
  value: unknown,
): Promise<{ value: StandardSchemaV1.InferOutput<Schema> } | { problems: InputProblem[] }> {
  const result = await schema["~standard"].validate(value);
  if (!result.issues) return { value: result.value as StandardSchemaV1.InferOutput<Schema> };
  return {
    problems: result.issues.map((issue) => ({
      path: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)),
      message: issue.message,
    })),
  };
}

/** The validated configuration of a plugin entry. An omitted one is validated as `{}` where the schema takes an object. */
export async function configure(entry: PluginEntry): Promise<unknown> {
  if (!entry.spec.config) return undefined;
  const result = await validate(entry.spec.config, entry.options ?? {});
  if ("value" in result) return result.value;
  const problems = result.problems.map((problem) => `${problem.path.join(".") || "options"}: ${problem.message}`).join("; ");
  throw new WeftlineError("PLUGIN_CONFIG_INVALID", { plugin: entry.spec.id, problems });
}

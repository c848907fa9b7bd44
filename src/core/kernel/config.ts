import { WeftlineError, messageOf } from "../errors.ts";
import type { BootReport } from "./report.ts";
import { hostCopy, hostOf, isPluginEntry, type PluginEntry, type PluginList } from "./spec.ts";

/** Flattens a plugins list; notes what only looks like a plugin, saying what was meant. */
export async function flattenPlugins(list: PluginList, report: BootReport, path = ""): Promise<PluginEntry[]> {
  const refuse = (found: { got: string; fix?: string }, cause?: unknown): [] => {
    report.add("load", new WeftlineError("NOT_A_PLUGIN", { index: path || "(the list itself)", ...found }, { cause }));
    return [];
  };
  try {
    const value: unknown = await list;
    if (value === false || value === null || value === undefined) return [];
    if (isPluginEntry(value)) return ofThisHost(value, report);
    if (!Array.isArray(value)) return refuse(describe(value));
    // All at once: a promise that rejects while an earlier one is awaited would end the process.
    return (await Promise.all(value.map((item: PluginList, index) => flattenPlugins(item, report, `${path}[${index}]`)))).flat();
  } catch (error) {
    return refuse({ got: `a promise that failed with: ${messageOf(error)}` }, error);
  }
}

/** A plugin made by another copy of the host shares no token, entity or error class with this one. */
function ofThisHost(entry: PluginEntry, report: BootReport): PluginEntry[] {
  if (hostOf(entry) === hostCopy) return [entry];
  report.add("load", new WeftlineError("HOST_MIXED", { plugin: entry.spec.id, other: hostOf(entry), host: hostCopy }));
  return [];
}

function describe(value: unknown): { got: string; fix?: string } {
  if (typeof value === "function") {
    const id = "id" in value && typeof value.id === "string" ? value.id : value.name || "plugin";
    return { got: `the function ${id} itself`, fix: `Call it: ${id}().` };
  }
  if (typeof value !== "object" || value === null) return { got: `a ${typeof value}` };
  if ("plugins" in value) return { got: "a whole configuration", fix: "Spread its list: ...config.plugins." };
  if (Symbol.toStringTag in value) return { got: "a module", fix: 'Pick its plugin: import("…").then(({ agents }) => agents()).' };
  return { got: "an object", fix: "Define it and call the factory: definePlugin({ … })()." };
}

/** The validated configuration of a plugin entry. A schema that does not take an omitted one is given `{}` instead. */
export async function configure({ spec, options }: PluginEntry): Promise<unknown> {
  const schema = spec.config?.["~standard"];
  if (!schema) return undefined;
  let result = await schema.validate(options);
  if (result.issues && options === undefined) result = await schema.validate({});
  if (!result.issues) return result.value;
  const problems = result.issues.map(({ path = [], message }) => {
    const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
    return `${keys.join(".") || "options"}: ${message}`;
  });
  throw new WeftlineError("PLUGIN_CONFIG_INVALID", { plugin: spec.id, problems: problems.join("; ") });
}

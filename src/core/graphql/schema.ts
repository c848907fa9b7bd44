import { lexicographicSortSchema, printSchema, type GraphQLSchema } from "graphql";
import { WeftlineError, messageOf } from "../errors.ts";
import { createBuilder, partsOf, type GraphBuilder } from "./builder.ts";
import { addNodes } from "./nodes.ts";
import { reservedNames } from "./reserved-names.ts";
import { addUserErrors } from "./results.ts";

/** The part of a graph that one plugin adds. */
export interface SchemaPart {
  readonly plugin: string;
  readonly add: (builder: GraphBuilder) => void;
}

/** A graph and who defined what in it. */
export interface ComposedSchema {
  readonly schema: GraphQLSchema;
  /** The plugin that defined each type. */
  readonly owners: ReadonlyMap<string, string>;
}

/**
 * Builds the graph of all parts, in order. Pure: no IO, no services.
 *
 * @throws PLUGIN_TYPE_CLASH naming both plugins where two define one name, or where a name is reserved for another.
 */
export function composeSchema(parts: readonly SchemaPart[]): ComposedSchema {
  const builder = createBuilder();
  addNodes(builder);
  addUserErrors(builder);
  const owners = new Map([...typeNames(builder)].map((name) => [name, "weftline"]));
  for (const { plugin, add } of parts) {
    try {
      add(builder);
    } catch (error) {
      throw new WeftlineError("PLUGIN_TYPE_CLASH", { plugin, problem: explain(error, owners) }, { cause: error });
    }
    for (const name of typeNames(builder)) {
      if (owners.has(name)) continue;
      checkName(name, plugin, owners);
      owners.set(name, plugin);
    }
  }
  try {
    return { schema: builder.toSchema({ sortSchema: false }), owners };
  } catch (error) {
    throw new WeftlineError("PLUGIN_TYPE_CLASH", { plugin: "(unknown)", problem: explain(error, owners) }, { cause: error });
  }
}

function typeNames(builder: GraphBuilder): Set<string> {
  const store = (builder as unknown as { configStore: { typeConfigs: Map<string, unknown> } }).configStore;
  return new Set([...store.typeConfigs.keys(), ...partsOf(builder).nodes.keys()]);
}

function explain(error: unknown, owners: ReadonlyMap<string, string>): string {
  const message = messageOf(error);
  const clash = [...owners].find(([name]) => new RegExp(`\\b(typename|name) ${name}\\b|"${name}"|\\b${name}\\b`).test(message));
  return clash ? `${message} ("${clash[0]}" belongs to "${clash[1]}")` : message;
}

function checkName(name: string, plugin: string, owners: ReadonlyMap<string, string>): void {
  const owner = reservedNames[name];
  if (owner !== undefined) {
    if (owner === plugin) return;
    throw new WeftlineError("PLUGIN_TYPE_CLASH", { plugin, problem: `the type "${name}" is reserved for "${owner}".` });
  }
  const twin = [...owners.keys()].find((other) => other.toLowerCase() === name.toLowerCase());
  if (twin) throw new WeftlineError("PLUGIN_TYPE_CLASH", { plugin, problem: `"${name}" differs from "${twin}" of "${owners.get(twin)}" only in case.` });
  const prefix = plugin.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  if (name.startsWith(prefix)) return;
  throw new WeftlineError("PLUGIN_TYPE_CLASH", { plugin, problem: `the type "${name}" does not start with "${prefix}".` });
}

/** The graph as text: sorted, so that two prints of one graph are equal. */
export function printGraph(schema: GraphQLSchema): string {
  return `# Printed by: weftline schema print. Do not edit.\n\n${printSchema(lexicographicSortSchema(schema))}\n`;
}

import { lexicographicSortSchema, printSchema, validateSchema, type GraphQLSchema } from "graphql";
import { WeftlineError, messageOf } from "../errors.ts";
import { createBuilder, partsOf, type GraphBuilder, type NodeType } from "./builder.ts";
import { addNodes } from "./nodes.ts";
import { reservedNames } from "./reserved-names.ts";
import { addUserErrors } from "./results.ts";
import { addScalars } from "./scalars.ts";
import { fieldProblems } from "./shared-fields.ts";
import { labelMutations } from "./plugin-labels.ts";

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
  /** The node types by name. */
  readonly nodes: ReadonlyMap<string, NodeType>;
}

/**
 * Builds the graph of all parts, in order. Pure: no IO, no services.
 *
 * @throws PLUGIN_TYPE_CLASH naming both plugins where two define one name, where a name is reserved for another, or where fields of one
 * name could not be selected together; an AggregateError of several.
 */
export function composeSchema(parts: readonly SchemaPart[]): ComposedSchema {
  const { schema, owners, nodes, failures } = build(parts);
  if (schema) return { schema, owners, nodes };
  const errors = failures.map((failure) => clashOf(failure, parts));
  throw errors.length === 1 ? errors[0] : new AggregateError(errors);
}

/** Something that no graph can be built with. Only what a part did by itself is known to be its doing. */
interface Failure {
  readonly plugin?: string;
  readonly problem: string;
  readonly fix?: string;
  readonly cause?: unknown;
}

interface Attempt {
  readonly schema?: GraphQLSchema;
  readonly owners: ReadonlyMap<string, string>;
  readonly nodes: ReadonlyMap<string, NodeType>;
  readonly failures: readonly Failure[];
}

function build(parts: readonly SchemaPart[]): Attempt {
  const builder = createBuilder();
  addScalars(builder);
  addNodes(builder);
  addUserErrors(builder);
  const owners = new Map([...typeNames(builder)].map((name) => [name, "weftline"]));
  const { nodes, addedFields } = partsOf(builder);
  const failures: Failure[] = [];
  for (const { plugin, add } of parts) {
    try {
      noteFields(builder, plugin);
      add(builder);
    } catch (cause) {
      failures.push({ plugin, problem: messageOf(cause), cause });
    }
    for (const name of typeNames(builder)) {
      if (owners.has(name)) continue;
      const problem = problemOfName(name, plugin, owners);
      if (problem !== undefined) failures.push({ plugin, problem });
      owners.set(name, plugin);
    }
  }
  if (failures.length > 0) return { owners, nodes, failures };
  try {
    const schema = builder.toSchema({ sortSchema: false });
    const invalid = validateSchema(schema).map(({ message }) => ({ problem: message, fix: invalidFix }));
    if (invalid.length > 0) return { owners, nodes, failures: invalid };
    const problems = fieldProblems(schema, { types: owners, fields: addedFields });
    if (problems.length > 0) return { owners, nodes, failures: problems };
    labelMutations(schema, addedFields);
    return { schema, owners, nodes, failures };
  } catch (cause) {
    // Pothos shows a class as its whole source.
    return { owners, nodes, failures: [{ problem: messageOf(cause).replace(/(class \w+)[^]*\}/, "$1"), cause }] };
  }
}

const invalidFix = "Correct the plugin's schema: with it, every request of the host would fail.";

/** Finds who clashes with whom by building again without each of them: parts are pure, and Pothos names no plugin. */
function clashOf({ plugin, problem, cause, fix: known }: Failure, parts: readonly SchemaPart[]): WeftlineError {
  const fails = (some: readonly SchemaPart[]): boolean => build(some).failures.some((failure) => failure.problem === problem);
  const end =
    plugin === undefined ? parts.findIndex((_, at) => fails(parts.slice(0, at + 1))) : parts.findIndex((part) => part.plugin === plugin);
  const until = parts.slice(0, end + 1);
  // The last one: whoever defined the type that both extend stands before them.
  const other = cause === undefined ? undefined : until.slice(0, -1).findLast((part) => !fails(until.filter((each) => each !== part)));
  const type = /^Duplicate typename: .* (\w+) already exists/.exec(problem)?.[1] ?? "";
  const taken = other?.plugin ?? build([]).owners.get(type);
  const both = taken === undefined ? problem : `${problem} (by "${taken}")`;
  const fix =
    cause === undefined || taken !== undefined
      ? { ...(known === undefined ? {} : { fix: known }) }
      : { fix: "Mend the plugin's schema; what it uses of another plugin needs that plugin in the list." };
  return new WeftlineError("PLUGIN_TYPE_CLASH", { plugin: plugin ?? parts[end]?.plugin ?? "(unknown)", problem: both, ...fix }, { cause });
}

/** What is read of Pothos' own record of types and fields. */
interface ConfigStore {
  readonly typeConfigs: ReadonlyMap<string, unknown>;
  onTypeConfig(type: unknown, told: (config: { readonly name: string }) => void): void;
  addFields(type: unknown, fields: () => object): void;
}

function storeOf(builder: GraphBuilder): ConfigStore {
  return (builder as unknown as { readonly configStore: ConfigStore }).configStore;
}

function typeNames(builder: GraphBuilder): Set<string> {
  return new Set([...storeOf(builder).typeConfigs.keys(), ...partsOf(builder).nodes.keys()]);
}

/** From here on, notes a plugin as who adds fields to types; Pothos knows only the fields. */
function noteFields(builder: GraphBuilder, plugin: string): void {
  const store = storeOf(builder);
  const { addedFields } = partsOf(builder);
  store.addFields = (type, fields) =>
    Object.getPrototypeOf(store).addFields.call(store, type, () => {
      const added = fields();
      store.onTypeConfig(type, ({ name }) => {
        for (const field of Object.keys(added)) addedFields.set(`${name}.${field}`, plugin);
      });
      return added;
    });
}

function problemOfName(name: string, plugin: string, owners: ReadonlyMap<string, string>): string | undefined {
  const owner = reservedNames[name];
  if (owner !== undefined) return owner === plugin ? undefined : `the type "${name}" is reserved for "${owner}".`;
  const twin = [...owners.keys()].find((other) => other.toLowerCase() === name.toLowerCase());
  if (twin) return `"${name}" differs from "${twin}" of "${owners.get(twin)}" only in case.`;
  const prefix = plugin.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  // What follows the prefix starts a word: `ChatNote` is no name for a plugin "cha".
  if (name.startsWith(prefix) && !/^[a-z]/.test(name.slice(prefix.length))) return undefined;
  return `the type "${name}" does not start with "${prefix}".`;
}

/** The graph as text: sorted, so that two prints of one graph are equal. */
export function printGraph(schema: GraphQLSchema): string {
  return `# Printed by: weftline schema print. Do not edit.\n\n${printSchema(lexicographicSortSchema(schema))}\n`;
}

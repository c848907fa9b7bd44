import type { GraphQLSchema } from "graphql";
import type { NamedMigration } from "./database/database.ts";
import { sqliteExtensions, type SqliteExtension } from "./database/extensions.ts";
import type { OwnedEntity } from "./database/ownership.ts";
import { WeftlineError } from "./errors.ts";
import type { GraphBuilder, NodeType } from "./graphql/builder.ts";
import { composeSchema, type SchemaPart } from "./graphql/schema.ts";
import type { Kernel, LoadedPlugin } from "./kernel/kernel.ts";

/** What all plugins together declare: computed without IO, so `schema print` needs no key, network or database. */
export interface Composition {
  readonly schema: GraphQLSchema;
  readonly entities: readonly OwnedEntity[];
  readonly migrations: readonly NamedMigration[];
  readonly extensions: ReadonlyMap<string, SqliteExtension>;
}

/** @throws an AggregateError of all that is wrong. */
export function compose(kernel: Kernel): Composition {
  const plugins = kernel.plugins;
  const owned = plugins.flatMap(({ spec }) =>
    ((spec.entities ?? []) as readonly OwnedEntity[]).map((entity) => ({ plugin: spec.id, entity })),
  );
  const problems: unknown[] = owned.flatMap(({ plugin, entity }, at) => problemsOfEntity(plugin, entity, owned.slice(0, at)));
  try {
    const { schema, owners, nodes } = composeSchema(plugins.flatMap(schemaPartOf));
    for (const [name, node] of nodes) problems.push(...problemsOfNode(owners.get(name) ?? "(unknown)", name, node, owned));
    const entities = owned.map(({ entity }) => entity);
    if (problems.length === 0) return { schema, entities, migrations: plugins.flatMap(migrationsOf), extensions: extensionsOf(kernel) };
  } catch (error) {
    problems.push(...(error instanceof AggregateError ? error.errors : [error]));
  }
  throw new AggregateError(problems);
}

function extensionsOf({ registry }: Kernel): ReadonlyMap<string, SqliteExtension> {
  return new Map([...registry.contributions(sqliteExtensions)].map(([name, { value }]) => [name, value]));
}

function schemaPartOf({ spec, config }: LoadedPlugin): SchemaPart[] {
  const add = spec.schema as ((builder: GraphBuilder, config: unknown) => void) | undefined;
  return add ? [{ plugin: spec.id, add: (builder) => add(builder, config) }] : [];
}

interface PluginEntity {
  readonly plugin: string;
  readonly entity: OwnedEntity;
}

/** The columns by which the ownership filter tells rows apart. */
const ownerColumns = ["tenantId", "ownerId"] as const;

function problemsOfEntity(plugin: string, { schema, ownership }: OwnedEntity, before: readonly PluginEntity[]): WeftlineError[] {
  const problems: WeftlineError[] = [];
  const entity = schema?.meta?.className ?? "unknown";
  const table = schema?.meta?.tableName ?? entity;
  const prefix = `${plugin.replaceAll("-", "_")}_`;
  const missing = ownerColumns.filter((name) => !(name in (schema?.meta?.properties ?? {})));
  if (ownership === undefined) problems.push(new WeftlineError("PLUGIN_ENTITY_RULE", { plugin, entity }));
  else if (ownership.rule !== "INTERNAL" && missing.length > 0) {
    const message = `The entity "${entity}" of "${plugin}" is ${ownership.rule} but has no ${missing.join(" and no ")}.`;
    problems.push(
      new WeftlineError("PLUGIN_ENTITY_RULE", {
        plugin,
        entity,
        message,
        fix: "Add the strings tenantId and ownerId to it, or declare it INTERNAL.",
      }),
    );
  }
  if (!table.startsWith(prefix)) problems.push(new WeftlineError("PLUGIN_TABLE_PREFIX", { plugin, table, prefix }));
  const className = schema?.meta?.class?.name ?? entity;
  if (className !== entity) problems.push(new WeftlineError("PLUGIN_ENTITY_NAME", { plugin, entity, class: className }));
  const twin = before.find((other) => nameOf(other) === entity);
  if (twin) problems.push(new WeftlineError("PLUGIN_ENTITY_CLASH", { plugin: twin.plugin, other: plugin, entity }));
  const neighbour = before.find((other) => other !== twin && other.entity.schema?.meta?.tableName?.toLowerCase() === table.toLowerCase());
  if (neighbour && !isSubtype(schema, ownership, neighbour.entity))
    problems.push(new WeftlineError("PLUGIN_TABLE_CLASH", { plugin: neighbour.plugin, other: plugin, table }));
  return problems;
}

const nameOf = ({ entity }: PluginEntity): string | undefined => entity.schema?.meta?.className;

/** Whether both are kinds of one entity, in one table under one rule. */
function isSubtype(schema: OwnedEntity["schema"], { rule }: OwnedEntity["ownership"], other: OwnedEntity): boolean {
  const { meta } = schema.init();
  return other.ownership?.rule === rule && (meta.root === other.schema.init().meta.root || meta.extends !== undefined);
}

/** The graph must not promise another rule than the one that filters the rows. */
function problemsOfNode(plugin: string, name: string, { ownership, type }: NodeType, owned: readonly PluginEntity[]): WeftlineError[] {
  const entity = owned.find((each) => each.entity.schema?.meta?.class === type)?.entity.ownership;
  const declared = (ownership as NodeType["ownership"] | undefined)?.rule;
  if (declared !== undefined && (entity === undefined || entity.rule === declared)) return [];
  const message =
    declared === undefined
      ? `The node type "${name}" of "${plugin}" does not say who finds it.`
      : `The node type "${name}" of "${plugin}" is ${declared}, but its rows are ${entity?.rule}.`;
  const fix = `Declare it in nodeType: ownership: { rule: "${entity?.rule ?? "…"}" }.`;
  return [new WeftlineError("PLUGIN_ENTITY_RULE", { plugin, entity: name, message, fix })];
}

function migrationsOf({ spec }: LoadedPlugin): NamedMigration[] {
  return Object.entries(spec.migrations ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, migration]) => ({ name: `${spec.id}/${name}`, class: migration as NamedMigration["class"] }));
}

import type { GraphQLSchema } from "graphql";
import type { NamedMigration } from "./database/database.ts";
import type { OwnedEntity } from "./database/ownership.ts";
import { WeftlineError } from "./errors.ts";
import type { GraphBuilder } from "./graphql/builder.ts";
import { composeSchema } from "./graphql/schema.ts";
import type { Kernel, LoadedPlugin } from "./kernel/kernel.ts";

/** What all plugins together declare: computed without IO, so `schema print` needs no key, network or database. */
export interface Composition {
  readonly schema: GraphQLSchema;
  readonly entities: readonly OwnedEntity[];
  readonly migrations: readonly NamedMigration[];
}

export function compose(kernel: Kernel): Composition {
  const plugins = kernel.plugins;
  const { schema } = composeSchema(
    plugins.flatMap(({ spec, config }) =>
      spec.schema ? [{ plugin: spec.id, add: (builder: GraphBuilder) => (spec.schema as (builder: GraphBuilder, config: unknown) => void)(builder, config) }] : [],
    ),
  );
  return { schema, entities: plugins.flatMap(entitiesOf), migrations: plugins.flatMap(migrationsOf) };
}

function entitiesOf({ spec }: LoadedPlugin): OwnedEntity[] {
  const prefix = `${spec.id.replaceAll("-", "_")}_`;
  return ((spec.entities ?? []) as readonly OwnedEntity[]).map((entity) => {
    const name = entity.schema?.meta?.className ?? "unknown";
    if (entity.ownership === undefined) throw new WeftlineError("PLUGIN_ENTITY_RULE", { plugin: spec.id, entity: name });
    const table = entity.schema.meta.tableName ?? name;
    if (!table.startsWith(prefix)) throw new WeftlineError("PLUGIN_TABLE_PREFIX", { plugin: spec.id, table, prefix });
    return entity;
  });
}

function migrationsOf({ spec }: LoadedPlugin): NamedMigration[] {
  return Object.entries(spec.migrations ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, migration]) => ({ name: `${spec.id}/${name}`, class: migration as NamedMigration["class"] }));
}

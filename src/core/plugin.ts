import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { OwnedEntity } from "./database/ownership.ts";
import type { GraphBuilder } from "./graphql/builder.ts";
import {
  createFactory,
  type AnySpec,
  type ConfigOf,
  type KernelSpec,
  type PluginFactory,
  type Provides,
  type Requires,
} from "./kernel/spec.ts";

/** A migration's class, as MikroORM runs it. */
export type MigrationClass = new (...args: never[]) => { up(): void | Promise<void> };

/** A plugin: inert data, and one `setup` that runs once. */
export interface PluginSpec<Schema extends StandardSchemaV1 | undefined, Req extends Requires, Prov extends Provides> extends Omit<
  KernelSpec<Schema, Req, Prov>,
  "entities" | "migrations" | "schema"
> {
  /** Tables, each with who may read its rows; their names start with the plugin's id. */
  readonly entities?: readonly OwnedEntity[];
  /** By `<date>_<name>`; they run in the order of their names, after those of the plugins that this one requires. */
  readonly migrations?: Readonly<Record<`${number}_${string}`, MigrationClass>>;
  /** Adds to the graph. Pure: it reads no service, environment, clock or network, so that the printed graph never drifts. */
  readonly schema?: (builder: GraphBuilder, config: ConfigOf<Schema>) => void;
}

/**
 * Defines a plugin. What it returns stands in `plugins.config.ts`.
 *
 * @example
 * export const hello = definePlugin({
 *   id: "hello",
 *   config: z.object({ name: z.string().default("world") }),
 *   schema: (builder, config) =>
 *     builder.queryField("helloGreeting", (t) => t.string({ resolve: () => `Hello ${config.name}` })),
 * });
 */
export function definePlugin<
  const Schema extends StandardSchemaV1 | undefined = undefined,
  const Req extends Requires = Record<never, never>,
  const Prov extends Provides = Record<never, never>,
>(spec: PluginSpec<Schema, Req, Prov>): PluginFactory<Schema> {
  return createFactory<Schema>(Object.freeze({ ...spec }) as unknown as AnySpec);
}

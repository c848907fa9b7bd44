import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Contribution, ExtensionPoint, OptionalServiceRef, ServiceRef, StaticContribution } from "./refs.ts";

export type MaybePromise<T> = T | Promise<T>;

/** Tokens that a plugin asks for, by the name under which it wants them. */
export type Requires = Readonly<Record<string, ServiceRef<unknown> | OptionalServiceRef<unknown>>>;
/** Tokens that a plugin provides, by the name under which its `setup` returns them. */
export type Provides = Readonly<Record<string, ServiceRef<unknown>>>;

/** The services behind {@link Requires} or {@link Provides}. */
export type Resolved<Refs> = {
  readonly [Name in keyof Refs]: Refs[Name] extends ServiceRef<infer T>
    ? T
    : Refs[Name] extends OptionalServiceRef<infer T>
      ? T | undefined
      : never;
};

/** What `setup` returns: the services that the plugin provides, or nothing. */
export type SetupResult<Prov> = keyof Prov extends never ? void | Record<string, never> : Resolved<Prov>;

export type ConfigOf<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : undefined;

/** Structured logging, as pino does it: fields first, then the message. */
export interface Logger {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** Why a plugin that loaded cannot do its whole work, and the command or setting that changes it. */
export interface PluginStatus {
  readonly state: "READY" | "UNAVAILABLE";
  readonly reason?: string;
  readonly fix?: string;
}

/** What a plugin's `setup` is given. */
export interface SetupContext<Config = unknown, Deps = unknown> {
  readonly config: Config;
  readonly deps: Deps;
  readonly log: Logger;
  /** Aborts when the platform closes. */
  readonly signal: AbortSignal;
  /** Puts a value at an extension point. Refused once the platform is ready, and for a key that is taken. */
  contribute<T>(point: ExtensionPoint<T>, key: string, value: NoInfer<T>): void;
  /** A live view of an extension point: complete from `onReady` on. */
  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>>;
  /** Says that the plugin works in part or not at all, and what fixes it. */
  status(status: PluginStatus): void;
  /** Runs when every plugin is set up. */
  onReady(run: () => MaybePromise<void>): void;
  /** Runs at close, in reverse order of registration. */
  onClose(run: () => MaybePromise<void>): void;
}

/** The parts of a plugin that the kernel reads. What `entities`, `migrations` and `schema` hold is for other layers to know. */
export interface KernelSpec<Schema extends StandardSchemaV1 | undefined, Req extends Requires, Prov extends Provides> {
  readonly id: string;
  readonly version?: string;
  readonly kind?: "CORE" | "CAPABILITY" | "FRAMEWORK" | "ENGINE";
  readonly description?: string;
  /** Semver range of the host. */
  readonly weftline?: string;
  readonly config?: Schema;
  readonly requires?: Req;
  readonly provides?: Prov;
  readonly contributes?: readonly StaticContribution[];
  readonly entities?: readonly unknown[];
  readonly migrations?: Readonly<Record<string, unknown>>;
  readonly schema?: unknown;
  readonly setup?: (ctx: SetupContext<ConfigOf<Schema>, Resolved<Req>>) => MaybePromise<SetupResult<NoInfer<Prov>>>;
}

/** A spec with its types forgotten, as the kernel handles it. */
export type AnySpec = Omit<KernelSpec<StandardSchemaV1 | undefined, Requires, Provides>, "setup"> & {
  readonly setup?: (ctx: SetupContext<never, never>) => MaybePromise<Record<string, unknown>>;
};

/** How an entry stands in the configuration. */
export interface EntryOptions {
  /** A failing `setup` leaves the plugin out instead of failing the boot. */
  readonly optional?: true;
  /** Reads the plugin (its tables and types stay) but never sets it up. */
  readonly disabled?: true;
}

const entryBrand: unique symbol = Symbol.for("weftline.pluginEntry");

/** The copy of the host that this module belongs to. Tokens and entities of two copies never meet. */
export const hostCopy = new URL("../..", import.meta.url).href;

/** A plugin with its options: what stands in the `plugins` list. */
export interface PluginEntry extends EntryOptions {
  /** The copy of the host whose `definePlugin` made it. */
  readonly [entryBrand]: string;
  readonly spec: AnySpec;
  readonly options: unknown;
}

/** What may stand in a `plugins` list: entries, lists of them, promises of them, and nothing. */
export type PluginList = MaybePromise<PluginEntry | readonly PluginList[] | false | null | undefined>;

type FactoryArguments<Schema> = Schema extends StandardSchemaV1
  ? undefined extends StandardSchemaV1.InferInput<Schema>
    ? [options?: StandardSchemaV1.InferInput<Schema>, entry?: EntryOptions]
    : Record<never, never> extends StandardSchemaV1.InferInput<Schema>
      ? [options?: StandardSchemaV1.InferInput<Schema>, entry?: EntryOptions]
      : [options: StandardSchemaV1.InferInput<Schema>, entry?: EntryOptions]
  : [options?: undefined, entry?: EntryOptions];

/** Makes an entry of a plugin; typed by the plugin's own configuration schema. */
export interface PluginFactory<Schema> {
  (...args: FactoryArguments<Schema>): PluginEntry;
  readonly id: string;
}

export function createFactory<Schema>(spec: AnySpec): PluginFactory<Schema> {
  const factory = (options?: unknown, entry: EntryOptions = {}): PluginEntry =>
    Object.freeze({ [entryBrand]: hostCopy, spec, options, ...entry });
  return Object.freeze(Object.assign(factory, { id: spec.id })) as PluginFactory<Schema>;
}

export function isPluginEntry(value: unknown): value is PluginEntry {
  return typeof value === "object" && value !== null && entryBrand in value;
}

/** Where the copy of the host is whose `definePlugin` made an entry. */
export function hostOf(entry: PluginEntry): string {
  return entry[entryBrand];
}

/** A typed name of a service: one plugin provides it, many use it. Compared by `id`, so two copies of a package still meet. */
export interface ServiceRef<T> {
  readonly kind: "service";
  readonly id: string;
  /** Carries the type only; never set. */
  readonly type?: T;
}

/** A {@link ServiceRef} that a plugin can do without: its dependency is `undefined` where nobody provides it. */
export interface OptionalServiceRef<T> {
  readonly kind: "optional";
  readonly ref: ServiceRef<T>;
}

/** The service behind a requirement, optional or not. */
export function refOf<T>(wanted: ServiceRef<T> | OptionalServiceRef<T>): ServiceRef<T> {
  return wanted.kind === "optional" ? wanted.ref : wanted;
}

/** A typed name of a place where many plugins put keyed values and one plugin reads them. Compared by `id`. */
export interface ExtensionPoint<T> {
  readonly kind: "point";
  readonly id: string;
  /** Carries the type only; never set. */
  readonly type?: T;
}

/** One value at an extension point, with the plugin that put it there. */
export interface Contribution<T> {
  readonly point: string;
  readonly key: string;
  readonly value: T;
  readonly plugin: string;
}

/**
 * Names a service.
 *
 * @param id `<plugin>.<service>`, unique in the host.
 * @example const chatService = serviceRef<ChatService>("chat.chat");
 */
export function serviceRef<T>(id: string): ServiceRef<T> {
  return Object.freeze({ kind: "service", id });
}

/**
 * Marks a dependency as optional.
 *
 * @example requires: { budgets: optional(budgetService) }
 */
export function optional<T>(ref: ServiceRef<T>): OptionalServiceRef<T> {
  return Object.freeze({ kind: "optional", ref });
}

/**
 * Names an extension point.
 *
 * @param id `<owner>.<plural noun>`, unique in the host.
 * @example const runtimes = extensionPoint<AgentRuntime>("runs.runtimes");
 */
export function extensionPoint<T>(id: string): ExtensionPoint<T> {
  return Object.freeze({ kind: "point", id });
}

/**
 * A contribution that needs no running plugin, for the `contributes` list of a plugin.
 *
 * @example contributes: [contribution(commands, "chat", chatCommand)]
 */
export function contribution<T>(point: ExtensionPoint<T>, key: string, value: NoInfer<T>): StaticContribution {
  return Object.freeze({ point: point.id, key, value });
}

/** What {@link contribution} makes. */
export type StaticContribution = Omit<Contribution<unknown>, "plugin">;

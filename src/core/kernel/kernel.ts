import { WeftlineError, messageOf } from "../errors.ts";
import { configure, flattenPlugins } from "./config.ts";
import { Lifecycle, type Failure } from "./lifecycle.ts";
import type { Contribution, ExtensionPoint, ServiceRef } from "./refs.ts";
import { Registry } from "./registry.ts";
import { BootReport, type Phase } from "./report.ts";
import { checkEntries, resolveOrder } from "./resolve.ts";
import type { AnySpec, Logger, MaybePromise, PluginEntry, PluginList, PluginStatus, SetupContext } from "./spec.ts";

/** What the kernel is given. */
export interface KernelOptions {
  readonly plugins: PluginList;
  /** The host's version, against which plugins declare a range. */
  readonly hostVersion: string;
  readonly log: Logger;
  /** Services of the host itself; their values follow by {@link Kernel.provide}. */
  readonly hostServices?: readonly ServiceRef<unknown>[];
}

/** A plugin that loaded: its spec, its validated configuration, and how it stands in the list. */
export interface LoadedPlugin {
  readonly spec: AnySpec;
  readonly config: unknown;
  readonly entry: PluginEntry;
}

/**
 * Loads plugins and runs them through the phases. It knows nothing of databases or graphs: the platform gives it what runs in
 * `compose`, `migrate` and `serve`.
 */
export class Kernel {
  readonly report = new BootReport();
  readonly #options: KernelOptions;
  readonly #registry = new Registry();
  readonly #lifecycle = new Lifecycle();
  readonly #abort = new AbortController();
  #plugins: readonly LoadedPlugin[] = [];

  constructor(options: KernelOptions) {
    this.#options = options;
  }

  /** In dependency order. */
  get plugins(): readonly LoadedPlugin[] {
    return this.#plugins;
  }

  /** Runs `load`, `configure` and `resolve`: no IO, nothing of a plugin but its configuration schema. */
  async load(): Promise<void> {
    const entries = await this.phase("load", async () => {
      const flat = await flattenPlugins(this.#options.plugins);
      checkEntries(flat, this.#options.hostVersion, this.report);
      return flat;
    });
    const configs = await this.phase("configure", () => this.#configure(entries));
    await this.phase("resolve", () => {
      const active = entries.filter((entry) => !entry.disabled);
      const host = new Set((this.#options.hostServices ?? []).map((ref) => ref.id));
      const ordered = resolveOrder(active, host, this.report);
      const disabled = entries.filter((entry) => entry.disabled);
      this.#plugins = [...ordered, ...disabled].map((entry) => ({ entry, spec: entry.spec, config: configs.get(entry) }));
      for (const { spec, entry } of this.#plugins) {
        this.report.plugins.set(spec.id, { id: spec.id, state: entry.disabled ? "DISABLED" : "UNAVAILABLE" });
        if (!entry.disabled) this.#contributeStatic(spec);
      }
    });
  }

  /** Runs one phase, times it, and stops the boot if it left problems. */
  async phase<T>(phase: Phase, run: () => MaybePromise<T>): Promise<T> {
    const start = performance.now();
    try {
      const result = await run();
      this.report.phases.push({ phase, ms: performance.now() - start });
      this.report.stopOnProblems();
      return result;
    } catch (error) {
      if (!(error instanceof WeftlineError && error.code === "BOOT_FAILED")) this.report.add(phase, error);
      this.report.stopOnProblems();
      throw error;
    }
  }

  /** Gives a host service its value. */
  provide<T>(ref: ServiceRef<T>, value: T): void {
    this.#registry.provide(ref, value, "weftline");
  }

  /** Runs `setup` of each plugin in order, then the ready hooks, and freezes the registry. */
  async setup(): Promise<void> {
    await this.phase("setup", async () => {
      for (const plugin of this.#plugins) if (!plugin.entry.disabled) await this.#setupOne(plugin);
    });
    await this.phase("ready", async () => {
      this.#registry.freeze();
      for (const { plugin, error } of await this.#lifecycle.ready()) this.#failed(plugin, error, "ready");
    });
  }

  /** @throws UNAVAILABLE where nobody provides the service. */
  use<T>(ref: ServiceRef<T>): T {
    return this.#registry.use(ref);
  }

  has(ref: ServiceRef<unknown>): boolean {
    return this.#registry.has(ref);
  }

  contributions<T>(point: ExtensionPoint<T>): ReadonlyMap<string, Contribution<T>> {
    return this.#registry.contributions(point);
  }

  contributionsOf(plugin: string): Contribution<unknown>[] {
    return this.#registry.contributionsOf(plugin);
  }

  /** Registers something of the host to close with the plugins. */
  onClose(run: () => MaybePromise<void>): void {
    this.#lifecycle.onClose("weftline", run);
  }

  /** Closes in reverse order; every hook runs, also after one that failed. */
  async close(): Promise<Failure[]> {
    this.#abort.abort(new WeftlineError("SHUTTING_DOWN"));
    return this.#lifecycle.close();
  }

  async #configure(entries: readonly PluginEntry[]): Promise<Map<PluginEntry, unknown>> {
    const configs = new Map<PluginEntry, unknown>();
    for (const entry of entries) {
      try {
        configs.set(entry, await configure(entry));
      } catch (error) {
        this.report.add("configure", error, entry.spec.id);
      }
    }
    return configs;
  }

  #contributeStatic(spec: AnySpec): void {
    for (const contribution of spec.contributes ?? []) {
      try {
        this.#registry.contribute({ ...contribution, plugin: spec.id });
      } catch (error) {
        this.report.add("resolve", error, spec.id);
      }
    }
  }

  async #setupOne({ spec, config }: LoadedPlugin): Promise<void> {
    const start = performance.now();
    const entry = this.report.plugins.get(spec.id);
    if (!entry) return;
    try {
      const provided = (await spec.setup?.(this.#contextOf(spec, config) as SetupContext<never, never>)) ?? {};
      for (const [name, ref] of Object.entries(spec.provides ?? {})) {
        if (provided[name] === undefined) throw new WeftlineError("PLUGIN_NOT_PROVIDED", { plugin: spec.id, service: name });
        this.#registry.provide(ref, provided[name], spec.id);
      }
      if (entry.reason === undefined) entry.state = "READY";
    } catch (error) {
      await this.#lifecycle.close(spec.id);
      this.#failed(spec.id, error, "setup");
    } finally {
      entry.setupMs = performance.now() - start;
    }
  }

  #contextOf(spec: AnySpec, config: unknown): SetupContext {
    return {
      config,
      deps: this.#depsOf(spec),
      log: this.#options.log.child({ plugin: spec.id }),
      signal: this.#abort.signal,
      contribute: (point, key, value) => this.#registry.contribute({ point: point.id, key, value, plugin: spec.id }),
      contributions: (point) => this.#registry.contributions(point),
      status: (status) => this.#status(spec.id, status),
      onReady: (run) => this.#lifecycle.onReady(spec.id, run),
      onClose: (run) => this.#lifecycle.onClose(spec.id, run),
    };
  }

  #depsOf(spec: AnySpec): Record<string, unknown> {
    const deps: Record<string, unknown> = {};
    for (const [name, wanted] of Object.entries(spec.requires ?? {})) {
      if (wanted.kind === "service") deps[name] = this.#registry.use(wanted);
      else if (this.#registry.has(wanted.ref)) deps[name] = this.#registry.use(wanted.ref);
    }
    return deps;
  }

  #status(plugin: string, status: PluginStatus): void {
    const entry = this.report.plugins.get(plugin);
    if (!entry) return;
    entry.state = status.state;
    if (status.reason !== undefined) entry.reason = status.reason;
    if (status.fix !== undefined) entry.fix = status.fix;
  }

  #failed(plugin: string, error: unknown, phase: Phase): void {
    const optional = this.#plugins.find(({ spec }) => spec.id === plugin)?.entry.optional;
    if (!optional) {
      this.report.add(phase, error, plugin);
      return;
    }
    const entry = this.report.plugins.get(plugin);
    if (entry) Object.assign(entry, { state: "FAILED", reason: messageOf(error), ...(error instanceof WeftlineError ? { fix: error.fix } : {}) });
    this.#options.log.warn({ plugin, err: error }, "an optional plugin was left out");
  }
}

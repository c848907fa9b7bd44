import { WeftlineError, messageOf } from "../errors.ts";
import { configure, flattenPlugins } from "./config.ts";
import { Lifecycle, type Failure, type LifecycleOptions } from "./lifecycle.ts";
import { refOf, type ServiceRef } from "./refs.ts";
import { Registry } from "./registry.ts";
import { BootReport, type Phase, type PluginReport } from "./report.ts";
import { checkEntries, resolveOrder } from "./resolve.ts";
import type { AnySpec, Logger, MaybePromise, PluginEntry, PluginList, SetupContext } from "./spec.ts";

/** What the kernel is given. */
export interface KernelOptions extends LifecycleOptions {
  readonly plugins: PluginList;
  /** Plugins of the host itself: they stand before the list. */
  readonly hostPlugins?: readonly PluginEntry[];
  /** Services of the host itself; their values follow by {@link Kernel.provide}. */
  readonly hostServices?: readonly ServiceRef<unknown>[];
  /** The host's version, against which plugins declare a range. */
  readonly hostVersion: string;
  readonly log: Logger;
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
  /** What the plugins provide and contribute. */
  readonly registry = new Registry();
  readonly #options: KernelOptions;
  readonly #lifecycle: Lifecycle;
  readonly #abort = new AbortController();
  #plugins: readonly LoadedPlugin[] = [];

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#lifecycle = new Lifecycle(options);
  }

  /** In dependency order. */
  get plugins(): readonly LoadedPlugin[] {
    return this.#plugins;
  }

  /** Runs `load`, `configure` and `resolve`: no IO, nothing of a plugin but its configuration schema. */
  async load(): Promise<void> {
    const { plugins, hostPlugins = [], hostServices = [], hostVersion } = this.#options;
    const entries = await this.phase("load", async () => {
      const flat = [...hostPlugins, ...(await flattenPlugins(plugins, this.report))];
      checkEntries(flat, hostVersion, this.report);
      return flat;
    });
    const configs = new Map<PluginEntry, unknown>();
    await this.phase("configure", async () => {
      for (const entry of entries) await this.#noting("configure", entry, async () => configs.set(entry, await configure(entry)));
    });
    await this.phase("resolve", async () => {
      const ordered = resolveOrder(entries, new Set(hostServices.map((ref) => ref.id)), this.report);
      this.#plugins = ordered.map((entry) => ({ entry, spec: entry.spec, config: configs.get(entry) }));
      for (const { spec, entry } of this.#plugins) {
        this.report.plugins.set(spec.id, { id: spec.id, state: entry.disabled ? "DISABLED" : "UNAVAILABLE" });
        for (const contribution of entry.disabled ? [] : (spec.contributes ?? [])) {
          await this.#noting("resolve", entry, () => this.registry.contribute({ ...contribution, plugin: spec.id }));
        }
      }
    });
  }

  /** Runs one phase, times it, and stops the boot if it left problems; an `AggregateError` is as many as it holds. */
  async phase<T>(phase: Phase, run: () => MaybePromise<T>): Promise<T> {
    const start = performance.now();
    let result: T | undefined;
    try {
      result = await run();
    } catch (error) {
      for (const each of error instanceof AggregateError ? error.errors : [error]) this.report.add(phase, each);
    }
    this.report.phases.push({ phase, ms: performance.now() - start });
    this.report.stopOnProblems();
    return result as T;
  }

  /** Gives a host service its value. */
  provide<T>(ref: ServiceRef<T>, value: NoInfer<T>): void {
    this.registry.provide(ref, value, "weftline");
  }

  /** Runs `setup` of each plugin in order, freezes the registry, then runs the ready hooks. @param beforeReady what must hold before anything begins. */
  async setup(beforeReady: () => MaybePromise<void> = () => {}): Promise<void> {
    await this.phase("setup", async () => {
      for (const plugin of this.#plugins) if (!plugin.entry.disabled) await this.#setupOne(plugin);
    });
    await this.phase("serve", beforeReady);
    await this.phase("ready", async () => {
      this.registry.freeze();
      for (const { plugin, error } of await this.#lifecycle.ready()) this.#failed(plugin, error, "ready");
    });
  }

  /** Closes in reverse order; every hook runs, also after one that failed. */
  close(): Promise<Failure[]> {
    this.#abort.abort(new WeftlineError("SHUTTING_DOWN"));
    return this.#lifecycle.close();
  }

  async #noting(phase: Phase, { spec }: PluginEntry, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.report.add(phase, error, spec.id);
    }
  }

  async #setupOne({ spec, config }: LoadedPlugin): Promise<void> {
    const report = this.#reportOf(spec.id);
    const start = performance.now();
    try {
      const context = this.#contextOf(spec, config) as SetupContext<never, never>;
      report.state = "READY";
      const provided = (await this.#lifecycle.run(spec.id, "setup", () => spec.setup?.(context))) ?? {};
      const services = Object.entries(spec.provides ?? {});
      const service = services.find(([name]) => provided[name] === undefined)?.[0];
      if (service !== undefined) throw new WeftlineError("PLUGIN_NOT_PROVIDED", { plugin: spec.id, service });
      for (const [name, ref] of services) this.registry.provide(ref, provided[name], spec.id);
    } catch (error) {
      this.registry.withdraw(spec.id);
      for (const failure of await this.#lifecycle.close(spec.id)) this.#options.log.warn({ ...failure }, "closing failed");
      this.#failed(spec.id, error, "setup");
    } finally {
      report.setupMs = performance.now() - start;
    }
  }

  #contextOf(spec: AnySpec, config: unknown): SetupContext {
    return {
      config,
      deps: this.#depsOf(spec),
      log: this.#options.log.child({ plugin: spec.id }),
      signal: this.#abort.signal,
      contribute: (point, key, value) => this.registry.contribute({ point: point.id, key, value, plugin: spec.id }),
      contributions: (point) => this.registry.contributions(point),
      status: (status) => void Object.assign(this.#reportOf(spec.id), { reason: undefined, fix: undefined, ...status }),
      onReady: (run) => this.#lifecycle.onReady(spec.id, run),
      onClose: (run) => this.#lifecycle.onClose(spec.id, run),
    };
  }

  #depsOf(spec: AnySpec): Record<string, unknown> {
    const deps: Record<string, unknown> = {};
    for (const [name, wanted] of Object.entries(spec.requires ?? {})) {
      const ref = refOf(wanted);
      if (this.registry.has(ref)) deps[name] = this.registry.use(ref);
      else if (wanted.kind === "service") throw new WeftlineError("SERVICE_LEFT_OUT", { plugin: spec.id, service: ref.id });
    }
    return deps;
  }

  #reportOf(plugin: string): PluginReport {
    const report = this.report.plugins.get(plugin) ?? { id: plugin, state: "UNAVAILABLE" };
    this.report.plugins.set(plugin, report);
    return report;
  }

  #failed(plugin: string, error: unknown, phase: Phase): void {
    const fix = error instanceof WeftlineError ? error.fix : undefined;
    Object.assign(this.#reportOf(plugin), { state: "FAILED", reason: messageOf(error), fix });
    if (this.#plugins.find(({ spec }) => spec.id === plugin)?.entry.optional) {
      this.#options.log.warn({ plugin, err: error }, "an optional plugin was left out");
    } else this.report.add(phase, error, plugin);
  }
}

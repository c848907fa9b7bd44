import { WeftlineError } from "../errors.ts";
import { within } from "./deadline.ts";
import type { MaybePromise } from "./spec.ts";

/** Something that failed, and whose it was. */
export interface Failure {
  readonly plugin: string;
  readonly error: unknown;
}

/** How long the parts of a plugin may take, in milliseconds. */
export interface PluginTimeouts {
  /** `setup`, and each `onReady`; 60,000 by default. */
  readonly setup?: number;
  /** Each `onClose`; 5,000 by default. */
  readonly close?: number;
}

const defaultTimeouts = { setup: 60_000, close: 5_000 } as const satisfies Required<PluginTimeouts>;

/** How parts of plugins are run. */
export interface LifecycleOptions {
  readonly timeouts?: PluginTimeouts | undefined;
  /** Runs code of a plugin, noting whose it is. */
  readonly label?: <T>(plugin: string, work: () => T) => T;
}

type Hook = { readonly plugin: string; readonly run: () => MaybePromise<void> };

/** Runs the hooks that plugins leave behind: ready ones in order, close ones in reverse, each at most once. */
export class Lifecycle {
  #ready: Hook[] = [];
  #close: Hook[] = [];
  readonly #timeouts: Required<PluginTimeouts>;

  readonly #label;

  constructor({ timeouts, label = (_, work) => work() }: LifecycleOptions) {
    this.#timeouts = { ...defaultTimeouts, ...timeouts };
    this.#label = label;
  }

  /** Runs a part of a plugin. @throws PLUGIN_TIMEOUT where it does not end in time. */
  run<T>(plugin: string, what: string, work: () => MaybePromise<T>): Promise<T> {
    const ms = this.#timeouts[what === "onClose" ? "close" : "setup"];
    return within(
      ms,
      () => this.#label(plugin, work),
      () => new WeftlineError("PLUGIN_TIMEOUT", { plugin, what, seconds: ms / 1_000 }),
    );
  }

  onReady(plugin: string, run: () => MaybePromise<void>): void {
    this.#ready.push({ plugin, run });
  }

  onClose(plugin: string, run: () => MaybePromise<void>): void {
    this.#close.push({ plugin, run });
  }

  /** Runs the ready hooks, stopping at none; answers what failed. */
  ready(): Promise<Failure[]> {
    return this.#runAll(this.#ready.splice(0), "onReady");
  }

  /** Runs the close hooks of one plugin or of all, last first, and forgets the ready hooks; answers what failed. */
  close(plugin?: string): Promise<Failure[]> {
    const closes = (hook: Hook): boolean => plugin === undefined || hook.plugin === plugin;
    const closing = this.#close.filter(closes).toReversed();
    this.#close = this.#close.filter((hook) => !closes(hook));
    this.#ready = this.#ready.filter((hook) => !closes(hook));
    return this.#runAll(closing, "onClose");
  }

  async #runAll(hooks: readonly Hook[], what: string): Promise<Failure[]> {
    const failures: Failure[] = [];
    for (const { plugin, run } of hooks) {
      try {
        await this.run(plugin, what, run);
      } catch (error) {
        failures.push({ plugin, error });
      }
    }
    return failures;
  }
}

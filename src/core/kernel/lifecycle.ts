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

export const defaultTimeouts = { setup: 60_000, close: 5_000 } as const satisfies Required<PluginTimeouts>;

/** @returns the error of a part of a plugin that did not end in time. */
export function hangs(plugin: string, what: "setup" | "onReady" | "onClose", ms: number): WeftlineError {
  return new WeftlineError("PLUGIN_TIMEOUT", { plugin, what, seconds: ms / 1_000 });
}

type Hook = { readonly plugin: string; readonly run: () => MaybePromise<void> };

/** Runs the hooks that plugins leave behind: ready ones in order, close ones in reverse, each at most once. */
export class Lifecycle {
  #ready: Hook[] = [];
  #close: Hook[] = [];
  readonly #timeouts: Required<PluginTimeouts>;

  constructor(timeouts: PluginTimeouts = {}) {
    this.#timeouts = { ...defaultTimeouts, ...timeouts };
  }

  onReady(plugin: string, run: () => MaybePromise<void>): void {
    this.#ready.push({ plugin, run });
  }

  onClose(plugin: string, run: () => MaybePromise<void>): void {
    this.#close.push({ plugin, run });
  }

  /** Runs the ready hooks, stopping at none; answers what failed. */
  ready(): Promise<Failure[]> {
    return runAll(this.#ready.splice(0), "onReady", this.#timeouts.setup);
  }

  /** Runs the close hooks of one plugin or of all, last first, and forgets the ready hooks; answers what failed. */
  close(plugin?: string): Promise<Failure[]> {
    const closes = (hook: Hook): boolean => plugin === undefined || hook.plugin === plugin;
    const closing = this.#close.filter(closes).toReversed();
    this.#close = this.#close.filter((hook) => !closes(hook));
    this.#ready = this.#ready.filter((hook) => !closes(hook));
    return runAll(closing, "onClose", this.#timeouts.close);
  }
}

async function runAll(hooks: readonly Hook[], what: "onReady" | "onClose", ms: number): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const { plugin, run } of hooks) {
    try {
      await within(ms, run, () => hangs(plugin, what, ms));
    } catch (error) {
      failures.push({ plugin, error });
    }
  }
  return failures;
}

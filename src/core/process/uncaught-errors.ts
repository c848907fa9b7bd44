import { AsyncLocalStorage } from "node:async_hooks";
import { WeftlineError } from "../errors.ts";
import { serviceRef } from "../kernel/refs.ts";
import type { Logger } from "../kernel/spec.ts";

/** What is known of whose code runs: for the log, and for the error that a run or request fails with. */
export interface WorkLabels {
  readonly runId?: string;
  readonly threadId?: string;
  readonly requestId?: string;
  /** What others are told of the trace that it is part of. */
  readonly traceparent?: string;
  readonly plugin?: string;
  readonly tool?: string;
}

interface Work {
  readonly labels: WorkLabels;
  readonly fail?: ((error: WeftlineError) => void) | undefined;
}

/**
 * Errors that nothing catches: a forgotten `await`, a callback that throws. They are laid to the run or request that the code worked for,
 * which fails; the server goes on.
 */
export class UncaughtErrors {
  readonly #log: Logger;
  readonly #current = new AsyncLocalStorage<Work>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Runs work, which is told of what it, or what it started, leaves uncaught. */
  watch<T>(labels: WorkLabels, fail: (error: WeftlineError) => void, work: () => T): T {
    return this.#current.run({ labels, fail }, work);
  }

  /** Runs work to its end, or to the first error that it leaves uncaught before that. @throws UNCAUGHT_ERROR */
  settle<T>(labels: WorkLabels, work: () => T | Promise<T>): T | Promise<T> {
    let fail: (error: WeftlineError) => void = () => undefined;
    const result = this.watch(labels, (error) => fail(error), work);
    if (!(result instanceof Promise)) return result;
    return new Promise((resolve, reject) => {
      fail = reject;
      result.then(resolve, reject);
    });
  }

  /** Runs a part of the work at hand, or something of a plugin by itself, and knows more about it. */
  label<T>(labels: WorkLabels, work: () => T): T {
    const current = this.#current.getStore();
    return this.#current.run({ labels: { ...current?.labels, ...labels }, fail: current?.fail }, work);
  }

  /** What is known of the code that calls this. */
  labels(): WorkLabels {
    return this.#current.getStore()?.labels ?? {};
  }

  /** Logs an error that nothing caught, and fails what the code worked for. Call it from the process's own events: the context is theirs. */
  handle(error: unknown): void {
    const current = this.#current.getStore();
    const labels = current?.labels ?? {};
    this.#log.error({ ...labels, err: error }, "an error was not caught; the server goes on");
    current?.fail?.(new WeftlineError("UNCAUGHT_ERROR", { ...labels, where: whereOf(labels) }, { cause: error }));
  }
}

export const uncaughtErrors = serviceRef<UncaughtErrors>("weftline.uncaughtErrors");

function whereOf({ tool, plugin }: WorkLabels): string {
  if (tool !== undefined) return `the tool "${tool}"`;
  return plugin === undefined ? "its code" : `code of the plugin "${plugin}"`;
}

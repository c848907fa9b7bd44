import type { MaybePromise } from "./spec.ts";

/** Something that failed, and whose it was. */
export interface Failure {
  readonly plugin: string;
  readonly error: unknown;
}

type Hook = { readonly plugin: string; readonly run: () => MaybePromise<void> };

/** Runs the hooks that plugins leave behind: ready ones in order, close ones in reverse, each at most once. */
export class Lifecycle {
  #ready: Hook[] = [];
  #close: Hook[] = [];

  onReady(plugin: string, run: () => MaybePromise<void>): void {
    this.#ready.push({ plugin, run });
  }

  onClose(plugin: string, run: () => MaybePromise<void>): void {
    this.#close.push({ plugin, run });
  }

  /** Runs the ready hooks, stopping at none; answers what failed. */
  ready(): Promise<Failure[]> {
    return runAll(this.#ready.splice(0));
  }

  /** Runs the close hooks of one plugin or of all, last first, and forgets the ready hooks; answers what failed. */
  close(plugin?: string): Promise<Failure[]> {
    const closes = (hook: Hook): boolean => plugin === undefined || hook.plugin === plugin;
    const closing = this.#close.filter(closes).toReversed();
    this.#close = this.#close.filter((hook) => !closes(hook));
    this.#ready = this.#ready.filter((hook) => !closes(hook));
    return runAll(closing);
  }
}

async function runAll(hooks: readonly Hook[]): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const { plugin, run } of hooks) {
    try {
      await run();
    } catch (error) {
      failures.push({ plugin, error });
    }
  }
  return failures;
}

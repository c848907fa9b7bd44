import type { MaybePromise } from "./spec.ts";

/** Something that failed, and whose it was. */
export interface Failure {
  readonly plugin: string;
  readonly error: unknown;
}

interface Hook {
  readonly plugin: string;
  readonly run: () => MaybePromise<void>;
}

/** Runs the hooks that plugins leave behind: ready ones in order, close ones in reverse, each at most once. */
export class Lifecycle {
  readonly #ready: Hook[] = [];
  readonly #close: Hook[] = [];

  onReady(plugin: string, run: () => MaybePromise<void>): void {
    this.#ready.push({ plugin, run });
  }

  onClose(plugin: string, run: () => MaybePromise<void>): void {
    this.#close.push({ plugin, run });
  }

  /** Runs the ready hooks, stopping at none; answers what failed. */
  async ready(): Promise<Failure[]> {
    return runAll(this.#ready.splice(0));
  }

  /** Runs the close hooks of one plugin or of all, last first; answers what failed. */
  async close(plugin?: string): Promise<Failure[]> {
    const mine = this.#close.filter((hook) => plugin === undefined || hook.plugin === plugin);
    const others = this.#close.filter((hook) => !mine.includes(hook));
    this.#close.splice(0, this.#close.length, ...others);
    return runAll(mine.reverse());
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

import { WeftlineError } from "../errors.ts";

/** What a document may take that nobody notices, in milliseconds of the processor: it is not counted. */
const freeMs = 5;
/** What one viewer may spend at once, and every second from then on. */
const mostMs = 500;
const msPerSecond = 250;
/** Of so many viewers time is remembered; those that spent last are. */
const mostKept = 10_000;

interface Spent {
  readonly ms: number;
  readonly at: number;
}

/** How long the documents of each viewer took to be parsed and validated: who sends many that take long has to wait, and nobody else. */
export class PreparationTime {
  readonly #spent = new Map<string, Spent>();

  /**
   * Does a part of the preparation, and counts what it took.
   *
   * @throws RATE_LIMITED where the caller has spent too much.
   */
  spend<T>(caller: string, prepare: () => T): T {
    const before = this.#left(caller);
    if (before > mostMs) {
      const retryAfterMs = Math.ceil(((before - mostMs) / msPerSecond) * 1_000);
      throw new WeftlineError("RATE_LIMITED", { what: "documents that take long to validate", retryAfterMs });
    }
    const began = process.threadCpuUsage();
    try {
      return prepare();
    } finally {
      const { user, system } = process.threadCpuUsage(began);
      const ms = (user + system) / 1_000;
      if (ms > freeMs) this.#note(caller, before + ms);
    }
  }

  #left(caller: string): number {
    const spent = this.#spent.get(caller);
    return spent === undefined ? 0 : Math.max(0, spent.ms - ((performance.now() - spent.at) / 1_000) * msPerSecond);
  }

  #note(caller: string, ms: number): void {
    this.#spent.delete(caller);
    if (this.#spent.size >= mostKept) this.#spent.delete(this.#spent.keys().next().value ?? "");
    this.#spent.set(caller, { ms, at: performance.now() });
  }
}

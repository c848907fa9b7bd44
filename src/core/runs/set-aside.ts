import { WeftlineError } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";

/** Whether something failed for what the store does now, which is the fault of no item. */
export function isOfStore(error: unknown): boolean {
  return error instanceof WeftlineError && (error.code === "STORE_UNAVAILABLE" || error.code === "SHUTTING_DOWN");
}

/** How long an item that failed is left alone at first, in milliseconds; each time it fails again, twice as long. */
const firstMs = 60_000;
const longestMs = 6 * 3_600_000;
/** So many are remembered; the oldest is forgotten first. */
const mostKept = 10_000;

interface Failed {
  readonly until: number;
  readonly waitMs: number;
}

/**
 * Items of a background loop that failed: each is logged once, with its id, and left alone for longer and longer, so that it stops no other and does
 * not come first again and again.
 */
export class SetAside {
  readonly #log: Logger;
  readonly #what: string;
  readonly #longestMs: number;
  readonly #failed = new Map<string | number, Failed>();

  /**
   * @param what the items are, for the log: as in "question".
   * @param options.longestMs how long an item is left alone at most; six hours by default.
   */
  constructor(log: Logger, what: string, options: { readonly longestMs?: number } = {}) {
    this.#log = log;
    this.#what = what;
    this.#longestMs = options.longestMs ?? longestMs;
  }

  /** Whether an item is left alone now. */
  has(id: string | number): boolean {
    const failed = this.#failed.get(id);
    return failed !== undefined && failed.until > performance.now();
  }

  /** Works on one item, unless it is left alone. @returns nothing where that failed. */
  async try<T>(id: string | number, work: () => Promise<T>): Promise<T | undefined> {
    if (this.has(id)) return undefined;
    try {
      const result = await work();
      this.#failed.delete(id);
      return result;
    } catch (error) {
      if (isOfStore(error)) throw error;
      this.#note(id, error);
      return undefined;
    }
  }

  #note(id: string | number, error: unknown): void {
    const known = this.#failed.get(id);
    if (!known)
      this.#log.error({ id, err: error }, `a ${this.#what} could not be dealt with; it is left alone for a while, the others go on`);
    const waitMs = known ? Math.min(this.#longestMs, known.waitMs * 2) : firstMs;
    this.#failed.delete(id);
    if (this.#failed.size >= mostKept) this.#failed.delete(this.#failed.keys().next().value ?? "");
    this.#failed.set(id, { until: performance.now() + waitMs, waitMs });
  }
}

import type { RunEventBody } from "#weftline";

interface Said {
  readonly tell: () => Iterable<RunEventBody> | AsyncIterable<RunEventBody>;
  readonly heard: () => void;
}

/**
 * Where a framework that calls back meets an adapter that is iterated: what is said on one side is told on the other, one after the other,
 * and whoever said it goes on when it was heard.
 */
export class Exchange {
  readonly #said: Said[] = [];
  readonly #over = new AbortController();
  #failure: { readonly reason: unknown } | undefined;
  #state: "open" | "done" | "closed" = "open";
  #wake = (): void => {};

  /**
   * Has something told. Resolves when it was heard, or when nobody listens any more; it never rejects.
   *
   * @param tell called when its turn has come; what it throws ends the iteration.
   */
  say(tell: Said["tell"]): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    return new Promise((heard) => {
      this.#said.push({ tell, heard });
      this.#wake();
    });
  }

  /** Ends the iteration with an error, before anything else is told. */
  fail(reason: unknown): void {
    this.#failure ??= { reason };
    this.#wake();
  }

  /**
   * Has the framework work, and tells what is said meanwhile. When the consumer stops, so does the work.
   *
   * @param work is given a signal that aborts with the run or with the iteration.
   * @throws the signal's reason on abort, and what the work or the telling throws.
   */
  async *listen(work: (signal: AbortSignal) => Promise<unknown>, signal: AbortSignal): AsyncGenerator<RunEventBody> {
    signal.throwIfAborted();
    let telling: Said | undefined;
    const aborted = (): void => this.fail(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    try {
      void this.#watch(work(AbortSignal.any([signal, this.#over.signal])));
      for (;;) {
        if (this.#failure) throw this.#failure.reason;
        telling = this.#said.shift();
        if (telling) {
          yield* telling.tell();
          telling.heard();
        } else if (this.#state === "open") await this.#something();
        else return;
      }
    } finally {
      signal.removeEventListener("abort", aborted);
      this.#state = "closed";
      this.#over.abort();
      telling?.heard();
      for (const { heard } of this.#said.splice(0)) heard();
    }
  }

  async #watch(work: Promise<unknown>): Promise<void> {
    try {
      await work;
      if (this.#state === "open") this.#state = "done";
      this.#wake();
    } catch (error) {
      this.fail(error);
    }
  }

  #something(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

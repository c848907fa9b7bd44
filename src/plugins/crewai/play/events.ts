import { WeftlineError, type RunEventBody } from "#weftline";

interface Told {
  readonly body: RunEventBody;
  readonly heard: () => void;
  readonly lost: (error: unknown) => void;
}

/** What a crew's parts say side by side, in the one order in which the engine hears it. */
export class Events {
  readonly #told: Told[] = [];
  #ended: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;
  #left = false;

  /**
   * @returns when the engine has heard it, so that what follows finds it in the log.
   * @throws RUN_CANCELLED where nobody listens any more.
   */
  tell(body: RunEventBody): Promise<void> {
    return new Promise((heard, lost) => {
      if (this.#left) return lost(new WeftlineError("RUN_CANCELLED"));
      this.#told.push({ body, heard, lost });
      this.#wake?.();
    });
  }

  end(): void {
    this.#ended ??= {};
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RunEventBody> {
    try {
      for (;;) {
        const next = this.#told.shift();
        if (next) {
          yield next.body;
          next.heard();
        } else if (this.#ended) {
          if ("error" in this.#ended) throw this.#ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          this.#wake = undefined;
        }
      }
    } finally {
      this.leave();
    }
  }

  /** Nobody listens any more: what is still to be told is lost. */
  leave(): void {
    this.#left = true;
    for (const { lost } of this.#told.splice(0)) lost(new WeftlineError("RUN_CANCELLED"));
  }
}

/** Timers count no further. */
const maxTimerMs = 2 ** 31 - 1;

/** Rests until something happens. What happened since it rested last ends a rest at once: whoever looked for something else has not missed it. */
export class Rest {
  readonly #signals: readonly AbortSignal[];
  #wakeUp: (() => void) | undefined;
  #missed = false;

  /** @param signals end a rest, too. */
  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener("abort", this.end);
  }

  /** Something has happened. */
  readonly end = (): void => {
    this.#missed = true;
    this.#wakeUp?.();
  };

  /** Rests until then. @param withinMs no longer than this. */
  async begin(withinMs = Infinity): Promise<void> {
    if (!this.#missed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeUp = resolve;
      const timer = withinMs === Infinity ? undefined : setTimeout(resolve, Math.min(Math.max(0, withinMs), maxTimerMs));
      await promise;
      clearTimeout(timer);
    }
    this.#missed = false;
  }

  /** Listens no more. */
  close(): void {
    for (const signal of this.#signals) signal.removeEventListener("abort", this.end);
  }
}

/** So many turns begin before the event loop goes on to what else has come. */
const atOnce = 8;

/**
 * Has the turns of a crowd begin a few at a time, with a turn of the event loop in between: the first are answered by their models while the last
 * begin. All at once, each would wait until all have begun.
 */
export class StartPace {
  readonly #waiting: (() => void)[] = [];
  #left = atOnce;
  #state: "resting" | "renewing" = "resting";

  /** Resolves when the caller may begin: at once, unless many want to. */
  turn(): Promise<void> | undefined {
    if (this.#state === "resting") this.#renewSoon();
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #renewSoon(): void {
    this.#state = "renewing";
    setImmediate(() => {
      const next = this.#waiting.splice(0, atOnce);
      this.#left = atOnce - next.length;
      if (next.length > 0) this.#renewSoon();
      else this.#state = "resting";
      for (const begin of next) begin();
    });
  }
}

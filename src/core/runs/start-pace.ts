/** So many turns begin before the event loop goes on to what else has come. */
const atOnce = 8;

/**
 * Has turns begin in a later turn of the event loop, a few at a time. The first of a crowd are answered by their models while the last begin; all at
 * once, each would wait until all have begun. And between two turns of the loop no write is open, so what they read first is read from warm pages.
 */
export class StartPace {
  readonly #waiting: (() => void)[] = [];
  #state: "resting" | "going on" = "resting";

  /** Resolves when the caller may begin. */
  turn(): Promise<void> {
    if (this.#state === "resting") this.#goOn();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #goOn(): void {
    this.#state = "going on";
    setImmediate(() => {
      const next = this.#waiting.splice(0, atOnce);
      if (this.#waiting.length > 0) this.#goOn();
      else this.#state = "resting";
      for (const begin of next) begin();
    });
  }
}

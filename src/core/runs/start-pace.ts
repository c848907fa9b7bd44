/** So many turns begin for each turn of the event loop. */
const atOnce = 8;
/** For how many turns of the loop the log goes first. */
const patience = 2;

/**
 * Has turns begin in a later turn of the event loop, a few at a time. The first of a crowd are answered by their models while the last begin; all at
 * once, each would wait until all have begun. What is to be written goes first, for a while: those who began earlier are answered before others begin.
 * And between two turns of the loop no write is open, so what they read first is read from warm pages.
 */
export class StartPace {
  readonly #isWriting: () => boolean;
  readonly #waiting: (() => void)[] = [];
  #state: "resting" | "going on" = "resting";

  /** @param isWriting whether something is being written, or about to be. */
  constructor(isWriting: () => boolean) {
    this.#isWriting = isWriting;
  }

  /** Resolves when the caller may begin. */
  turn(): Promise<void> {
    if (this.#state === "resting") this.#goOn();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #goOn(turns = 1): void {
    this.#state = "going on";
    setImmediate(() => {
      if (turns <= patience && this.#isWriting()) return this.#goOn(turns + 1);
      const next = this.#waiting.splice(0, atOnce * turns);
      if (this.#waiting.length > 0) this.#goOn();
      else this.#state = "resting";
      for (const begin of next) begin();
    });
  }
}

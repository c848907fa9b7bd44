/** How long checks may hold up others, in milliseconds. */
const maxTurnMs = 10;

/** Long work that lets others have their turn. */
export class Turns {
  #began = performance.now();

  /** Waits for the event loop where this turn has taken long enough. */
  async next(): Promise<void> {
    if (performance.now() - this.#began < maxTurnMs) return;
    await new Promise((next) => setImmediate(next));
    this.#began = performance.now();
  }
}

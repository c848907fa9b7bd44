/** Runs one piece of work at a time, in the order of arrival: the one door to the writing connection. */
export class WriteQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #depth = 0;

  /** How many pieces wait or run. */
  get depth(): number {
    return this.#depth;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#depth++;
    const result = this.#tail.then(work).finally(() => this.#depth--);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all that was queued so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

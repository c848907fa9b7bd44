/** The most that one caller has waiting. */
const mostWaiting = 200;

/** Items of several callers: each caller has its turn, however many items another has. */
export class FairQueue<Item> {
  readonly #callers = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false where the caller has too many waiting already. */
  add(caller: string, item: Item): boolean {
    const items = this.#callers.get(caller) ?? [];
    if (items.length >= mostWaiting) return false;
    items.push(item);
    this.#callers.set(caller, items);
    this.#size++;
    return true;
  }

  /** The next item of the caller whose turn it is, which then has its turn last. */
  take(): Item | undefined {
    for (const [caller, items] of this.#callers) {
      this.#callers.delete(caller);
      const item = items.shift();
      if (items.length > 0) this.#callers.set(caller, items);
      if (item === undefined) continue;
      this.#size--;
      return item;
    }
    return undefined;
  }
}

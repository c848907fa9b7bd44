/** So many are remembered at most: what a crash left open is forgotten in time. */
const mostOpen = 20_000;

/** What began and has not ended, until it ends. */
export class OpenParts<T> {
  readonly #parts = new Map<string, T>();

  begin(key: string, part: T): void {
    this.#parts.set(key, part);
    if (this.#parts.size <= mostOpen) return;
    for (const oldest of this.#parts.keys()) return void this.#parts.delete(oldest);
  }

  of(key: string): T | undefined {
    return this.#parts.get(key);
  }

  end(key: string): T | undefined {
    const part = this.#parts.get(key);
    this.#parts.delete(key);
    return part;
  }
}

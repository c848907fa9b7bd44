/** What stands for the names beyond a bound. */
export const otherName = "other";

/** The names that a label has, so many at most: whoever thinks of more names does not make more series. */
export class Names {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  /** The name, or what stands for it. */
  of(name: string): string {
    if (this.#known.has(name)) return name;
    if (this.#known.size >= this.#most || name.length > 100) return otherName;
    this.#known.add(name);
    return name;
  }
}

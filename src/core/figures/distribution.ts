/** How often values fell where: what a histogram shows. Taking one value costs a few comparisons. */
export class Distribution {
  /** The upper bounds of the buckets, rising; values above the last count in none. */
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  take(value: number): void {
    this.#sum += value;
    this.#count++;
    const at = this.bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** How many values were at most each bound. */
  cumulative(): number[] {
    let below = 0;
    return this.#counts.map((count) => (below += count));
  }
}

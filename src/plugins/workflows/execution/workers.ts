/** How a piece of work ended. */
export type Settled = { readonly key: string } & ({ readonly value: unknown } | { readonly error: unknown });

/** How the work of units is done. */
export interface WorkersOptions {
  /** How much at once. */
  readonly places: number;
  /** Whether a unit that ended so keeps its place until it is run again or let go of. */
  readonly keepsPlace: (error: unknown) => boolean;
  /** A piece of work has ended. */
  readonly onSettled: () => void;
}

/**
 * Does the work of units side by side, a bounded number at once, in the order in which they came. A unit may keep its place while it waits, as for a
 * run that works in its stead.
 */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #queue: { readonly key: string; readonly work: () => Promise<unknown> }[] = [];
  readonly #kept = new Set<string>();
  #working = 0;
  #isHeld = false;
  #settled: Settled[] = [];

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Whether something is at work. What waits for a place that is kept is not. */
  get isBusy(): boolean {
    return this.#working > 0;
  }

  get hasSettled(): boolean {
    return this.#settled.length > 0;
  }

  /** Begins nothing more, also of what waits for a place. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Begins again what waits. */
  goOn(): void {
    this.#isHeld = false;
    this.#pump();
  }

  run(key: string, work: () => Promise<unknown>): void {
    if (this.#kept.delete(key)) return this.#begin(key, work);
    this.#queue.push({ key, work });
    this.#pump();
  }

  /** Ends a piece of work that waits for others, and needs no place. */
  settle(settled: Settled): void {
    this.#settled.push(settled);
    this.#options.onSettled();
  }

  /** What has ended since this was asked last. */
  take(): readonly Settled[] {
    return this.#settled.splice(0);
  }

  /** Lets go of a place that was kept. */
  release(key: string): void {
    if (this.#kept.delete(key)) this.#pump();
  }

  /** Leaves out what waits for a place and is not needed. @returns its keys. */
  clear(isLeftOut: (key: string) => boolean): readonly string[] {
    const waiting = this.#queue.splice(0);
    this.#queue.push(...waiting.filter(({ key }) => !isLeftOut(key)));
    return waiting.map(({ key }) => key).filter(isLeftOut);
  }

  #pump(): void {
    while (!this.#isHeld && this.#working + this.#kept.size < this.#options.places) {
      const next = this.#queue.shift();
      if (!next) return;
      this.#begin(next.key, next.work);
    }
  }

  #begin(key: string, work: () => Promise<unknown>): void {
    this.#working++;
    work().then(
      (value) => this.#end({ key, value }),
      (error: unknown) => {
        if (this.#options.keepsPlace(error)) this.#kept.add(key);
        this.#end({ key, error });
      },
    );
  }

  #end(settled: Settled): void {
    this.#working--;
    this.#settled.push(settled);
    this.#options.onSettled();
    this.#pump();
  }
}

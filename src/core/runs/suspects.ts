/** A run that was lost with its process so often in a row may be what ends it. */
export const suspectLosses = 3;
/** What ends its process mostly does so at once: so long a suspect is at work without others, in milliseconds. */
const trialMs = 2_000;

/**
 * Has suspects begin one after the other, so that the one that ends its process takes no others down with it. Runs that are no suspects go on beside
 * it: they have losses to spare.
 */
export class Suspects {
  readonly #onEnd: () => void;
  #trial: { readonly id: string; readonly timer: NodeJS.Timeout } | undefined;

  /** @param onEnd is told that another one may begin. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Whether one is on trial: then no other may begin. */
  get isOnTrial(): boolean {
    return this.#trial !== undefined;
  }

  begin(id: string): void {
    this.#trial ??= { id, timer: setTimeout(() => this.end(id), trialMs) };
  }

  /** The turn of a run is over. */
  end(id: string): void {
    if (this.#trial?.id !== id) return;
    this.close();
    this.#onEnd();
  }

  close(): void {
    clearTimeout(this.#trial?.timer);
    this.#trial = undefined;
  }
}

interface Waiting {
  readonly owner: string;
  readonly given: () => void;
}

/** What an owner has had of the places. */
interface Share {
  readonly held: number;
  /** The number of the last turn that was theirs; who is new stands where the one before the current turn does. */
  readonly turn: number;
}

/**
 * A bounded number of places, shared between owners: next is who has the fewest, among those whose last turn was longest ago, and among
 * those who has waited longest. Whoever comes later, and however often, does not overtake who waits.
 */
export class FairPlaces {
  #free: number;
  #turn = 0;
  readonly #shares = new Map<string, Share>();
  readonly #waiting: Waiting[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /** @throws the signal's reason where it aborts first. @returns what gives the place back. */
  async take(owner: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#give(owner);
    else await this.#wait(owner, signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#takeBack(owner);
    };
  }

  #give(owner: string): void {
    this.#free -= 1;
    this.#shares.set(owner, { held: this.#share(owner).held + 1, turn: ++this.#turn });
  }

  #takeBack(owner: string): void {
    this.#free += 1;
    const { held, turn } = this.#share(owner);
    this.#shares.set(owner, { held: held - 1, turn });
    const [first, ...others] = this.#waiting;
    if (!first) return this.#forget(owner);
    const next = others.reduce((least, each) => (this.#isBefore(each, least) ? each : least), first);
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#give(next.owner);
    next.given();
    this.#forget(owner);
  }

  #isBefore(one: Waiting, other: Waiting): boolean {
    const [a, b] = [this.#share(one.owner), this.#share(other.owner)];
    return a.held === b.held ? a.turn < b.turn : a.held < b.held;
  }

  #share(owner: string): Share {
    return this.#shares.get(owner) ?? { held: 0, turn: this.#turn - 1 };
  }

  /** Who has nothing and wants nothing is not remembered. */
  #forget(owner: string): void {
    if (this.#share(owner).held === 0 && !this.#waiting.some((each) => each.owner === owner)) this.#shares.delete(owner);
  }

  #wait(owner: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        this.#forget(owner);
        reject(signal.reason as Error);
      };
      const given = (): void => {
        signal.removeEventListener("abort", aborted);
        resolve();
      };
      const waiting: Waiting = { owner, given };
      this.#waiting.push(waiting);
      this.#shares.set(owner, this.#share(owner));
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
}

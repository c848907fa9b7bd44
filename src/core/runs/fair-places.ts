/** Who wants a place: a viewer, of a tenant. */
export interface PlaceOwner {
  readonly tenantId: string;
  readonly ownerId: string;
}

interface Waiting {
  readonly owner: PlaceOwner;
  readonly given: () => void;
}

/** What somebody has had of the places. */
interface Share {
  readonly held: number;
  /** The number of the last turn that was theirs; who is new stands where the one before the current turn does. */
  readonly turn: number;
}

/**
 * A bounded number of places, shared between tenants and, within one, between viewers: next is who has the fewest, among those whose last turn was
 * longest ago, and among those who has waited longest. Whoever comes later, and however often, does not overtake who waits.
 */
export class FairPlaces {
  #most: number;
  #held = 0;
  #turn = 0;
  readonly #shares = new Map<string, Share>();
  readonly #waiting: Waiting[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  /** Changes how many there are. Who has one keeps it. */
  set most(most: number) {
    this.#most = most;
    this.#giveOut();
  }

  /** @throws the signal's reason where it aborts first. @returns what gives the place back. */
  async take(owner: PlaceOwner, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#held < this.#most) this.#give(owner);
    else await this.#wait(owner, signal);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#takeBack(owner);
    };
  }

  #give(owner: PlaceOwner): void {
    this.#held += 1;
    this.#turn += 1;
    for (const key of keysOf(owner)) this.#shares.set(key, { held: this.#share(key).held + 1, turn: this.#turn });
  }

  #takeBack(owner: PlaceOwner): void {
    this.#held -= 1;
    for (const key of keysOf(owner)) this.#shares.set(key, { ...this.#share(key), held: this.#share(key).held - 1 });
    this.#giveOut();
    this.#forget(owner);
  }

  #giveOut(): void {
    while (this.#held < this.#most) {
      const [first, ...others] = this.#waiting;
      if (!first) return;
      const next = others.reduce((least, each) => (this.#isBefore(each.owner, least.owner) ? each : least), first);
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#give(next.owner);
      next.given();
    }
  }

  #isBefore(one: PlaceOwner, other: PlaceOwner): boolean {
    const others = keysOf(other);
    for (const [level, key] of keysOf(one).entries()) {
      const [a, b] = [this.#share(key), this.#share(others[level] ?? "")];
      if (a.held !== b.held) return a.held < b.held;
      if (a.turn !== b.turn) return a.turn < b.turn;
    }
    return false;
  }

  #share(key: string): Share {
    return this.#shares.get(key) ?? { held: 0, turn: this.#turn - 1 };
  }

  /** Who has nothing and wants nothing is not remembered. */
  #forget(owner: PlaceOwner): void {
    for (const key of keysOf(owner)) {
      const wanted = this.#waiting.some(({ owner: waiting }) => keysOf(waiting).includes(key));
      if (this.#share(key).held === 0 && !wanted) this.#shares.delete(key);
    }
  }

  #wait(owner: PlaceOwner, signal: AbortSignal): Promise<void> {
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
      for (const key of keysOf(owner)) this.#shares.set(key, this.#share(key));
      signal.addEventListener("abort", aborted, { once: true });
    });
  }
}

/** The tenant's, then the viewer's. */
function keysOf({ tenantId, ownerId }: PlaceOwner): readonly [string, string] {
  return [JSON.stringify([tenantId]), JSON.stringify([tenantId, ownerId])];
}

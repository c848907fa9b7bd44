import type { PlaceOwner } from "./fair-places.ts";

/** Runs that wait here for a place, of one viewer, in the order in which they came. */
interface Waiting {
  readonly owner: PlaceOwner;
  readonly ids: Set<string>;
}

/**
 * Who may have a place for a run. A place is held for as long as a turn takes, which nobody knows, so some are always left for those who come
 * next: a tenant has at most twice as many as are free, a viewer at most as many as its tenant may still have. Alone, a viewer so gets half of all
 * places; n tenants with one viewer each get 1/(n + 1) each. Next is whoever has the fewest, tenants first.
 */
export class FairClaims {
  readonly #places: number;
  #held = 0;
  readonly #byKey = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(places: number) {
    this.#places = places;
  }

  /** So many places may be given out without a look at who wants them: nobody can have too many by then. */
  get unquestioned(): number {
    return Math.floor(this.#places / 4) - this.#held;
  }

  /** How many there are. */
  get places(): number {
    return this.#places;
  }

  get free(): number {
    return this.#places - this.#held;
  }

  /** Whether a new run may have a place at once: there is one for it, and no run of the same viewer has waited longer. */
  admits(owner: PlaceOwner): boolean {
    return this.#hasRoom(owner) && !this.#waiting.has(viewerKey(owner));
  }

  take(owner: PlaceOwner): void {
    this.#change(owner, 1);
  }

  giveBack(owner: PlaceOwner): void {
    this.#change(owner, -1);
  }

  wait(id: string, owner: PlaceOwner): void {
    const key = viewerKey(owner);
    const waiting = this.#waiting.get(key) ?? { owner, ids: new Set() };
    waiting.ids.add(id);
    this.#waiting.set(key, waiting);
  }

  /** Whether a run that waits may have a place now. */
  get ready(): boolean {
    for (const { owner } of this.#waiting.values()) if (this.#hasRoom(owner)) return true;
    return false;
  }

  /** The next run that may have a place; it no longer waits, and its place is taken. */
  next(): { readonly id: string; readonly owner: PlaceOwner } | undefined {
    let least: Waiting | undefined;
    for (const waiting of this.#waiting.values())
      if (this.#hasRoom(waiting.owner) && (!least || this.#isBefore(waiting.owner, least.owner))) least = waiting;
    const [id] = least?.ids ?? [];
    if (!least || id === undefined) return undefined;
    least.ids.delete(id);
    const key = viewerKey(least.owner);
    this.#waiting.delete(key);
    // Behind those who have as many.
    if (least.ids.size > 0) this.#waiting.set(key, least);
    this.take(least.owner);
    return { id, owner: least.owner };
  }

  #hasRoom(owner: PlaceOwner): boolean {
    const { free } = this;
    return free > 0 && this.#of(viewerKey(owner)) < 2 * free - this.#of(tenantKey(owner));
  }

  #isBefore(one: PlaceOwner, other: PlaceOwner): boolean {
    const [a, b] = [this.#of(tenantKey(one)), this.#of(tenantKey(other))];
    return a === b ? this.#of(viewerKey(one)) < this.#of(viewerKey(other)) : a < b;
  }

  #of(key: string): number {
    return this.#byKey.get(key) ?? 0;
  }

  #change(owner: PlaceOwner, by: 1 | -1): void {
    this.#held += by;
    for (const key of [tenantKey(owner), viewerKey(owner)]) {
      const held = this.#of(key) + by;
      if (held > 0) this.#byKey.set(key, held);
      else this.#byKey.delete(key);
    }
  }
}

const tenantKey = ({ tenantId }: PlaceOwner): string => JSON.stringify([tenantId]);
const viewerKey = ({ tenantId, ownerId }: PlaceOwner): string => JSON.stringify([tenantId, ownerId]);

import { WeftlineError } from "../errors.ts";
import type { GraphLimits } from "./limits.ts";

/** A connection that stays open, and its share of the limits. */
export interface Seat {
  /**
   * Counts it among its viewer's.
   *
   * @throws RATE_LIMITED where the viewer has as many as it may.
   */
  claim(viewer: string): void;
  /** Gives it back; once is enough. */
  leave(): void;
}

/** Counts what stays open: sockets and event streams, of each address, each viewer and the server. */
export class Seats {
  readonly #limits: GraphLimits;
  readonly #addresses = new Map<string, number>();
  readonly #viewers = new Map<string, number>();
  #taken = 0;

  constructor(limits: GraphLimits) {
    this.#limits = limits;
  }

  /**
   * @param address where the caller is.
   * @throws UNAVAILABLE where the server is full, RATE_LIMITED where this address has as many as it may.
   */
  take(address: string): Seat {
    const { sockets, socketsPerAddress, socketsPerViewer } = this.#limits;
    if (this.#taken >= sockets)
      throw new WeftlineError("UNAVAILABLE", {
        what: "A connection",
        reason: "the server has as many as it holds.",
        fix: "Try again later.",
      });
    if (count(this.#addresses, address) >= socketsPerAddress)
      throw new WeftlineError("RATE_LIMITED", { what: "connections of one address" });
    this.#taken++;
    change(this.#addresses, address, 1);
    let of: string | undefined;
    let open = true;
    return {
      claim: (viewer) => {
        if (!open || of !== undefined) return;
        if (count(this.#viewers, viewer) >= socketsPerViewer)
          throw new WeftlineError("RATE_LIMITED", { what: "connections of one viewer" });
        change(this.#viewers, (of = viewer), 1);
      },
      leave: () => {
        if (!open) return;
        open = false;
        this.#taken--;
        change(this.#addresses, address, -1);
        if (of !== undefined) change(this.#viewers, of, -1);
      },
    };
  }
}

function count(counts: ReadonlyMap<string, number>, key: string): number {
  return counts.get(key) ?? 0;
}

function change(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const now = count(counts, key) + by;
  if (now === 0) counts.delete(key);
  else counts.set(key, now);
}

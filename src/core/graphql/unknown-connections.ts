import type { Socket } from "node:net";
import { WeftlineError } from "../errors.ts";
import type { AddressTrust } from "./addresses.ts";
import type { GraphLimits } from "./limits.ts";
import { statusOf } from "./masking.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { Seats, type Seat } from "./seats.ts";

/**
 * Counts connections of which no viewer is known yet, of each address and in all, so that whoever connects and sends nothing, or a byte now
 * and then, cannot take every connection that the server holds.
 */
export class UnknownConnections {
  readonly #seats: Seats;
  readonly #trusts: AddressTrust;
  readonly #open = new WeakMap<Socket, Seat>();

  constructor(limits: GraphLimits, trusts: AddressTrust) {
    this.#seats = new Seats(limits);
    this.#trusts = trusts;
  }

  /** Counts a connection, or refuses it with a status. */
  add(tcp: Socket): void {
    const { remoteAddress = "", remotePort } = tcp;
    try {
      // A trusted proxy connects for many.
      const seat = this.#seats.take(this.#trusts(remoteAddress) ? `${remoteAddress}:${remotePort}` : remoteAddress);
      this.#open.set(tcp, seat);
      tcp.once("close", seat.leave);
    } catch (error) {
      if (!(error instanceof WeftlineError)) throw error;
      tcp.on("error", () => tcp.destroy());
      refuseConnection(tcp, statusOf(error));
    }
  }

  /** A viewer is known: other limits hold for it. */
  identified(tcp: Socket): void {
    this.#open.get(tcp)?.leave();
  }
}

import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Queue {
  /** Requests that have begun, each until a turn of the loop after its response was closed. */
  begun: number;
  readonly waiting: (() => void)[];
}

/**
 * The requests of each connection. They may be sent before earlier ones are answered; some begin at once, the others wait, and the connection
 * is not read meanwhile. Node emits everything that has arrived in one turn of the event loop, which blocks all other connections.
 */
export class RequestQueues {
  readonly #atOnce: number;
  readonly #onIdle: (tcp: Socket) => void;
  readonly #queues = new Map<Socket, Queue>();
  #closed: Socket[] = [];

  /** @param onIdle is told of a connection whose requests are all answered. */
  constructor(atOnce: number, onIdle: (tcp: Socket) => void) {
    this.#atOnce = atOnce;
    this.#onIdle = onIdle;
  }

  /** @param begin is called once, at once or later; never for a connection that is gone by then. */
  add(tcp: Socket, response: ServerResponse, begin: () => void): void {
    const queue = this.#queueOf(tcp);
    response.once("close", () => this.#leave(tcp));
    if (queue.begun < this.#atOnce) {
      queue.begun++;
      return begin();
    }
    if (queue.waiting.push(begin) > 1) return;
    // Who reads the body of an earlier request lets the connection go on.
    tcp.on("resume", pause);
    tcp.pause();
  }

  /** How many connections wait for answers. */
  get waiting(): number {
    return this.#queues.size;
  }

  /** Whether a connection waits for no answer. */
  isIdle(tcp: Socket): boolean {
    return !this.#queues.has(tcp);
  }

  /** Whether requests of a connection wait for their turn. */
  hasWaiting(tcp: Socket): boolean {
    return (this.#queues.get(tcp)?.waiting.length ?? 0) > 0;
  }

  /** The connection is closed, or serves something else from here on. */
  forget(tcp: Socket): void {
    this.#queues.delete(tcp);
    tcp.off("resume", pause);
  }

  #queueOf(tcp: Socket): Queue {
    let queue = this.#queues.get(tcp);
    if (!queue) this.#queues.set(tcp, (queue = { begun: 0, waiting: [] }));
    return queue;
  }

  #leave(tcp: Socket): void {
    if (this.#closed.push(tcp) === 1) setImmediate(() => this.#advance());
  }

  #advance(): void {
    const closed = this.#closed;
    this.#closed = [];
    for (const tcp of closed) {
      const queue = this.#queues.get(tcp);
      if (!queue) continue;
      const next = queue.waiting.shift();
      if (next) {
        if (queue.waiting.length === 0) this.#readOn(tcp);
        next();
      } else if (--queue.begun === 0) {
        this.#queues.delete(tcp);
        this.#onIdle(tcp);
      }
    }
  }

  #readOn(tcp: Socket): void {
    tcp.off("resume", pause);
    tcp.resume();
  }
}

function pause(this: Socket): void {
  this.pause();
}

import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** Bytes that may wait to be sent before whoever sends is made to wait too. */
const highWater = 256 * 1024;
/** Pings that a peer may leave unanswered: one if all was sent to it, more if it is slow to read what stands before them. */
const patience = { idle: 1, behind: 10 } as const;

/** One socket as the server writes to it: writes of one tick leave in one piece, and a slow reader is felt by the writer. */
export class Wire {
  /** Which group of keep-alive pings it belongs to. */
  readonly group: number;
  readonly #socket: WebSocket;
  readonly #tcp: Duplex;
  #corked = false;
  #missed = 0;
  #waiting = 0;

  constructor(socket: WebSocket, tcp: Duplex, group: number) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.group = group;
    // The close event that follows frees everything; without a listener the error itself would end the process.
    socket.on("error", () => undefined);
    socket.on("pong", () => (this.#missed = 0));
  }

  get state(): "open" | "closed" {
    return this.#socket.readyState === this.#socket.OPEN ? "open" : "closed";
  }

  /**
   * Sends. While little waits it answers nothing, so that a stream goes on without a turn of the loop; above the high-water mark it
   * answers a promise that resolves when this frame has left or the socket is gone, and stops reading from the peer: one that asks
   * but does not read cannot pile up answers.
   */
  send(text: string): Promise<void> | void {
    if (this.state === "closed") return undefined;
    this.#cork();
    if (this.#socket.bufferedAmount < highWater) return this.#socket.send(text);
    if (this.#waiting++ === 0) this.#socket.pause();
    return new Promise((resolve) => {
      this.#socket.send(text, () => {
        if (--this.#waiting === 0) this.#socket.resume();
        resolve();
      });
    });
  }

  onMessage(handle: (text: string) => void): void {
    this.#socket.on("message", (data) => {
      this.#missed = 0;
      handle(String(data));
    });
  }

  onClose(handle: (code: number, reason: string) => void): void {
    this.#socket.once("close", (code, reason) => handle(code, String(reason)));
  }

  ping(): void {
    if (this.state === "closed") return;
    const allowed = this.#socket.bufferedAmount > 0 ? patience.behind : patience.idle;
    if (this.#missed >= allowed) return this.terminate();
    this.#missed++;
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  /** Closes after some milliseconds; resolves when the peer has agreed or is gone. */
  closeAfter(delayMs: number, code: number, reason: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.readyState === this.#socket.CLOSED) return resolve();
      this.#socket.once("close", () => resolve());
      setTimeout(() => this.#socket.close(code, reason), delayMs);
    });
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#tcp.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#tcp.uncork();
    });
  }
}

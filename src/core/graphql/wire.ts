import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { textFrames } from "./text-frames.ts";

/** Bytes that may wait to be sent before whoever sends is made to wait too. */
const highWater = 256 * 1024;
/** Frames that one turn of the loop takes from ready sources: then whoever else waits has theirs. */
const framesPerTurn = 512;
/**
 * Pings that a peer may leave unanswered: one if nothing was sent to it since its last sign of life, more if it may be slow to read what stands
 * before them, in the system's buffers too, where megabytes fit.
 */
const patience = { idle: 1, behind: 10 } as const;

/** One socket as the server writes to it: writes of one turn of the loop leave in one piece, and a slow reader is felt by the writer. */
export class Wire {
  /** Which group of keep-alive pings it belongs to. */
  readonly group: number;
  readonly #socket: WebSocket;
  readonly #tcp: Duplex;
  /** Texts of this turn of the loop. */
  #texts: string[] = [];
  #length = 0;
  /** Who waits until they have left. */
  #left: PromiseWithResolvers<void> | undefined;
  /** How many turns somebody waits for. */
  #waiting = 0;
  #missed = 0;
  /** Whether anything was sent since the peer's last sign of life. */
  #ahead: "nothing" | "something" = "nothing";
  #closed: Promise<void> | undefined;

  constructor(socket: WebSocket, tcp: Duplex, group: number) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.group = group;
    // The close event that follows frees everything; without a listener the error itself would end the process.
    socket.on("error", () => undefined);
    socket.on("pong", () => this.#alive());
  }

  get state(): "open" | "closed" {
    return this.#socket.readyState === this.#socket.OPEN ? "open" : "closed";
  }

  /**
   * Sends. Mostly it answers nothing, so that a stream goes on at once. It answers a promise
   * - above the high-water mark, until this frame has left or the socket is gone; meanwhile nothing is read from the peer either, so
   *   that one which asks and does not read cannot pile up answers;
   * - after many frames in one turn of the loop, until the next turn;
   * - on a socket that closes, until it has closed, when its streams are ended: a source that is always ready must not run on.
   */
  send(text: string): Promise<void> | void {
    if (this.state === "closed") return this.#gone();
    if (this.#texts.push(text) === 1) setImmediate(() => this.#flush());
    this.#length += text.length;
    if (this.#tcp.writableLength + this.#length < highWater) return this.#texts.length < framesPerTurn ? undefined : nextTurn();
    if (this.#left) return this.#left.promise;
    if (this.#waiting++ === 0) this.#socket.pause();
    this.#left = Promise.withResolvers();
    return this.#left.promise;
  }

  onMessage(handle: (text: string) => void): void {
    this.#socket.on("message", (data) => {
      this.#alive();
      handle(String(data));
    });
  }

  onClose(handle: (code: number, reason: string) => void): void {
    this.#socket.once("close", (code, reason) => handle(code, String(reason)));
  }

  ping(): void {
    if (this.state === "closed") return;
    const allowed = this.#ahead === "something" || this.#tcp.writableLength > 0 ? patience.behind : patience.idle;
    if (this.#missed >= allowed) return this.terminate();
    this.#missed++;
    this.#socket.ping();
  }

  #alive(): void {
    this.#missed = 0;
    this.#ahead = "nothing";
  }

  close(code: number, reason: string): void {
    this.#flush();
    this.#socket.close(code, reason);
  }

  /** Closes after some milliseconds; resolves when the peer has agreed or is gone. */
  closeAfter(delayMs: number, code: number, reason: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.readyState === this.#socket.CLOSED) return resolve();
      this.#socket.once("close", () => resolve());
      setTimeout(() => this.close(code, reason), delayMs);
    });
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #gone(): Promise<void> {
    if (this.#socket.readyState === this.#socket.CLOSED) return nextTurn();
    return (this.#closed ??= new Promise((resolve) => this.#socket.once("close", () => resolve())));
  }

  /** Writes past `ws`, which would make two buffers a frame: one for all that this turn sent. What `ws` itself sends is whole frames too. */
  #flush(): void {
    const texts = this.#texts;
    const left = this.#left;
    this.#texts = [];
    this.#length = 0;
    this.#left = undefined;
    if (texts.length > 0) this.#ahead = "something";
    if (texts.length > 0 && this.state === "open") this.#tcp.write(textFrames(texts), left && (() => this.#release(left)));
    else if (left) this.#release(left);
  }

  #release(left: PromiseWithResolvers<void>): void {
    if (--this.#waiting === 0) this.#socket.resume();
    left.resolve();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

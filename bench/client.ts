import type { Socket } from "node:net";
import { WebSocket } from "ws";

/**
 * A client that does as little as it can: the load must not come from who measures. Frames are handed on as text; their JSON is
 * not parsed. It relies on the order of the keys in a frame: id, type, payload.
 */
export class Line {
  readonly tcp: Socket;
  readonly #socket: WebSocket;
  readonly #operations = new Map<string, Operation>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.tcp = (socket as unknown as { readonly _socket: Socket })._socket;
    socket.on("message", (data: Buffer) => this.#read(data.toString("latin1")));
  }

  static open(url: string): Promise<Line> {
    const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws", { perMessageDeflate: false });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => socket.send('{"type":"connection_init"}'));
      socket.once("message", () => resolve(new Line(socket)));
    });
  }

  /** Starts an operation; resolves when it is over. */
  run(query: string, variables: object, onNext: (frame: string) => void): Promise<void> {
    const id = String(++this.#lastId);
    return new Promise((resolve, reject) => {
      this.#operations.set(id, { onNext, onEnd: resolve, onError: (frame) => reject(new Error(frame)) });
      this.#socket.send(JSON.stringify({ id, type: "subscribe", payload: { query, variables } }));
    });
  }

  /** Starts an operation and ends it at the frame that is said to be the last. */
  until(query: string, variables: object, isLast: (frame: string) => boolean): Promise<void> {
    const id = String(++this.#lastId);
    return new Promise((resolve, reject) => {
      const onNext = (frame: string): void => {
        try {
          if (!isLast(frame)) return;
          this.#operations.delete(id);
          this.#socket.send(JSON.stringify({ id, type: "complete" }));
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      };
      this.#operations.set(id, { onNext, onEnd: resolve, onError: (frame) => reject(new Error(frame)) });
      this.#socket.send(JSON.stringify({ id, type: "subscribe", payload: { query, variables } }));
    });
  }

  /** What one query or mutation answers. */
  async ask<Data>(query: string, variables: object = {}): Promise<Data> {
    let answer = "";
    await this.run(query, variables, (frame) => (answer = frame));
    const { payload } = JSON.parse(answer) as { readonly payload: { readonly data: Data; readonly errors?: object[] } };
    if (payload.errors) throw new Error(JSON.stringify(payload.errors));
    return payload.data;
  }

  /** From now on frames are only counted. Answers to pings are not given either: a few seconds are borne. */
  count(onFrames: (frames: number) => void): void {
    const counted = frameCounter();
    this.tcp.removeAllListeners("data");
    this.tcp.on("data", (chunk: Buffer) => onFrames(counted(chunk)));
  }

  close(): void {
    this.#socket.terminate();
  }

  #read(frame: string): void {
    const id = frame.slice(7, frame.indexOf('"', 7));
    const operation = this.#operations.get(id);
    const type = frame.charAt(id.length + 17);
    if (type === "n") return operation?.onNext(frame);
    this.#operations.delete(id);
    if (type === "e") operation?.onError(frame);
    else operation?.onEnd();
  }
}

interface Operation {
  readonly onNext: (frame: string) => void;
  readonly onEnd: () => void;
  readonly onError: (frame: string) => void;
}

/** Tells how many text frames begin in each piece of what a server sends. */
function frameCounter(): (chunk: Buffer) => number {
  let skip = 0;
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = skip;
    let frames = 0;
    while (at + 2 <= data.length) {
      const short = (data[at + 1] ?? 0) & 127;
      const head = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (at + head > data.length) break;
      if (((data[at] ?? 0) & 15) === 1) frames++;
      at += head + (short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2)));
    }
    skip = Math.max(0, at - data.length);
    rest = data.subarray(Math.min(at, data.length));
    return frames;
  };
}

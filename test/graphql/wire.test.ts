import { EventEmitter } from "node:events";
import { Writable, type Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import * as ws from "ws";
import { Wire } from "../../src/core/graphql/wire.ts";

const { WebSocket } = ws;
/** What clients read frames with; the types leave it out. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: { readonly isServer: false }) => Writable };

/** A socket whose peer is as the test says. */
class FakeSocket extends EventEmitter {
  readonly OPEN = WebSocket.OPEN;
  readonly CLOSED = WebSocket.CLOSED;
  readyState: number = WebSocket.OPEN;
  pings = 0;
  reading = true;

  ping(): void {
    this.pings++;
  }

  close(): void {
    this.readyState = WebSocket.CLOSING;
  }

  terminate(): void {
    this.readyState = WebSocket.CLOSED;
    this.emit("close", 1006, "");
  }

  pause(): void {
    this.reading = false;
  }

  resume(): void {
    this.reading = true;
  }
}

/** A line that takes what it is given when the test says so. */
class FakeLine extends Writable {
  readonly pieces: Buffer[] = [];
  readonly #waiting: (() => void)[] = [];

  override _write(piece: Buffer, _: string, done: () => void): void {
    this.pieces.push(piece);
    this.#waiting.push(done);
  }

  take(): void {
    this.#waiting.shift()?.();
  }
}

function wired(): { socket: FakeSocket; line: FakeLine; wire: Wire } {
  const socket = new FakeSocket();
  const line = new FakeLine({ highWaterMark: 1 });
  return { socket, line, wire: new Wire(socket as unknown as ws.WebSocket, line as unknown as Duplex, 0) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const large = "x".repeat(256 * 1024);

/** The texts of frames, as the library reads them that clients use. */
async function read(pieces: readonly Buffer[]): Promise<string[]> {
  const receiver = new Receiver({ isServer: false });
  const texts: string[] = [];
  receiver.on("message", (data: Buffer) => texts.push(String(data)));
  for (const piece of pieces) await new Promise((resolve) => receiver.write(piece, resolve));
  return texts;
}

describe("a wire", () => {
  it("lets a peer live that answers pings, or says anything at all", () => {
    const { socket, wire } = wired();
    wire.onMessage(() => undefined);
    for (let at = 0; at < 10; at++) {
      wire.ping();
      socket.emit(at % 2 === 0 ? "pong" : "message", "{}");
    }
    expect([wire.state, socket.pings]).toEqual(["open", 10]);
  });

  it("cuts off a peer that leaves a ping unanswered", () => {
    const { wire } = wired();
    wire.ping();
    expect(wire.state).toBe("open");
    wire.ping();
    expect(wire.state).toBe("closed");
  });

  it("is patient with a peer that has yet to read what stands before the ping", () => {
    const { line, wire } = wired();
    line.write("x");
    for (let at = 0; at < 10; at++) wire.ping();
    expect(wire.state).toBe("open");
    wire.ping();
    expect(wire.state).toBe("closed");
  });

  it("is as patient with one that was sent something since its last sign of life: it may stand in the system's buffers", async () => {
    const { line, socket, wire } = wired();
    wire.send("x");
    await turn();
    line.take();
    await turn();
    expect(line.writableLength).toBe(0);
    for (let at = 0; at < 10; at++) wire.ping();
    expect(wire.state).toBe("open");
    socket.emit("pong");
    wire.ping();
    wire.ping();
    expect(wire.state).toBe("closed");
  });

  it("sends what one turn brings in one piece, in order, whatever its length", async () => {
    const { line, wire } = wired();
    const texts = ["", "a", "é".repeat(63), "x".repeat(125), "x".repeat(126), "ü".repeat(40_000), "😀"];
    for (const text of texts) expect(wire.send(text)).toBeUndefined();
    expect(line.pieces).toEqual([]);
    await turn();
    expect(line.pieces).toHaveLength(1);
    expect(await read(line.pieces)).toEqual(texts);
  });

  it("sends what is under way before it closes, and nothing after", async () => {
    const { line, wire } = wired();
    wire.send("last");
    wire.close(1000, "");
    expect(await read(line.pieces)).toEqual(["last"]);
    void wire.send("late");
    await turn();
    expect(line.pieces).toHaveLength(1);
  });

  it("makes the sender wait above the high-water mark, and reads nothing meanwhile", async () => {
    const { socket, line, wire } = wired();
    const order: string[] = [];
    const send = async (text: string, name: string): Promise<void> => {
      await wire.send(text);
      order.push(name);
    };
    const first = send(large, "first");
    expect(socket.reading).toBe(false);
    await turn();
    const second = send("small", "second");
    await turn();
    expect([order, line.pieces.length]).toEqual([[], 1]);
    line.take();
    await first;
    expect([order, socket.reading, line.pieces.length]).toEqual([["first"], false, 2]);
    line.take();
    await second;
    expect([order, socket.reading]).toEqual([["first", "second"], true]);
    expect(wire.send("more")).toBeUndefined();
  });

  it("lets go of whoever waits when the socket is gone", async () => {
    const { socket, line, wire } = wired();
    const waiting = [wire.send(large), wire.send("more")];
    socket.terminate();
    await Promise.all(waiting);
    expect(line.pieces).toEqual([]);
  });

  it("gives others a turn after many frames at once", async () => {
    const { wire } = wired();
    let turned = false;
    setImmediate(() => (turned = true));
    for (let at = 0; at < 2_000; at++) await wire.send("x");
    expect(turned).toBe(true);
  });

  it("makes whoever sends to a closing socket wait until it has closed", async () => {
    const { socket, line, wire } = wired();
    socket.readyState = WebSocket.CLOSING;
    let sent = false;
    const sending = Promise.resolve(wire.send("x")).then(() => (sent = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toBe(false);
    socket.terminate();
    await sending;
    expect(line.pieces).toEqual([]);
  });
});

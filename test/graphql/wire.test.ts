import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Wire } from "../../src/core/graphql/wire.ts";

/** A socket whose peer is as the test says. */
class FakeSocket extends EventEmitter {
  readonly OPEN = WebSocket.OPEN;
  readonly CLOSED = WebSocket.CLOSED;
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  pings = 0;
  readonly sent: string[] = [];
  readonly waiting: (() => void)[] = [];
  reading = true;

  ping(): void {
    this.pings++;
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

  send(text: string, done?: () => void): void {
    this.sent.push(text);
    if (done) this.waiting.push(done);
  }
}

function wired(): { socket: FakeSocket; wire: Wire } {
  const socket = new FakeSocket();
  return { socket, wire: new Wire(socket as unknown as WebSocket, new PassThrough(), 0) };
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
    const { socket, wire } = wired();
    socket.bufferedAmount = 1;
    for (let at = 0; at < 10; at++) wire.ping();
    expect(wire.state).toBe("open");
    wire.ping();
    expect(wire.state).toBe("closed");
  });

  it("makes the sender wait above the high-water mark, and reads nothing meanwhile", async () => {
    const { socket, wire } = wired();
    expect(wire.send("a")).toBeUndefined();
    socket.bufferedAmount = 256 * 1024;
    const order: string[] = [];
    const sends = ["b", "c"].map(async (text) => {
      await wire.send(text);
      order.push(text);
    });
    expect([socket.sent, socket.reading]).toEqual([["a", "b", "c"], false]);
    socket.waiting[0]?.();
    await sends[0];
    expect([order, socket.reading]).toEqual([["b"], false]);
    socket.waiting[1]?.();
    await Promise.all(sends);
    expect([order, socket.reading]).toEqual([["b", "c"], true]);
  });

  it("gives others a turn after many frames at once", async () => {
    const { wire } = wired();
    let turn = false;
    setImmediate(() => (turn = true));
    for (let at = 0; at < 2_000; at++) await wire.send("x");
    expect(turn).toBe(true);
  });

  it("makes whoever sends to a closing socket wait until it has closed", async () => {
    const { socket, wire } = wired();
    socket.readyState = WebSocket.CLOSING;
    let sent = false;
    const sending = Promise.resolve(wire.send("x")).then(() => (sent = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sent).toBe(false);
    socket.terminate();
    await sending;
    expect(socket.sent).toEqual([]);
  });
});

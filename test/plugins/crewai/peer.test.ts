import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { Peer } from "../../../src/plugins/crewai/python/peer.ts";

const listener = { asked: () => Promise.resolve("done"), told: () => undefined, broken: () => undefined };

describe("a line to Python", () => {
  it("whose other side is gone fails nothing but its own requests", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const connection = once(server, "connection") as Promise<[Socket]>;
    const other = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const [socket] = await connection;
    const peer = new Peer(socket, socket, listener);
    const lost = new Error("It is gone.");
    const open = peer.request("run.start", {});
    await once(other, "data");
    other.resetAndDestroy();
    for (let each = 0; each < 10; each++) {
      void peer.request("more", { each }).catch(() => undefined);
      await new Promise(setImmediate);
    }
    if (!socket.destroyed) await once(socket, "close");
    peer.abandon(lost);
    await expect(open).rejects.toBe(lost);
    server.close();
  });
});

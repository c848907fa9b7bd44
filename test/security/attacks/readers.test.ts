import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, take, until, type Served } from "../../graphql/fixture.ts";
import { raw } from "../../graphql/raw-socket.ts";

let app: Served;
beforeAll(async () => {
  app = await serve();
});
afterAll(() => app[Symbol.asyncDispose]());

const bulk = (name: string): string => `subscription { probeBulk(to: 1000000, bytes: 1000, name: "${name}") }`;

/** Begins a request and never reads what comes. */
function stalled(query: string): Socket {
  const body = JSON.stringify({ query });
  const tcp = connect(app.server.port, "127.0.0.1");
  tcp.pause();
  tcp.on("error", () => undefined);
  tcp.write(
    `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:${app.server.port}\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  return tcp;
}

/** How far a source was pulled when nobody pulls it any more. */
async function standstill(name: string): Promise<number> {
  let before = -1;
  await until(() => {
    const now = app.probe.pulled.get(name) ?? 0;
    const still = now > 0 && now === before;
    before = now;
    return still;
  });
  return before;
}

describe("readers that stand still", () => {
  it("cost a bounded amount each, on all ways, and nobody else an event", async () => {
    const socket = await raw(app.socket());
    socket.tcp.pause();
    socket.subscribe("1", bulk("socket"));
    const stream = stalled(bulk("stream"));
    for (const name of ["socket", "stream"]) expect(await standstill(name)).toBeLessThan(50_000);
    const flooded = await Promise.all(Array.from({ length: 8 }, () => raw(app.socket())));
    for (const { tcp, subscribe } of flooded) {
      tcp.pause();
      subscribe("1", "subscription { probeFeed }");
    }
    const reader = await raw(app.socket());
    reader.subscribe("1", "subscription { probeFeed }");
    await until(() => app.probe.open === 9);
    for (let at = 0; at < 1_000; at++) app.probe.push(`${at} `.padEnd(1_000, "x"));
    await until(() => reader.messages.filter(({ type }) => type === "next").length === 1_000);
    const client = app.client();
    expect(await take(client, 'subscription { probeCount(to: 1000, name: "other") }')).toHaveLength(1_000);
    await client.dispose();
    expect((await app.post({ query: "{ viewer { id } }" })).status).toBe(200);
    for (const { socket: each } of [socket, reader, ...flooded]) each.terminate();
    stream.destroy();
    await until(() => app.probe.open === 0);
  });
});

describe("writers that stand still", () => {
  it("hold up nobody: a body and a frame that never end", async () => {
    const tcp = connect(app.server.port, "127.0.0.1");
    tcp.on("error", () => undefined);
    tcp.write(`POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"query":`);
    const half = await raw(app.socket());
    // A masked text frame that announces 1,000 bytes and brings four.
    half.tcp.write(Buffer.from([0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0, 0x7b, 0x22, 0x69, 0x64]));
    expect((await app.post({ query: "{ viewer { id } }" })).status).toBe(200);
    tcp.destroy();
    half.socket.terminate();
  });

  it("close their socket where a frame is none", async () => {
    const broken = await raw(app.socket());
    broken.tcp.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(await broken.closed).toMatchObject({ code: 1002 });
    const binary = await raw(app.socket());
    binary.socket.send(Buffer.from([0xc3, 0x28]));
    expect(await binary.closed).toMatchObject({ code: 4400 });
    expect((await app.post({ query: "{ viewer { id } }" })).status).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { WebSocket } from "ws";
import { dataFolder, startServer, type Server } from "../e2e/server.ts";
import { until } from "../graphql/fixture.ts";
import { raw, type Message, type RawSocket } from "../graphql/raw-socket.ts";
import { makeThread, renameThread } from "./story.ts";

const open = (url: string, protocol: string | string[] = "graphql-transport-ws"): WebSocket =>
  new WebSocket(url.replace("http", "ws"), protocol);
const changes = "subscription { changes { kind } }";
const ofId = (messages: readonly Message[], id: string): string[] => messages.flatMap((each) => (each.id === id ? [each.type] : []));

describe("graphql-transport-ws, on the server that everybody starts", () => {
  const url = inject("url");
  const sockets: WebSocket[] = [];
  const connect = (init: "init" | "bare" = "init"): Promise<RawSocket> => {
    const socket = open(url);
    sockets.push(socket);
    return raw(socket, init);
  };
  /** The code with which the server closes on whoever does this. */
  async function closeCode(act: (socket: RawSocket) => void, init: "init" | "bare" = "init"): Promise<number> {
    const socket = await connect(init);
    act(socket);
    return (await socket.closed).code;
  }
  afterAll(() => {
    for (const socket of sockets) socket.terminate();
  });

  it("closes with 4408 on whoever does not introduce itself within three seconds", async () => {
    const started = performance.now();
    expect(await closeCode(() => undefined, "bare")).toBe(4408);
    expect(performance.now() - started).toBeGreaterThan(2_500);
  });

  it("closes with 4401 on an operation before the acknowledgement", async () => {
    expect(await closeCode(({ subscribe }) => subscribe("1", changes), "bare")).toBe(4401);
  });

  it("closes with 4429 on a second introduction", async () => {
    expect(await closeCode(({ send }) => send({ type: "connection_init" }))).toBe(4429);
  });

  it("closes with 4409 on an id that is in use", async () => {
    expect(await closeCode(({ subscribe }) => (subscribe("1", changes), subscribe("1", changes)))).toBe(4409);
  });

  it("closes with 4400 on what is not JSON", async () => {
    expect(await closeCode(({ socket }) => socket.send("{"))).toBe(4400);
  });

  it("closes with 4400 on a message of an unknown type", async () => {
    expect(await closeCode(({ send }) => send({ type: "start", id: "1" }))).toBe(4400);
  });

  it("closes with 1009 on a frame that is too long", async () => {
    expect(
      await closeCode(({ socket }) => socket.send(JSON.stringify({ type: "ping", payload: { filler: "x".repeat(6 * 1024 * 1024) } }))),
    ).toBe(1009);
  });

  it("refuses a socket without a subprotocol with 4406", async () => {
    expect(await (await raw(open(url, []), "bare")).closed).toMatchObject({ code: 4406 });
  });

  it("refuses the subprotocol of old", async () => {
    const socket = open(url, "graphql-ws");
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.once("error", (error) => resolve(error.message));
    expect(await promise).toMatch(/subprotocol/);
  });

  it("answers a ping with a pong that carries its payload", async () => {
    const { send, messages } = await connect();
    send({ type: "ping", payload: { at: 1 } });
    await until(() => messages.length === 2);
    expect(messages[1]).toEqual({ type: "pong", payload: { at: 1 } });
  });

  it("answers a broken query with an error, and the socket and its other streams stay", async () => {
    const { subscribe, messages, socket } = await connect();
    subscribe("stream", changes);
    await until(() => ofId(messages, "stream").length === 1);
    subscribe("syntax", "subscription {");
    subscribe("field", "{ nothing }");
    await until(() => ofId(messages, "syntax").length + ofId(messages, "field").length === 2);
    expect([...ofId(messages, "syntax"), ...ofId(messages, "field")]).toEqual(["error", "error"]);
    await makeThread(url);
    await until(() => ofId(messages, "stream").length > 1);
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it("carries queries and mutations", async () => {
    const { subscribe, messages } = await connect();
    subscribe("query", "{ viewer { name } }");
    subscribe("mutation", 'mutation { createThread(input: { title: "Over a socket" }) { __typename } }');
    await until(() => ofId(messages, "query").length === 2 && ofId(messages, "mutation").length === 2);
    expect(messages.filter(({ type }) => type === "next").map(({ payload }) => payload)).toEqual(
      expect.arrayContaining([
        { data: { viewer: { name: "Local user" } } },
        { data: { createThread: { __typename: "CreateThreadPayload" } } },
      ]),
    );
    expect([...ofId(messages, "query"), ...ofId(messages, "mutation")]).toEqual(["next", "complete", "next", "complete"]);
  });

  it("frees a source that is completed: its id is free, it counts no longer, and nothing more comes of it", async () => {
    const thread = await makeThread(url);
    const { send, subscribe, messages } = await connect();
    // More often than one socket may have operations open.
    for (let round = 1; round <= 60; round++) {
      subscribe("1", `subscription { threadEvents(thread: ${JSON.stringify(thread)}) { seq } }`);
      await until(() => ofId(messages, "1").length === round);
      send({ type: "complete", id: "1" });
    }
    const before = messages.length;
    await renameThread(url, thread);
    send({ type: "ping" });
    await until(() => messages.at(-1)?.type === "pong");
    expect(messages.filter(({ type }) => type === "error")).toEqual([]);
    expect(messages.slice(before)).toEqual([{ type: "pong" }]);
  });
});

describe("graphql-transport-ws, on a server that wants a token", () => {
  let server: Server;
  const data = dataFolder();
  beforeAll(async () => {
    server = await startServer(data.folder, { args: ["--config", "test/strangers/guarded.config.ts"] });
  });
  afterAll(async () => {
    await server.kill();
    data.remove();
  });

  it("closes with 4403 on strangers", async () => {
    expect((await (await raw(open(server.url))).closed).code).toBe(4403);
    expect((await (await raw(open(server.url), "init", { token: "a-wrong-token" })).closed).code).toBe(4403);
  });

  it("closes with 1001 on everybody when it stops", async () => {
    const streams = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const socket = await raw(open(server.url), "init", { token: "token-of-ada" });
        socket.subscribe("1", changes);
        await until(() => socket.messages.length === 2);
        return socket;
      }),
    );
    const stopped = server.stop();
    const codes = await Promise.all(streams.map(async ({ closed }) => (await closed).code));
    expect(codes).toEqual([1001, 1001, 1001, 1001, 1001]);
    expect(await stopped).toBe(0);
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { authService } from "../../src/plugins/auth/contract.ts";
import { auth } from "../../src/plugins/auth/index.ts";
import { ada, probePlugin, serve, take, tokens, until, viewers, type Served } from "./fixture.ts";
import { raw, refusal } from "./raw-socket.ts";

const ofType = (messages: readonly { readonly type: string; readonly id?: string }[], type: string, id?: string): number =>
  messages.filter((message) => message.type === type && (id === undefined || message.id === id)).length;

describe("a socket", () => {
  let app: Served;
  beforeAll(async () => {
    app = await serve();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("carries queries, mutations and subscriptions", async () => {
    const client = app.client();
    expect(await take(client, "{ viewer { name } }")).toEqual([{ data: { viewer: { name: "Local user" } } }]);
    expect(await take(client, "mutation { probeTouch }")).toEqual([{ data: { probeTouch: true } }]);
    expect(await take(client, 'subscription { probeCount(to: 3, name: "a") }')).toEqual(
      [1, 2, 3].map((probeCount) => ({ data: { probeCount } })),
    );
    await client.dispose();
  });

  it("takes an id again as soon as its operation was completed, and hears nothing more of that one", async () => {
    const { socket, messages, send, subscribe } = await raw(app.socket());
    for (const id of ["k", "__proto__", 'with "quotes"']) {
      messages.length = 0;
      subscribe(id, "subscription { probeFeed }");
      for (let again = 0; again < 50; again++) {
        send({ id, type: "complete" });
        subscribe(id, "subscription { probeFeed }");
      }
      send({ id, type: "complete" });
      subscribe(id, 'subscription { probeCount(to: 3, name: "again") }');
      await until(() => ofType(messages, "complete", id) === 1);
      expect(messages.map(({ id: of, type }) => [of, type])).toEqual([...Array.from({ length: 3 }, () => [id, "next"]), [id, "complete"]]);
    }
    await until(() => app.probe.open === 0);
    subscribe("open", "subscription { probeFeed }");
    subscribe("open", "subscription { probeFeed }");
    await until(() => socket.readyState === socket.CLOSED);
  });

  it("survives a document with a syntax error, and so does every other subscription on it", async () => {
    const { socket, messages, subscribe } = await raw(app.socket());
    subscribe("1", "subscription { probeFeed }");
    await until(() => app.probe.open === 1);
    for (const [id, query] of Object.entries({
      2: "subscription {",
      3: "{ nothing }",
      4: "query A { viewer { id } } query B { viewer { id } }",
      5: "fragment A on Query { viewer { id } }",
    }))
      subscribe(id, query);
    await until(() => ofType(messages, "error") === 4);
    app.probe.push("still there");
    await until(() => ofType(messages, "next", "1") === 1);
    expect(messages.find(({ type }) => type === "next")).toMatchObject({ id: "1", payload: { data: { probeFeed: "still there" } } });
    expect(JSON.stringify(messages)).not.toContain('"http"');
    socket.close();
    await until(() => app.probe.open === 0);
  });

  it("survives variables of a wrong type and a source that refuses or breaks", async () => {
    const { socket, messages, send, subscribe } = await raw(app.socket());
    send({ id: "1", type: "subscribe", payload: { query: "query ($t: String!) { probeEcho(text: $t) }", variables: { t: 7 } } });
    subscribe("2", "subscription { probeRefused }");
    subscribe("3", "subscription { probeBroken }");
    subscribe("4", "{ probeBug }");
    await until(() => ofType(messages, "complete") === 3 && ofType(messages, "error") === 1);
    const answer = (id: string): unknown => messages.findLast((message) => message.id === id && message.type !== "complete");
    expect(answer("1")).toMatchObject({ payload: { errors: [{ extensions: { code: "INVALID_INPUT" } }] } });
    expect(answer("2")).toMatchObject({ payload: { errors: [{ extensions: { code: "NOT_FOUND", requestId: expect.any(String) } }] } });
    expect(answer("3")).toMatchObject({
      type: "error",
      payload: [{ message: "Something went wrong here.", extensions: { code: "INTERNAL", requestId: expect.any(String) } }],
    });
    expect(answer("4")).toMatchObject({ payload: { errors: [{ extensions: { code: "INTERNAL" } }] } });
    expect(JSON.stringify(messages)).not.toContain("hunter2");
    expect(socket.readyState).toBe(WebSocket.OPEN);
    socket.close();
  });

  it("frees a source when its reader completes it, and when the socket goes without a word", async () => {
    const { socket, send, subscribe } = await raw(app.socket());
    subscribe("1", "subscription { probeFeed }");
    subscribe("2", "subscription { probeFeed }");
    await until(() => app.probe.open === 2);
    send({ id: "1", type: "complete" });
    await until(() => app.probe.open === 1);
    socket.terminate();
    await until(() => app.probe.open === 0);
  });

  it("speaks graphql-transport-ws and no other subprotocol", async () => {
    const url = app.server.url.replace("http", "ws");
    for (const protocols of [["graphql-ws"], []]) {
      const { closed } = await raw(new WebSocket(url, protocols), "bare").catch(() => ({ closed: Promise.resolve({ code: 4406 }) }));
      expect(await closed).toMatchObject({ code: 4406 });
    }
  });

  it("closes on whoever breaks the protocol", async () => {
    const code = async (run: (socket: Awaited<ReturnType<typeof raw>>) => void, init: "init" | "bare" = "init"): Promise<number> => {
      const socket = await raw(app.socket(), init);
      run(socket);
      return (await socket.closed).code;
    };
    const feed = "subscription { probeFeed }";
    expect(await code(({ subscribe }) => subscribe("1", feed), "bare")).toBe(4401);
    expect(await code(({ send }) => send({ type: "connection_init" }))).toBe(4429);
    expect(await code(({ socket }) => socket.send("{"))).toBe(4400);
    expect(await code(({ send }) => send({ type: "what" }))).toBe(4400);
    expect(await code(({ subscribe }) => (subscribe("1", feed), subscribe("1", feed)))).toBe(4409);
    expect(await code(({ socket }) => socket.send("x".repeat(2_000_000)))).toBe(1009);
    await until(() => app.probe.open === 0);
  });

  it("answers pings of the protocol", async () => {
    const { socket, send, messages } = await raw(app.socket());
    send({ type: "ping", payload: { at: 1 } });
    await until(() => ofType(messages, "pong") === 1);
    socket.close();
  });

  it("holds at most fifty open operations", async () => {
    const { socket, messages, subscribe } = await raw(app.socket());
    for (let id = 1; id <= 51; id++) subscribe(String(id), "subscription { probeFeed }");
    await until(() => ofType(messages, "error") === 1 && app.probe.open === 50);
    expect(messages.find(({ type }) => type === "error")).toMatchObject({ id: "51", payload: [{ extensions: { code: "RATE_LIMITED" } }] });
    socket.close();
    await until(() => app.probe.open === 0);
  });

  it("is refused to pages of other sites, under foreign names of this server, and off the endpoint", async () => {
    expect(await refusal(app.socket({ origin: "https://evil.example" }))).toBe(403);
    expect(await refusal(app.socket({ origin: "null" }))).toBe(403);
    expect(await refusal(app.socket({ host: `evil.example:${app.server.port}` }))).toBe(403);
    expect(await refusal(new WebSocket(`ws://127.0.0.1:${app.server.port}/other`, "graphql-transport-ws"))).toBe(404);
    const { socket, messages } = await raw(app.socket({ origin: "http://localhost:5173" }));
    expect(messages).toEqual([{ type: "connection_ack" }]);
    socket.close();
  });

  it("gets the frames of one tick in few reads", async () => {
    const { socket, tcp, messages, subscribe } = await raw(app.socket());
    let reads = 0;
    tcp.on("data", () => reads++);
    subscribe("1", 'subscription { probeCount(to: 400, name: "cork") }');
    await until(() => ofType(messages, "complete") === 1);
    expect(ofType(messages, "next")).toBe(400);
    expect(reads).toBeLessThan(40);
    socket.close();
  });

  it("holds back the stream of a reader that does not read, and nobody else's", async () => {
    const { socket, tcp, messages, subscribe } = await raw(app.socket());
    tcp.pause();
    subscribe("1", 'subscription { probeBulk(to: 1000000, bytes: 1000, name: "slow") }');
    const pulled = (): number => app.probe.pulled.get("slow") ?? 0;
    await until(() => pulled() > 100);
    let before = -1;
    await until(() => {
      const still = before === pulled();
      before = pulled();
      return still;
    });
    // What the kernel buffers of both ends take, and the high-water mark: far from the gigabyte that was asked for.
    expect(pulled()).toBeLessThan(50_000);
    const client = app.client();
    expect(await take(client, 'subscription { probeBulk(to: 2000, bytes: 1000, name: "fast") }')).toHaveLength(2_000);
    await client.dispose();
    tcp.resume();
    await until(() => messages.length > before + 1_000);
    const first = messages
      .slice(1, 200)
      .map(({ payload }) => Number.parseInt((payload as { data: { probeBulk: string } }).data.probeBulk, 10));
    expect(first).toEqual(first.map((_, index) => index + 1));
    socket.terminate();
  });

  it("lives through a reader that stands still while thousands of events are pushed to it", async () => {
    const { socket, tcp, subscribe } = await raw(app.socket());
    subscribe("1", "subscription { probeFeed }");
    await until(() => app.probe.open === 1);
    tcp.pause();
    const other = await raw(app.socket());
    other.subscribe("1", "subscription { probeFeed }");
    await until(() => app.probe.open === 2);
    // In turns, as a reader that keeps up needs them: a channel holds so many events and no more.
    for (let pushed = 500; pushed <= 5_000; pushed += 500) {
      for (let at = 0; at < 500; at++) app.probe.push("x".repeat(1_000));
      await until(() => ofType(other.messages, "next") === pushed);
    }
    socket.terminate();
    other.socket.close();
    await until(() => app.probe.open === 0);
    expect((await app.post({ query: "{ viewer { id } }" })).status).toBe(200);
  });

  it("does not pile up answers for a peer that asks and never reads", async () => {
    const { socket, tcp, messages, send } = await raw(app.socket());
    tcp.pause();
    const filler = "x".repeat(100_000);
    for (let at = 0; at < 400; at++) send({ type: "ping", payload: { at, filler } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    // The server has stopped reading: what it did not read is still on this side.
    expect(socket.bufferedAmount).toBeGreaterThan(1_000_000);
    tcp.resume();
    await until(() => ofType(messages, "pong") === 400);
    socket.close();
  });
});

describe("a socket and who is on it", () => {
  let app: Served;
  beforeAll(async () => {
    app = await serve({ plugins: [auth({ viewers }), probePlugin()] });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("is refused to a wrong token and to none", async () => {
    for (const payload of [{}, { authorization: "Bearer wrong-token" }, { token: "wrong-token" }, { token: 7 }]) {
      expect(await (await raw(app.socket(), "init", payload)).closed).toMatchObject({ code: 4403 });
    }
  });

  it("takes the token from a header or from the first message", async () => {
    const name = async (headers: Record<string, string>, payload?: Record<string, unknown>): Promise<unknown> => {
      const { socket, messages, subscribe } = await raw(app.socket(headers), "init", payload);
      subscribe("1", "{ viewer { name tenant } }");
      await until(() => ofType(messages, "complete") === 1);
      socket.close();
      return messages.find(({ type }) => type === "next")?.payload;
    };
    const asAda = { data: { viewer: { name: "Ada", tenant: "default" } } };
    expect(await name({ authorization: `Bearer ${tokens.ada}` })).toEqual(asAda);
    expect(await name({}, { authorization: `Bearer ${tokens.ada}` })).toEqual(asAda);
    expect(await name({}, { token: tokens.bob })).toEqual({ data: { viewer: { name: "bob", tenant: "other" } } });
  });

  it("gives each viewer its own events and loads them anew for each", async () => {
    const open = async (token: string) => {
      const socket = await raw(app.socket(), "init", { token });
      socket.subscribe("1", "subscription { probeOwn }");
      return socket;
    };
    const [one, two] = [await open(tokens.ada), await open(tokens.bob)];
    await until(() => app.probe.open === 2);
    app.probe.push("a");
    await until(() => ofType(one.messages, "next") === 1 && ofType(two.messages, "next") === 1);
    app.probe.value = "second";
    app.probe.push("b");
    await until(() => ofType(one.messages, "next") === 2 && ofType(two.messages, "next") === 2);
    const seen = ({ messages }: typeof one): unknown[] =>
      messages.filter(({ type }) => type === "next").map(({ payload }) => (payload as { data: { probeOwn: string } }).data.probeOwn);
    expect(seen(one)).toEqual(["ada a first", "ada b second"]);
    expect(seen(two)).toEqual(["bob a first", "bob b second"]);
    expect(app.probe.loads.toSorted()).toEqual(["ada", "ada", "bob", "bob"]);
    one.socket.close();
    two.socket.close();
    await until(() => app.probe.open === 0);
  });

  it("sends nothing more to a viewer that was revoked, takes no operation from it, and lets it in no more", async () => {
    await using own = await serve({ plugins: [auth({ viewers }), probePlugin()] });
    const one = await raw(own.socket(), "init", { token: tokens.ada });
    const two = await raw(own.socket(), "init", { token: tokens.bob });
    for (const { subscribe } of [one, two]) subscribe("1", "subscription { probeFeed }");
    await until(() => own.probe.open === 2);
    own.probe.push("before");
    await until(() => ofType(one.messages, "next") === 1 && ofType(two.messages, "next") === 1);
    own.platform.use(authService).revoke(ada);
    own.probe.push("after");
    await until(() => ofType(two.messages, "next") === 2);
    await until(() => ofType(one.messages, "error") === 1);
    expect(one.messages.find(({ type }) => type === "error")).toMatchObject({ payload: [{ extensions: { code: "UNAUTHENTICATED" } }] });
    expect(JSON.stringify(one.messages)).not.toContain("after");
    expect(own.probe.open).toBe(1);
    one.subscribe("2", "{ viewer { name } }");
    expect(await one.closed).toMatchObject({ code: 4403 });
    expect(await (await raw(own.socket(), "init", { token: tokens.ada })).closed).toMatchObject({ code: 4403 });
    two.subscribe("2", "{ viewer { name } }");
    await until(() => ofType(two.messages, "complete", "2") === 1);
  });

  it("is one of as many as its viewer may have", async () => {
    await using own = await serve({ plugins: [auth({ viewers }), probePlugin()], server: { limits: { socketsPerViewer: 2, sockets: 4 } } });
    const one = await raw(own.socket(), "init", { token: tokens.ada });
    await raw(own.socket(), "init", { token: tokens.ada });
    expect(await (await raw(own.socket(), "init", { token: tokens.ada })).closed).toMatchObject({ code: 4403 });
    one.socket.close();
    await one.closed;
    await raw(own.socket(), "init", { token: tokens.ada });
    await raw(own.socket(), "init", { token: tokens.bob });
    await raw(own.socket(), "init", { token: tokens.bob });
    expect(await refusal(own.socket())).toBe(503);
  });
});

import { afterEach, describe, expect, it } from "vitest";
import { auth } from "../../../src/plugins/auth/index.ts";
import { probePlugin, serve, tokens, until, viewers, type Served } from "../../graphql/fixture.ts";
import { raw, refusal, type RawSocket } from "../../graphql/raw-socket.ts";
import { addressReader } from "../../../src/core/graphql/addresses.ts";
import type { GraphLimits } from "../../../src/core/graphql/limits.ts";

const boot = (limits: Partial<GraphLimits>): Promise<Served> => serve({ plugins: [auth({ viewers }), probePlugin()], server: { limits } });
const feed = "subscription { probeFeed }";
const ada = { authorization: `Bearer ${tokens.ada}` };
const bob = { authorization: `Bearer ${tokens.bob}` };

const opened: AbortController[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.abort();
});

/** An event stream that stays open until the test ends. */
function stream(app: Served, headers: Record<string, string>, query = feed): Promise<Response> {
  const leaving = new AbortController();
  opened.push(leaving);
  return fetch(app.server.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: JSON.stringify({ query }),
    signal: leaving.signal,
  });
}

/** A socket that is let in as soon as the server has seen another go. */
async function seated(app: Served, headers: Record<string, string>): Promise<RawSocket> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = await raw(app.socket(headers)).catch(() => undefined);
    if (socket?.messages[0]?.type === "connection_ack") return socket;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return expect.fail("nobody is let in");
}

const errorOf = ({ messages }: RawSocket, id: string): unknown =>
  messages.find((message) => message.type === "error" && message.id === id)?.payload;

describe("connections that stay open", () => {
  it("are as many as a viewer may have, sockets and event streams together, and no fewer for others", async () => {
    await using app = await boot({ socketsPerViewer: 2 });
    const one = await raw(app.socket(ada));
    expect((await stream(app, ada)).status).toBe(200);
    await until(() => app.probe.open === 1);
    const third = await raw(app.socket(ada));
    expect(await third.closed).toEqual({ code: 4403, reason: "Too many connections of one viewer at once." });
    const refused = await stream(app, ada);
    expect(refused.status).toBe(429);
    expect(await refused.text()).toContain('"RATE_LIMITED"');
    expect(app.probe.opened).toBe(1);
    expect((await raw(app.socket(bob))).messages).toEqual([{ type: "connection_ack" }]);
    expect((await app.post({ query: "{ viewer { id } }" }, ada)).status).toBe(200);
    one.socket.close();
    await seated(app, ada);
  });

  it("are as many as an address may have, known or not", async () => {
    await using app = await boot({ socketsPerAddress: 2 });
    const nobody = await raw(app.socket(), "bare");
    await raw(app.socket(ada));
    expect(await refusal(app.socket(bob))).toBe(429);
    expect((await stream(app, bob)).status).toBe(429);
    nobody.socket.close();
    await seated(app, bob);
  });

  it("are counted by the address that a trusted proxy states, and by no address that a caller states", async () => {
    await using plain = await boot({ socketsPerAddress: 1 });
    await raw(plain.socket({ ...ada, "x-forwarded-for": "203.0.113.1" }));
    expect(await refusal(plain.socket({ ...ada, "x-forwarded-for": "203.0.113.2" }))).toBe(429);
    await using behind = await serve({
      plugins: [auth({ viewers }), probePlugin()],
      server: { limits: { socketsPerAddress: 1 }, trustedProxies: ["loopback"] },
    });
    await raw(behind.socket({ ...ada, "x-forwarded-for": "203.0.113.1" }));
    // What stands before the address that the proxy wrote came from the caller.
    expect(await refusal(behind.socket({ ...ada, "x-forwarded-for": "203.0.113.9, 203.0.113.1" }))).toBe(429);
    expect((await stream(behind, { ...ada, "x-forwarded-for": "203.0.113.1" })).status).toBe(429);
    await raw(behind.socket({ ...ada, "x-forwarded-for": "203.0.113.2" }));
    expect(() => addressReader(["my-proxy"])).toThrow(/server.trustedProxies is not valid: .*my-proxy/);
  });

  it("are as many as the server may have", async () => {
    await using app = await boot({ sockets: 2 });
    const one = await raw(app.socket(ada));
    expect((await stream(app, bob)).status).toBe(200);
    expect(await refusal(app.socket(ada))).toBe(503);
    expect((await stream(app, ada)).status).toBe(503);
    one.socket.terminate();
    await seated(app, ada);
  });

  it("give their place back, however they end", async () => {
    await using app = await boot({ socketsPerViewer: 3, sockets: 3 });
    for (let round = 0; round < 60; round++) {
      (await seated(app, ada)).socket.terminate();
    }
    for (let round = 0; round < 20; round++) {
      const response = await stream(app, ada, "subscription { probeRefused }");
      expect(response.status).toBeLessThan(429);
      await response.text();
    }
  });
});

describe("operations of one socket", () => {
  it("are refused one by one beyond the limit, and taken again when others end", async () => {
    await using app = await boot({ operationsPerSocket: 5 });
    const socket = await raw(app.socket(ada));
    for (let id = 1; id <= 200; id++) socket.subscribe(String(id), feed);
    await until(() => errorOf(socket, "200") !== undefined && app.probe.open === 5);
    expect(errorOf(socket, "6")).toMatchObject([{ extensions: { code: "RATE_LIMITED" } }]);
    socket.send({ id: "1", type: "complete" });
    await until(() => app.probe.open === 4);
    socket.subscribe("again", feed);
    await until(() => app.probe.open === 5);
    expect(app.probe.opened).toBe(6);
  });
});

describe("requests that come too often", () => {
  it("are answered 429 with the time to wait, and let in after it", async () => {
    await using app = await boot({ requestsPerSecond: 2, requestBurst: 1 });
    const asked = await Promise.all(Array.from({ length: 10 }, () => app.post({ query: "{ viewer { id } }" }, ada)));
    const refused = asked.filter(({ status }) => status === 429);
    // A second may begin while they are sent.
    expect(refused.length).toBeGreaterThanOrEqual(5);
    const [first] = refused;
    if (!first) return expect.fail("nothing was refused");
    expect(first.headers.get("retry-after")).toBe("1");
    const { errors } = (await first.json()) as { errors: { extensions: { retryAfterMs: number } }[] };
    expect(errors).toMatchObject([{ extensions: { code: "RATE_LIMITED", requestId: expect.any(String) } }]);
    const wait = errors[0]?.extensions.retryAfterMs ?? 0;
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1_000);
    expect((await app.post({ query: "{ viewer { id } }" }, bob)).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, wait + 50));
    expect((await app.post({ query: "{ viewer { id } }" }, ada)).status).toBe(200);
  });

  it("are counted over all ways together, and nobody's by the address", async () => {
    await using app = await boot({ requestsPerSecond: 3, requestBurst: 1 });
    const socket = await raw(app.socket(ada));
    for (let id = 1; id <= 20; id++) socket.subscribe(String(id), "{ viewer { id } }");
    await until(() => errorOf(socket, "20") !== undefined);
    expect(errorOf(socket, "20")).toMatchObject([{ extensions: { code: "RATE_LIMITED", retryAfterMs: expect.any(Number) } }]);
    expect(socket.messages.filter(({ type }) => type === "next").length).toBeLessThanOrEqual(8);
    expect((await stream(app, ada)).status).toBe(429);
    expect(socket.socket.readyState).toBe(socket.socket.OPEN);
    const strangers = await Promise.all(Array.from({ length: 12 }, () => app.post({ query: "{ viewer { id } }" })));
    expect(new Set(strangers.map(({ status }) => status))).toEqual(new Set([401, 429]));
  });

  it("close a socket that floods with pings, and no other", async () => {
    await using app = await boot({ requestsPerSecond: 20, requestBurst: 20 });
    const other = await raw(app.socket(bob));
    const { send, closed } = await raw(app.socket(ada));
    for (let at = 0; at < 200; at++) send({ type: "ping" });
    expect(await closed).toMatchObject({ code: 4429 });
    other.subscribe("1", "{ viewer { id } }");
    await until(() => other.messages.some(({ type }) => type === "next"));
  });

  it("do not hinder a client that begins again after its socket was refused", async () => {
    await using app = await boot({ requestsPerSecond: 2, requestBurst: 1 });
    const closes = await Promise.all(
      Array.from({ length: 12 }, async () => (await raw(app.socket(), "init", { token: "wrong-token" })).closed),
    );
    expect(new Set(closes.map(({ code }) => code))).toEqual(new Set([4403]));
    expect(closes.some(({ reason }) => reason.includes("Too many requests"))).toBe(true);
  });
});

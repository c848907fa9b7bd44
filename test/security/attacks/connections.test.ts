import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { auth } from "../../../src/plugins/auth/index.ts";
import { probePlugin, serve, tokens, until, viewers, type Served } from "../../graphql/fixture.ts";

const plugins = () => [auth({ viewers }), probePlugin()];
let app: Served;
beforeAll(async () => {
  app = await serve({ plugins: plugins() });
});
afterAll(() => app[Symbol.asyncDispose]());

const opened: Socket[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.destroy();
});

interface Conversation {
  readonly tcp: Socket;
  readonly received: () => string;
  readonly closed: Promise<void>;
}

/** A connection that sends bytes as they are. */
function speak(served: Served, text: string | Buffer): Conversation {
  const tcp = connect(served.server.port, "127.0.0.1");
  opened.push(tcp);
  let received = "";
  tcp.on("data", (chunk) => (received += String(chunk)));
  tcp.on("error", () => undefined);
  tcp.write(text);
  return { tcp, received: () => received, closed: new Promise((resolve) => tcp.once("close", () => resolve())) };
}

const head = (length: number | undefined, ...more: string[]): string =>
  [
    "POST /graphql HTTP/1.1",
    "Host: 127.0.0.1",
    "Content-Type: application/json",
    length === undefined ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`,
    ...more,
    "",
    "",
  ].join("\r\n");
const as = (token: string): string => `Authorization: Bearer ${token}`;
const asBob = { authorization: `Bearer ${tokens.bob}` };
const whoAmI = JSON.stringify({ query: "{ viewer { id } }" });

describe("a caller that nobody knows", () => {
  it("is refused before its body is read, whatever it announces, and its connection ends", async () => {
    for (const length of [1_800_000, 10, undefined]) {
      const { received, closed } = speak(app, head(length));
      await closed;
      expect(received()).toMatch(/^HTTP\/1\.1 401 /);
      expect(received()).toContain('"UNAUTHENTICATED"');
      expect(received().toLowerCase()).toContain("connection: close");
    }
  });

  it("holds no more connections than an address may have, whatever it sends of a request", async () => {
    await using own = await serve({ plugins: plugins(), server: { limits: { socketsPerAddress: 3 } } });
    const waiting = ["", "POST /graphql HT", head(10).slice(0, -2)].map((text) => speak(own, text));
    await Promise.all(waiting.map(({ tcp }) => new Promise((resolve) => tcp.once("ready", resolve))));
    const fourth = speak(own, "");
    await fourth.closed;
    expect(fourth.received()).toMatch(/^HTTP\/1\.1 429 /);
    waiting[0]?.tcp.destroy();
    // A viewer that is known leaves its place to the next.
    let served = 0;
    while (served < 5) {
      const known = speak(own, head(whoAmI.length, as(tokens.bob)) + whoAmI);
      await until(() => known.received() !== "");
      // Until the server has seen the first one go.
      if (known.received().startsWith("HTTP/1.1 200 ")) served++;
      else expect(served).toBe(0);
    }
  });

  it("is cut off where its headers do not arrive in time", async () => {
    await using own = await serve({ plugins: plugins(), server: { limits: { headersMs: 150 } } });
    const slow = speak(own, "POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ");
    const dripping = setInterval(() => slow.tcp.write("a"), 20);
    await slow.closed;
    clearInterval(dripping);
    expect(slow.received()).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe("a caller that is known", () => {
  it("has no more bytes of unfinished requests than it may, and others have theirs", async () => {
    await using own = await serve({ plugins: plugins(), server: { limits: { pendingBytesPerViewer: 1_000 } } });
    const first = speak(own, `${head(900, as(tokens.ada))}{`);
    await new Promise((resolve) => first.tcp.once("ready", resolve));
    const refused = speak(own, `${head(200, as(tokens.ada))}{`);
    await refused.closed;
    expect(refused.received()).toMatch(/^HTTP\/1\.1 429 /);
    expect((await own.post(whoAmI, asBob)).status).toBe(200);
    first.tcp.destroy();
    const again = await own.post(whoAmI, { authorization: `Bearer ${tokens.ada}` });
    expect(again.status).toBe(200);
  });

  it("is answered in order however many requests it sends before their answers, and others meanwhile", async () => {
    const requests = Array.from({ length: 1_000 }, (_, at) => head(whoAmI.length, as(tokens.ada), `X-Request-Id: request-${at}`) + whoAmI);
    const { received, tcp } = speak(app, requests.join(""));
    const answers = (): string[] => received().match(/HTTP\/1\.1 \d+|(?<=x-request-id: )\S+/g) ?? [];
    await until(() => answers().length > 0);
    expect((await app.post(whoAmI, asBob)).status).toBe(200);
    expect(answers().length).toBeLessThan(2_000);
    await until(() => answers().length === 2_000);
    expect(answers()).toEqual(requests.flatMap((_, at) => ["HTTP/1.1 200", `request-${at}`]));
    // What arrives in two parts, behind requests that had to wait.
    tcp.write(requests.join("").slice(0, -5));
    await until(() => answers().length === 3_998);
    tcp.write(whoAmI.slice(-5));
    await until(() => answers().length === 4_000);
  });

  it.each(["/graphql", "/elsewhere"])("loses its connection where it makes a socket of it while requests wait: %s", async (path) => {
    const request = head(whoAmI.length, as(tokens.ada)) + whoAmI;
    const upgrade = [`GET ${path} HTTP/1.1`, "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    const { closed } = speak(app, `${request.repeat(60)}${upgrade.join("\r\n")}\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n\r\n`);
    await closed;
    expect((await app.post(whoAmI, asBob)).status).toBe(200);
  });

  it("begins no more of its requests than it may once it has gone", async () => {
    await using own = await serve({ plugins: plugins(), server: { limits: { operationsPerSocket: 2 } } });
    const body = JSON.stringify({ query: "subscription { probeFeed }" });
    const streams = Array.from({ length: 20 }, () => head(body.length, as(tokens.ada), "Accept: text/event-stream") + body);
    const { tcp, closed } = speak(own, streams.join(""));
    await until(() => own.probe.open === 2);
    tcp.destroy();
    await closed;
    await until(() => own.probe.open === 0);
    expect((await own.post(whoAmI, asBob)).status).toBe(200);
    expect(own.probe.opened).toBe(2);
  });

  it("is told that its text is no UTF-8, in a body and in a query string", async () => {
    const body = Buffer.concat([Buffer.from('{"query":"{ probeEcho(text: \\"'), Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('\\") }"}')]);
    const { received, tcp } = speak(app, Buffer.concat([Buffer.from(head(body.length, as(tokens.ada))), body]));
    await until(() => received().includes("}]}"));
    expect(received()).toMatch(/^HTTP\/1\.1 400 [^]*"message":"The body is not UTF-8\."/);
    tcp.destroy();
    const asked = await fetch(`${app.server.url}?query={probeEcho(text:%22%ff%22)}`, { headers: { ...asBob, "x-weftline-csrf": "1" } });
    expect(asked.status).toBe(400);
  });
});

describe("what a browser asks", () => {
  it("at the root is shown the way to the graph, and a program is told where it is", async () => {
    const root = app.server.url.replace("/graphql", "/");
    const page = await fetch(root, { headers: { accept: "text/html" }, redirect: "manual" });
    expect([page.status, page.headers.get("location")]).toEqual([302, "/graphql"]);
    expect((await fetch(root)).status).toBe(404);
  });

  it("without a sign that its page may ask is refused with the header to send", async () => {
    const refused = await fetch(`${app.server.url}?query={viewer{id}}`, { headers: asBob });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      errors: [{ extensions: { code: "FORBIDDEN", fix: expect.stringContaining("x-weftline-csrf: 1") } }],
    });
  });

  it("from another port of this machine is answered readably in development, and not in production", async () => {
    const origin = "http://localhost:5173";
    const answered = await app.post(whoAmI, { ...asBob, origin });
    expect(answered.headers.get("access-control-allow-origin")).toBe(origin);
    const asked = await fetch(app.server.url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    await using production = await serve({ plugins: plugins(), mode: "production" });
    expect((await production.post(whoAmI, { ...asBob, origin })).headers.get("access-control-allow-origin")).toBeNull();
  });

  it("as an event stream comes past proxies that buffer or rewrite", async () => {
    const { headers, body } = await app.post({ query: "subscription { probeFeed }" }, { ...asBob, accept: "text/event-stream" });
    expect(headers.get("cache-control")).toBe("no-cache, no-transform");
    expect(headers.get("x-accel-buffering")).toBe("no");
    await body?.cancel();
  });
});

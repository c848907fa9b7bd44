import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authService } from "../../src/plugins/auth/contract.ts";
import { auth } from "../../src/plugins/auth/index.ts";
import { ada, probePlugin, serve, tokens, until, viewers, type Served } from "./fixture.ts";

const stream = (app: Served, query: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> =>
  fetch(app.server.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream", ...headers },
    body: JSON.stringify({ query }),
    ...(signal ? { signal } : {}),
  });

/** Reads until the text holds something; then the reader may go on reading. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, holds: (text: string) => boolean): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!holds(text)) {
    const { value, done } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

describe("a subscription over server-sent events", () => {
  let app: Served;
  beforeAll(async () => {
    app = await serve();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("sends each event and says when it is complete", async () => {
    const response = await stream(app, 'subscription { probeCount(to: 2, name: "sse") }');
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = await response.text();
    expect(text.match(/^data: .+$/gm)).toEqual(['data: {"data":{"probeCount":1}}', 'data: {"data":{"probeCount":2}}']);
    expect(text).toContain("event: complete");
  });

  it("works by GET where the request names itself", async () => {
    const url = `${app.server.url}?query=${encodeURIComponent('subscription { probeCount(to: 1, name: "get") }')}`;
    const headers = { accept: "text/event-stream" };
    expect((await fetch(url, { headers })).status).toBe(403);
    expect(await (await fetch(url, { headers: { ...headers, "x-weftline-csrf": "1" } })).text()).toContain('{"data":{"probeCount":1}}');
  });

  it("frees its source when the reader goes", async () => {
    const leaving = new AbortController();
    const response = await stream(app, "subscription { probeFeed }", {}, leaving.signal);
    await until(() => app.probe.open === 1);
    app.probe.push("one");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(await readUntil(reader, (text) => text.includes("one"))).toContain('{"data":{"probeFeed":"one"}}');
    leaving.abort();
    await until(() => app.probe.open === 0);
  });

  it("masks what its source throws", async () => {
    const text = await (await stream(app, "subscription { probeBroken }")).text();
    expect(text).toContain('{"data":{"probeBroken":"one"}}');
    expect(text).toMatch(/Something went wrong here.*"code":"INTERNAL".*"requestId"/);
    expect(text).not.toContain("hunter2");
  });

  it("holds a source back whose reader does not read", async () => {
    const leaving = new AbortController();
    await stream(app, 'subscription { probeBulk(to: 1000000, bytes: 1000, name: "sse-slow") }', {}, leaving.signal);
    const pulled = (): number => app.probe.pulled.get("sse-slow") ?? 0;
    let before = -1;
    await until(() => {
      const still = before === pulled() && before > 0;
      before = pulled();
      return still;
    });
    expect(pulled()).toBeLessThan(50_000);
    leaving.abort();
  });

  it("breaks off instead of pretending to be complete when the server stops", async () => {
    const own = await serve();
    const response = await stream(own, "subscription { probeFeed }");
    await until(() => own.probe.open === 1);
    const text = response.text();
    await Promise.all([expect(text).rejects.toThrow("terminated"), own.server.close()]);
    expect(own.probe.open).toBe(0);
    await own[Symbol.asyncDispose]();
  });

  it("ends before the next event of a viewer that was revoked", async () => {
    await using own = await serve({ plugins: [auth({ viewers }), probePlugin()] });
    const response = await stream(own, "subscription { probeFeed }", { authorization: `Bearer ${tokens.ada}` });
    await until(() => own.probe.open === 1);
    own.platform.use(authService).revoke(ada);
    own.probe.push("after");
    const text = await response.text();
    expect(text).toContain("UNAUTHENTICATED");
    expect(text).not.toContain("after");
    expect((await stream(own, "subscription { probeFeed }", { authorization: `Bearer ${tokens.ada}` })).status).toBe(401);
  });
});

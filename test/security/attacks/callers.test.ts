import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { authenticators, contribution, definePlugin, type Authenticator } from "#weftline";
import { auth } from "../../../src/plugins/auth/index.ts";
import { authService } from "../../../src/plugins/auth/contract.ts";
import { ada, probePlugin, serve, tokens, until, viewers, type Served } from "../../graphql/fixture.ts";
import { raw } from "../../graphql/raw-socket.ts";
import { ask, codesOf, ways } from "./ways.ts";

const feed = "subscription { probeFeed }";

/** Lets in whoever says how long, in milliseconds: `Bearer for-300`. */
function passing() {
  const authenticate: Authenticator["authenticate"] = ({ headers, connectionParams }) => {
    const stated = String(headers["authorization"] ?? connectionParams["token"] ?? "");
    const [, ms] = /for-(-?\d+)$/.exec(stated) ?? [];
    const expiresAt = Date.now() + Number(ms);
    return ms === undefined ? undefined : { tenantId: "default", actorId: `for-${ms}`, name: "Passing", roles: [], expiresAt };
  };
  return definePlugin({ id: "passing", contributes: [contribution(authenticators, "passing", { open: false, authenticate })] })();
}

let app: Served;
beforeAll(async () => {
  const expired = { token: "token-of-yesterday", id: "eve", expires: new Date(Date.now() - 1_000) };
  const later = { token: "token-of-next-century", id: "ida", expires: "2100-01-01T00:00:00+02:00" };
  app = await serve({ plugins: [auth({ viewers: [...viewers, expired, later] }), passing(), probePlugin()] });
});
afterAll(() => app[Symbol.asyncDispose]());

/** An event stream as it comes in. */
async function listen(own: Served, token: string): Promise<{ readonly status: number; readonly text: Promise<string> }> {
  const response = await own.post({ query: feed }, { accept: "text/event-stream", authorization: `Bearer ${token}` });
  return { status: response.status, text: response.text() };
}

describe("a token that is missing, wrong or expired", () => {
  it("gets nothing over HTTP and event streams, not even __typename", async () => {
    const wrong = [
      "Basic token-of-ada",
      "token-of-ada",
      "Bearer Token-of-ada",
      "Bearer token-of-ad",
      "Bearer token-of-adaa",
      "Bearer token-of-yesterday",
    ];
    for (const authorization of [undefined, ...wrong, "Bearer for--1", `Bearer ${"x".repeat(10_000)}`, "Bearer ' or 1=1 --"]) {
      for (const accept of ["application/json", "text/event-stream"]) {
        const response = await app.post({ query: "{ __typename }" }, { accept, ...(authorization === undefined ? {} : { authorization }) });
        expect([authorization, response.status]).toEqual([authorization, 401]);
        expect(await response.text()).toMatch(/UNAUTHENTICATED/);
      }
    }
    expect((await app.post({ query: "{ __typename }" }, { authorization: "Bearer token-of-next-century" })).status).toBe(200);
  });

  it("closes a socket with 4403, and one that never says who it is with 4408", async () => {
    for (const token of [undefined, "token-of-yesterday", "for--1", 7, null, ["token-of-ada"], { toString: "token-of-ada" }]) {
      const { closed, messages } = await raw(app.socket(), "init", { token });
      expect(await closed).toMatchObject({ code: 4403 });
      expect(messages).toEqual([]);
    }
    const silent = await raw(app.socket(), "bare");
    const early = await raw(app.socket(), "bare");
    early.subscribe("1", feed);
    expect(await early.closed).toMatchObject({ code: 4401 });
    expect(await silent.closed).toMatchObject({ code: 4408 });
    expect(app.probe.opened).toBe(0);
  });

  it("is not asked for by another subprotocol, which would know no token", async () => {
    const url = app.server.url.replace("http", "ws");
    for (const protocols of [["graphql-ws"], ["subscriptions-transport-ws"], []]) {
      const { closed } = await raw(new WebSocket(url, protocols), "bare").catch(() => ({ closed: Promise.resolve({ code: 4406 }) }));
      expect(await closed).toMatchObject({ code: 4406 });
    }
  });
});

describe("a token that expires meanwhile", () => {
  it("closes its idle socket with 4403 at that time, and no other", async () => {
    const other = await raw(app.socket(), "init", { token: "for-60000" });
    const { closed, subscribe, messages } = await raw(app.socket(), "init", { token: "for-400" });
    subscribe("1", feed);
    await until(() => app.probe.open === 1);
    expect(await closed).toMatchObject({ code: 4403 });
    await until(() => app.probe.open === 0);
    app.probe.push("after");
    expect(JSON.stringify(messages)).not.toContain("after");
    other.subscribe("1", "{ viewer { name } }");
    await until(() => other.messages.some(({ type }) => type === "next"));
    other.socket.close();
  });

  it("ends its idle event stream with UNAUTHENTICATED, and frees its source", async () => {
    const { status, text } = await listen(app, "for-400");
    expect(status).toBe(200);
    await until(() => app.probe.open === 1);
    expect(await text).toContain('"UNAUTHENTICATED"');
    await until(() => app.probe.open === 0);
  });

  it("lets nothing in afterwards", async () => {
    const { socket, closed, subscribe } = await raw(app.socket(), "init", { token: "for-150" });
    expect(socket.readyState).toBe(socket.OPEN);
    await closed;
    subscribe("1", feed);
    expect(app.probe.open).toBe(0);
  });
});

describe("a token that is revoked meanwhile", () => {
  it("ends what is idle, on all ways, and nobody else's", async () => {
    await using own = await serve({ plugins: [auth({ viewers }), probePlugin()] });
    const [mine, quiet, other] = await Promise.all(
      [tokens.ada, tokens.ada, tokens.bob].map((token) => raw(own.socket(), "init", { token })),
    );
    if (!mine || !quiet || !other) return expect.fail("no sockets");
    mine.subscribe("1", feed);
    other.subscribe("1", feed);
    const [stream, others] = await Promise.all([listen(own, tokens.ada), listen(own, tokens.bob)]);
    await until(() => own.probe.open === 4);
    own.platform.use(authService).revoke(ada);
    expect(await mine.closed).toMatchObject({ code: 4403 });
    expect(await quiet.closed).toMatchObject({ code: 4403 });
    expect(await stream.text).toContain('"UNAUTHENTICATED"');
    await until(() => own.probe.open === 2);
    own.probe.push("on");
    await until(() => other.messages.some(({ type }) => type === "next"));
    for (const way of ["HTTP", "event stream"] as const)
      expect(codesOf(await ask(own, way, { query: "{ viewer { id } }", token: tokens.ada }))).toEqual(["UNAUTHENTICATED"]);
    expect(await (await raw(own.socket(), "init", { token: tokens.ada })).closed).toMatchObject({ code: 4403 });
    for (const way of ways) expect((await ask(own, way, { query: "{ viewer { id } }", token: tokens.bob })).errors).toEqual([]);
    other.socket.terminate();
    await Promise.all([own.server.close(), expect(others.text).rejects.toThrow("terminated")]);
  });
});

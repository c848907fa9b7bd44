import { request } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WeftlineError, authenticators, contribution, definePlugin, httpRoutes } from "#weftline";
import type { RouteRequest, RouteResponse } from "../../src/core/graphql/routes.ts";
import { authService } from "../../src/plugins/auth/contract.ts";
import { auth } from "../../src/plugins/auth/index.ts";
import { ada, probePlugin, serve, tokens, viewers, type Served } from "./fixture.ts";

async function* pieces(pauseMs: number, signal?: AbortSignal): AsyncGenerator<string> {
  yield "first";
  await sleep(pauseMs, undefined, { signal });
  yield " last";
}

function* endless(): Generator<string> {
  for (;;) yield "x".repeat(100_000);
}

/** What becomes of a request, by the last part of its path. */
async function handle({ method, path, body, scope, signal }: RouteRequest): Promise<RouteResponse> {
  switch (path.at(-1)) {
    case "stream":
      return { status: 200, headers: { "content-type": "text/plain" }, body: Readable.from(["piece ", "by ", "piece"]) };
    case "quiet":
      return { status: 200, body: Readable.from(pieces(800)) };
    case "slow":
      return { status: 200, body: Readable.from(pieces(20_000, signal)) };
    case "endless":
      return { status: 200, body: Readable.from(endless()) };
    case "refused":
      throw new WeftlineError("NOT_FOUND", { what: "echo" });
    case "broken":
      throw new Error("password=hunter2");
    default:
      return { status: 201, body: JSON.stringify({ method, path, who: scope.viewer.actorId, sent: await text(body) }) };
  }
}

const echoPlugin = definePlugin({ id: "echo", contributes: [contribution(httpRoutes, "echo", { methods: ["GET", "PUT"], handle })] });

describe("a route of a plugin", () => {
  let app: Served;
  let base: string;
  beforeAll(async () => {
    app = await serve({ plugins: [auth({ viewers }), probePlugin(), echoPlugin()], server: { origins: ["https://app.example.com"] } });
    base = new URL("/echo", app.server.url).href;
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${base}${path}`, { ...init, headers: { authorization: `Bearer ${tokens.ada}`, ...init.headers } });

  it("is told who asks, and answers at its name and below", async () => {
    const answer = await ask("/a/b", { method: "PUT", body: "hello" });
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ method: "PUT", path: ["a", "b"], who: "ada", sent: "hello" });
    expect((await ask("")).status).toBe(201);
    expect((await ask("less")).status).toBe(404);
  });

  it("streams", async () => {
    const answer = await ask("/stream");
    expect(await answer.text()).toBe("piece by piece");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("is not reached without a viewer, from another page, or by another method", async () => {
    expect((await ask("", { headers: { authorization: "Bearer nobody" } })).status).toBe(401);
    expect((await ask("", { headers: { origin: "https://evil.example" } })).status).toBe(403);
    const post = await ask("", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, PUT"]);
  });

  it("tells browsers of configured origins what they may send", async () => {
    const preflight = await ask("", { method: "OPTIONS", headers: { origin: "https://app.example.com" } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(preflight.headers.get("access-control-allow-methods")).toBe("GET, PUT");
  });

  it("refuses in the words of the error, and shows nothing of a bug", async () => {
    const refused = await ask("/refused");
    expect(refused.status).toBe(404);
    expect(await refused.json()).toMatchObject({ errors: [{ message: "There is no such echo.", extensions: { code: "NOT_FOUND" } }] });
    const broken = await ask("/broken");
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain("hunter2");
  });

  it("does not read what is left of a body that it refuses", async () => {
    const put = request(`${base}/refused`, { method: "PUT", headers: { authorization: `Bearer ${tokens.ada}`, "content-length": 1e9 } });
    put.on("error", () => undefined).write("x".repeat(1_000));
    const answer = await new Promise<{ statusCode?: number; headers: { connection?: string } }>((resolve) => put.once("response", resolve));
    expect([answer.statusCode, answer.headers.connection]).toEqual([404, "close"]);
    put.destroy();
  });
});

describe("a response that lasts", () => {
  const plugins = [auth({ viewers }), probePlugin(), echoPlugin()];
  const get = (app: Served, path: string, token: string = tokens.ada): Promise<Response> =>
    fetch(new URL(`/echo${path}`, app.server.url), { headers: { authorization: `Bearer ${token}` } });
  const served = async (app: Served): Promise<number> => (await get(app, "", tokens.bob)).status;

  it("takes a place, is cut when its viewer is revoked, and gives the place back", async () => {
    await using app = await serve({ plugins, server: { limits: { socketsPerAddress: 1 } } });
    const slow = await get(app, "/slow");
    expect(await served(app)).toBe(429);
    app.platform.use(authService).revoke(ada);
    await expect(slow.text()).rejects.toThrow("terminated");
    await vi.waitFor(async () => expect(await served(app)).toBe(201));
  });

  it("is cut when its viewer's credentials end", async () => {
    const expiring = definePlugin({
      id: "expiring",
      contributes: [
        contribution(authenticators, "expiring", {
          open: false,
          authenticate: async () => ({ ...ada, expiresAt: Date.now() + 300 }),
        }),
      ],
    });
    await using app = await serve({ plugins: [expiring(), probePlugin(), echoPlugin()] });
    await expect((await get(app, "/slow")).text()).rejects.toThrow("terminated");
  });

  it("is cut when its reader takes nothing, and not when it has nothing to take", async () => {
    await using app = await serve({ plugins, server: { limits: { socketsPerAddress: 2, stalledResponseMs: 300 } } });
    const stalled = request(new URL("/echo/endless", app.server.url), { headers: { authorization: `Bearer ${tokens.ada}` } });
    stalled.on("error", () => undefined).end();
    await new Promise((resolve) => stalled.once("response", (response) => resolve(response.on("error", () => undefined).pause())));
    const quiet = await get(app, "/quiet");
    expect(await served(app)).toBe(429);
    expect(await quiet.text()).toBe("first last");
    const slow = await get(app, "/slow");
    await vi.waitFor(async () => expect(await served(app)).toBe(201), { timeout: 30_000 });
    await slow.body?.cancel();
    stalled.destroy();
  });
});

import { describe, expect, it } from "vitest";
import { serve, until } from "./fixture.ts";
import { raw, refusal } from "./raw-socket.ts";

describe("a server that stops", () => {
  it("sends 1001 to its sockets and cuts off those that do not answer", async () => {
    const app = await serve();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => raw(app.socket())));
    const deaf = await raw(app.socket());
    deaf.tcp.pause();
    sockets[0]?.subscribe("1", "subscription { probeFeed }");
    await until(() => app.probe.open === 1);
    const done = app.server.close(1_500);
    const codes = await Promise.all(sockets.map(async ({ closed }) => (await closed).code));
    expect(new Set(codes)).toEqual(new Set([1001]));
    expect(app.probe.open).toBe(0);
    await done;
    deaf.socket.terminate();
    await app[Symbol.asyncDispose]();
  });

  it("serves on for as long as a balancer needs to notice that it will not", async () => {
    const app = await serve({ server: { drainDelayMs: 1_500 } });
    const done = app.server.close(400);
    const ready = await fetch(new URL("/readyz", app.server.url));
    expect([ready.status, await ready.json()]).toEqual([503, { status: "DRAINING" }]);
    expect((await app.post({ query: "{ viewer { id } }" })).status).toBe(200);
    const opened = await raw(app.socket());
    expect((await opened.closed).code).toBe(1001);
    await done;
    await expect(fetch(app.server.url)).rejects.toThrow("fetch failed");
    await app[Symbol.asyncDispose]();
  });

  it("is draining for the load balancer and takes no new work meanwhile", async () => {
    const app = await serve();
    const deaf = await raw(app.socket());
    deaf.tcp.pause();
    const done = app.server.close(400);
    const health = await fetch(new URL("/healthz", app.server.url));
    expect([health.status, await health.json()]).toEqual([503, { status: "DRAINING" }]);
    const ready = await fetch(new URL("/readyz", app.server.url));
    expect([ready.status, await ready.json()]).toEqual([503, { status: "DRAINING" }]);
    expect((await fetch(new URL("/livez", app.server.url))).status).toBe(200);
    const refused = await app.post({ query: "{ viewer { id } }" });
    expect([refused.status, await refused.json()]).toMatchObject([503, { errors: [{ extensions: { code: "UNAVAILABLE" } }] }]);
    expect(await refusal(app.socket())).toBe(503);
    await done;
    await expect(fetch(app.server.url)).rejects.toThrow("fetch failed");
    deaf.socket.terminate();
    await app[Symbol.asyncDispose]();
  });
});

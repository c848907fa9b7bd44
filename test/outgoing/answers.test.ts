import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOutgoingHttp } from "../../src/core/outgoing/outgoing-http.ts";
import { difficultServer, localServer, refusal, resolver, type LocalServer } from "./servers.ts";

let server: LocalServer;
beforeAll(async () => {
  server = await difficultServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A client for which this machine is allowed. */
const local = () => createOutgoingHttp({ allow: ["127.0.0.0/8"] }, resolver({}).resolve);
const at = (path: string, host = "127.0.0.1"): string => `http://${host}:${server.port}${path}`;

describe("an answer", () => {
  it("that takes too long is given up: as a whole, between two bytes, and while its name is resolved", async () => {
    const slow = createOutgoingHttp({}, () => new Promise<never>(() => {}));
    const cases = [
      [() => local().request({ url: at("/drip"), timeoutMs: 60 }), 0.06, "127.0.0.1"],
      [() => local().request({ url: at("/silent"), idleMs: 40 }), 0.04, "127.0.0.1"],
      [() => slow.request({ url: "http://slow.example/", timeoutMs: 50 }), 0.05, "slow.example"],
    ] as const;
    for (const [ask, seconds, host] of cases)
      await expect(ask()).rejects.toMatchObject({ code: "OUTGOING_TIMEOUT", message: `${host} did not answer within ${seconds} s.` });
  });

  it("that nobody asked for, another protocol, ends the request", async () => {
    for (const read of ["body", "head"] as const)
      await expect(local().request({ url: at("/upgrade"), read, timeoutMs: 1_000 })).rejects.toMatchObject({
        code: "OUTGOING_UNREACHABLE",
      });
  });

  it("that is too long is given up: announced, endless, or small only while it is compressed", async () => {
    for (const path of ["/long", "/endless", "/bomb"]) {
      const before = process.memoryUsage().rss;
      await expect(local().request({ url: at(path), maxBytes: 100_000 }), path).rejects.toMatchObject({ code: "OUTGOING_TOO_LARGE" });
      expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    }
  });

  it("is decompressed, and read only where it is wanted", async () => {
    for (const as of ["gzip", "br", "deflate"])
      expect((await local().request({ url: at(`/encoded?as=${as}`) })).body.toString()).toBe("hello");
    for (const as of ["constructor", "__proto__"])
      expect((await local().request({ url: at(`/encoded?as=${as}`) })).headers["content-encoding"], "unknown: as it came").toBe(as);
    for (const [status, method] of [
      [204, "POST"],
      [200, "GET"],
      [304, "GET"],
      [200, "HEAD"],
    ] as const)
      expect(await local().request({ url: at(`/empty?status=${status}`), method })).toMatchObject({ status, body: Buffer.alloc(0) });
    const compressed = await local().request({ url: at("/encoded?as=gzip"), method: "HEAD" });
    expect([compressed.status, compressed.body.length]).toEqual([200, 0]);
    const head = await local().request({ url: at("/endless"), read: "head", maxBytes: 1 });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect((await local().request({ url: at("/long"), method: "HEAD", maxBytes: 10 })).headers["content-length"]).toBe("5000000");
  });
});

describe("a redirect", () => {
  const to = (target: string, status = 302) => at(`/redirect?status=${status}&to=${encodeURIComponent(target)}`);

  it("is the answer by default", async () => {
    const answer = await local().request({ url: to("/") });
    expect([answer.status, answer.headers["location"], answer.body.toString()]).toEqual([302, "/", "moved"]);
  });

  it("is followed as often as its caller says", async () => {
    expect((await local().request({ url: to(to(at("/end"))), redirects: 2 })).url).toBe(at("/end"));
    await expect(local().request({ url: to(to("/")), redirects: 1 })).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining("more than 1 times"),
    });
    const before = server.seen.length;
    await expect(local().request({ url: at("/loop"), redirects: 1_000 })).rejects.toMatchObject(refusal);
    expect(server.seen.length - before).toBe(11);
  });

  it("leads to no private address, other scheme, or URL with credentials", async () => {
    const http = createOutgoingHttp({ allow: ["127.0.0.1"] }, resolver({ "inside.example": ["10.0.0.1"] }).resolve);
    const targets = [
      "http://10.0.0.1/",
      "http://[::1]/",
      "http://2130706434/",
      "http://inside.example/",
      "file:///etc/passwd",
      "http://u:p@127.0.0.1/",
    ];
    for (const target of targets) await expect(http.request({ url: to(target), redirects: 3 }), target).rejects.toMatchObject(refusal);
  });

  it("keeps method and body where its status says so, and loses them where not", async () => {
    const cases = [
      [301, "POST", "GET"],
      [302, "POST", "GET"],
      [303, "PUT", "GET"],
      [303, "HEAD", "HEAD"],
      [307, "POST", "POST"],
      [308, "PUT", "PUT"],
      [302, "PUT", "PUT"],
    ] as const;
    for (const [status, method, then] of cases) {
      const body = method === "HEAD" ? {} : { body: "body" };
      await local().request({ url: to("/end", status), method, ...body, headers: { "content-type": "text/plain" }, redirects: 1 });
      const seen = server.seen.at(-1);
      expect([seen?.method, seen?.body, seen?.headers["content-type"]], `${status} ${method}`).toEqual(
        then === method && method !== "HEAD" ? [then, "body", "text/plain"] : [then, "", method === "HEAD" ? "text/plain" : undefined],
      );
    }
  });

  it("takes credentials along to the same origin only", async () => {
    await using other = await localServer((_, response) => response.end());
    const headers = {
      authorization: "Bearer hunter2",
      cookie: "a=b",
      "x-api-key": "hunter2",
      "webhook-signature": "v1,x",
      accept: "text/plain",
    };
    await local().request({ url: to("/same"), headers, redirects: 1 });
    expect(server.seen.at(-1)?.headers).toMatchObject(headers);
    await local().request({ url: to(`http://127.0.0.1:${other.port}/`), headers, redirects: 1 });
    const seen = other.seen[0]?.headers ?? {};
    expect(Object.keys(seen).toSorted()).toEqual(["accept", "accept-encoding", "connection", "host", "user-agent"]);
  });
});

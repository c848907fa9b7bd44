import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outgoingHttp } from "#weftline";
import { createOutgoingHttp } from "../../src/core/outgoing/outgoing-http.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { difficultServer, localServer, refusal, resolver, type LocalServer } from "./servers.ts";

const notPublic = { ...refusal, message: expect.stringContaining("does not lead to a public address") };

let server: LocalServer;
beforeAll(async () => {
  server = await difficultServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** A client for which this machine is allowed. */
const local = () => createOutgoingHttp({ allow: ["127.0.0.0/8"] }, resolver({}).resolve);
const at = (path: string, host = "127.0.0.1"): string => `http://${host}:${server.port}${path}`;

describe("an address that no request goes to", () => {
  const http = createOutgoingHttp();
  it("is one that is private however it is written", async () => {
    const hosts = [
      ...[
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
        "１２７.0.0.1",
        "⑫7.0.0.1",
      ],
      ...["0", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200"],
      ...[
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
      ],
      ...[
        "168.63.129.16",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:8.8.8.8]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
      ],
      ...[
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
      ],
      ...["[ff02::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[4000::1]", "[5f00::1]", "[2001:20::1]"],
    ];
    for (const host of hosts) {
      expect(() => http.check(`http://${host}/`), host).toThrow(/does not lead to a public address/);
      await expect(http.request({ url: `http://${host}/` }), host).rejects.toMatchObject(notPublic);
    }
  });

  it("is one with another scheme, credentials, another port, or none at all", () => {
    const urls = [
      "file:///etc/passwd",
      "ftp://example.com",
      "gopher://example.com",
      "javascript:alert(1)",
      "unix:/run/docker.sock",
      "data:,x",
    ];
    const withCredentials = ["http://user@example.com", "http://user:hunter2@example.com", "http://:hunter2@example.com"];
    const ports = [
      "http://example.com:22",
      "https://example.com:25",
      "http://example.com:6379",
      "http://8.8.8.8:53",
      "http://example.com:0",
    ];
    const none = [
      "",
      "example.com",
      "//example.com",
      "http://",
      "http:///",
      "http://exa mple.com",
      `http://example.com/${"x".repeat(2_048)}`,
    ];
    for (const url of [...urls, ...withCredentials, ...ports, ...none]) {
      let error: unknown;
      try {
        http.check(url);
      } catch (caught) {
        error = caught;
      }
      expect(error, url).toMatchObject(refusal);
      expect(String(error)).not.toContain("hunter2");
    }
    for (const url of ["http://example.com", "https://example.com:8443/x?y#z", "http://8.8.8.8", "https://[2606:4700::1]:443/"])
      expect(() => http.check(url), url).not.toThrow();
  });

  it("is a name that leads to a private one, or nowhere: both look the same, and name no address", async () => {
    const names = {
      "metadata.example": ["169.254.169.254"],
      "inside.example": ["10.0.0.1", "fd00::1"],
      "odd.example": ["no address"],
      "none.example": [],
    };
    const { resolve } = resolver(names);
    const errors = [];
    for (const host of [...Object.keys(names), "unknown.example"])
      errors.push(
        await createOutgoingHttp({}, resolve)
          .request({ url: `http://${host}/` })
          .catch((error: unknown) => error),
      );
    for (const error of errors) expect(error).toMatchObject({ ...notPublic, message: (errors[0] as Error).message });
    expect(JSON.stringify(errors)).not.toMatch(/169|10\.0|fd00|ENOTFOUND/);
    expect((errors[0] as Error).cause).toMatchObject({ message: expect.stringContaining("169.254.169.254") });
  });

  it("is one that the system itself resolves to this machine", async () => {
    await expect(http.request({ url: "http://localhost:8080/" })).rejects.toMatchObject(notPublic);
  });
});

describe("the address that is connected to", () => {
  it("is the one that was checked, though the name leads elsewhere at the next look", async () => {
    const answers = [["127.0.0.1"], ["127.0.0.2"]];
    const { looks, resolve } = resolver({ "rebind.example": () => answers.shift() ?? [] });
    const http = createOutgoingHttp({ allow: ["127.0.0.1/32"] }, resolve);
    expect((await http.request({ url: at("/", "rebind.example") })).status).toBe(200);
    expect(looks).toEqual(["rebind.example"]);
    await expect(http.request({ url: at("/", "rebind.example") })).rejects.toMatchObject(notPublic);
  });

  it("is never a private one that stands beside a permitted one", async () => {
    await using other = await localServer((_, response) => response.end("private"), "127.0.0.2");
    const { resolve } = resolver({ "both.example": ["127.0.0.2", "::1", "127.0.0.1"] });
    const http = createOutgoingHttp({ allow: ["127.0.0.1"] }, resolve);
    expect((await http.request({ url: at("/", "both.example") })).body.toString()).toBe("hello");
    await expect(http.request({ url: `http://both.example:${other.port}/` })).rejects.toMatchObject({ code: "OUTGOING_UNREACHABLE" });
    expect(other.seen).toEqual([]);
  });

  it("is asked for by the name in the URL", async () => {
    const { resolve } = resolver({ "named.example": ["127.0.0.1"] });
    await createOutgoingHttp({ allow: ["named.example"] }, resolve).request({
      url: at("/named", "named.example"),
      headers: { Host: "evil" },
    });
    expect(server.seen.at(-1)).toMatchObject({ url: "/named", headers: { host: `named.example:${server.port}` } });
  });
});

describe("what an operator allows", () => {
  const { resolve } = resolver({
    "hooks.internal": ["127.0.0.1"],
    "a.b.internal": ["127.0.0.1"],
    internal: ["127.0.0.1"],
    "v6.example": ["::1"],
  });
  const reaches = async (allow: readonly string[], host: string): Promise<boolean> =>
    createOutgoingHttp({ allow }, resolve)
      .request({ url: at("/", host) })
      .then(() => true)
      .catch(({ code }: { code: string }) => code !== "OUTGOING_REFUSED");

  it("is a name, the names below it, an address or a network, and nothing besides", async () => {
    const cases: readonly [allow: string, host: string, reached: boolean][] = [
      ["hooks.internal", "hooks.internal", true],
      ["HOOKS.internal.", "Hooks.Internal", true],
      ["hooks.internal", "a.b.internal", false],
      ["*.internal", "a.b.internal", true],
      ["*.internal", "internal", false],
      ["127.0.0.1", "hooks.internal", true],
      ["127.0.0.0/8", "127.0.0.1", true],
      ["127.0.0.2", "127.0.0.1", false],
      ["10.0.0.0/8", "127.0.0.1", false],
      ["fd00::/8", "127.0.0.1", false],
      ["127.0.0.0/8", "v6.example", false],
      ["::1", "v6.example", true],
      ["127.0.0.0/8", "[::ffff:127.0.0.1]", false],
    ];
    for (const [allow, host, reached] of cases) expect(await reaches([allow], host), `${allow} ${host}`).toBe(reached);
  });

  it("is refused at the start where it is none", async () => {
    for (const allow of ["", "http://x", "10.0.0.0/33", "10.0.0.256", "*", "a b", "*.*.x", "1.2.3"])
      expect(() => createOutgoingHttp({ allow: [allow] }), allow).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
    for (const port of [0, 65_536, 1.5, Number.NaN]) expect(() => createOutgoingHttp({ ports: [port] })).toThrow(/is no port/);
    await expect(testPlatform({ plugins: [], outgoing: { allow: ["*"] } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("holds for every plugin of the platform", async () => {
    await using app = await testPlatform({ plugins: [], outgoing: { allow: ["127.0.0.1"] } });
    expect((await app.platform.use(outgoingHttp).request({ url: at("/") })).status).toBe(200);
    await using closed = await testPlatform({ plugins: [] });
    await expect(closed.platform.use(outgoingHttp).request({ url: at("/") })).rejects.toMatchObject(notPublic);
  });
});

describe("a request", () => {
  it("arrives with its method, headers and body, and gives back what was answered", async () => {
    const headers = {
      "X-Own": "1",
      "Content-Type": "text/plain",
      "Content-Length": "1",
      "Transfer-Encoding": "chunked",
      Connection: "upgrade",
    };
    const answer = await local().request({ url: at("/post?status=500#hash"), method: "POST", headers, body: "grüße" });
    expect(answer).toMatchObject({ status: 500, headers: { "x-answer": "a, b" }, url: at("/post?status=500#hash") });
    expect(answer.body.toString()).toBe("hello");
    const seen = server.seen.at(-1);
    expect(seen).toMatchObject({
      method: "POST",
      url: "/post?status=500",
      body: "grüße",
      headers: { "x-own": "1", "user-agent": "Weftline" },
    });
    expect(seen?.headers).toMatchObject({ "content-length": "7", connection: "close" });
  });

  it("is refused with a header that would begin another, without a word of its value", async () => {
    const injected = [{ "x-a": "1\r\nHost: evil hunter2" }, { "x-a\r\nHost: evil": "1" }, { "": "1" }, { "x-a": "hunter2\u{1F511}" }];
    for (const headers of injected as Record<string, string>[]) {
      const error = await local()
        .request({ url: at("/"), headers })
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "INVALID_INPUT" });
      expect(String(error)).not.toContain("hunter2");
    }
  });

  it("fails with the host's name alone where nobody listens, TLS is not spoken or the answer breaks off", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, "close");
    for (const url of [`http://127.0.0.1:${port}/`, `https://127.0.0.1:${server.port}/`, at("/cut"), at("/broken")]) {
      const error = await local()
        .request({ url })
        .catch((caught: unknown) => caught);
      expect(error, url).toMatchObject({ code: "OUTGOING_UNREACHABLE", message: "127.0.0.1 could not be reached, or broke off." });
    }
  });

  it("ends when its caller gives it up, also while a name is resolved", async () => {
    const never = () => new Promise<never>(() => {});
    for (const [http, url] of [
      [local(), at("/silent")],
      [createOutgoingHttp({}, never), "http://slow.example/"],
    ] as const) {
      const controller = new AbortController();
      const asked = http.request({ url, signal: controller.signal });
      setTimeout(() => controller.abort(new Error("given up")), 20);
      await expect(asked, url).rejects.toThrow("given up");
      await expect(http.request({ url, signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
    }
  });
});

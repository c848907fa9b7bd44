import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, until, type Served } from "../../graphql/fixture.ts";
import { raw, refusal } from "../../graphql/raw-socket.ts";

const friend = "https://app.example.com";
const strangers = [
  "https://evil.example",
  "https://app.example.com.evil.example",
  "http://app.example.com",
  "https://app.example.com:8443",
  "null",
  "file://",
];

let app: Served;
beforeAll(async () => {
  app = await serve({ server: { origins: [friend] } });
});
afterAll(() => app[Symbol.asyncDispose]());

const stream = "text/event-stream";
const touched = "mutation { probeTouch }";

/** Fails where the mutation of the attack was run. */
async function untouched(attack: () => Promise<unknown>): Promise<void> {
  const watcher = await raw(app.socket());
  watcher.subscribe("1", "subscription { probeFeed }");
  await until(() => app.probe.open === 1);
  await attack();
  app.probe.push("end");
  await until(() => watcher.messages.some(({ type }) => type === "next"));
  expect(JSON.stringify(watcher.messages)).not.toContain("touched");
  watcher.socket.terminate();
  await until(() => app.probe.open === 0);
}

describe("a page of another site", () => {
  it("is refused by POST, as a stream, and as a socket, and changes nothing", async () => {
    await untouched(async () => {
      for (const origin of strangers) {
        for (const accept of ["application/json", stream]) {
          const response = await app.post({ query: touched }, { origin, accept });
          expect(response.status, origin).toBe(403);
          expect(response.headers.get("access-control-allow-origin")).toBeNull();
        }
        expect(await refusal(app.socket({ origin })), origin).toBe(403);
      }
    });
  });

  it("is not told that it may call, and with cookies nobody is", async () => {
    for (const origin of strangers) {
      const asked = await fetch(app.server.url, {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
      });
      expect(asked.headers.get("access-control-allow-origin"), origin).toBeNull();
    }
    const answered = await app.post({ query: "{ viewer { id } }" }, { origin: friend });
    expect(answered.headers.get("access-control-allow-origin")).toBe(friend);
    expect(answered.headers.get("access-control-allow-credentials")).toBeNull();
    expect(answered.headers.get("vary")).toContain("origin");
  });

  it("that is allowed may do all three", async () => {
    expect((await app.post({ query: touched }, { origin: friend })).status).toBe(200);
    const streamed = await app.post({ query: "{ viewer { id } }" }, { origin: friend, accept: stream });
    expect(streamed.status).toBe(200);
    await streamed.text();
    expect((await raw(app.socket({ origin: friend }))).messages).toEqual([{ type: "connection_ack" }]);
  });
});

describe("a request that a browser sends without asking", () => {
  const json = JSON.stringify({ query: touched });
  const boundary = "----x";
  const multipart = `--${boundary}\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${json}\r\n--${boundary}\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--${boundary}--\r\n`;
  const bodies: Readonly<Record<string, string>> = {
    "application/x-www-form-urlencoded": `query=${encodeURIComponent(touched)}`,
    [`multipart/form-data; boundary=${boundary}`]: multipart,
    "text/plain": json,
    "text/plain;charset=UTF-8": json,
    "text/plain; application/json": json,
    "APPLICATION/X-WWW-FORM-URLENCODED": `query=${encodeURIComponent(touched)}`,
  };

  it("is refused in every form, as a stream too, and changes nothing", async () => {
    await untouched(async () => {
      for (const [type, body] of Object.entries(bodies)) {
        for (const accept of ["*/*", stream]) {
          const response = await app.post(body, { "content-type": type, accept });
          expect(response.status, `${type} for ${accept}`).toBe(403);
          expect(await response.text()).toContain('"FORBIDDEN"');
        }
      }
      expect(await withoutType(json)).toBeGreaterThanOrEqual(400);
    });
  });

  it("changes nothing by a form even where it names itself", async () => {
    await untouched(async () => {
      const response = await app.post(multipart, { "content-type": `multipart/form-data; boundary=${boundary}`, "x-weftline-csrf": "1" });
      expect(response.status).toBeGreaterThanOrEqual(400);
    });
  });

  it("changes nothing by GET, named or not, as a stream neither", async () => {
    const url = `${app.server.url}?query=${encodeURIComponent(touched)}`;
    await untouched(async () => {
      for (const accept of ["application/json", stream]) {
        expect((await fetch(url, { headers: { accept } })).status).toBe(403);
        expect((await fetch(url, { headers: { accept, "x-weftline-csrf": "1" } })).status).toBe(405);
      }
      for (const method of ["HEAD", "PUT", "DELETE", "PATCH"])
        expect(
          (await fetch(url, { method, headers: { "x-weftline-csrf": "1", "content-type": "application/json" } })).status,
          method,
        ).toBeGreaterThanOrEqual(400);
    });
  });

  /** `fetch` gives every body a type. */
  function withoutType(body: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = request(app.server.url, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on("error", reject).end(body);
    });
  }
});

describe("every answer", () => {
  it("forbids browsers to guess its type, to frame it, to run anything of it and to tell where it was", async () => {
    const answers = [
      await app.post({ query: "{ viewer { id } }" }),
      await app.post({ query: "{ viewer { id } }" }, { accept: stream }),
      await app.post({ query: "{ viewer { id } }" }, { origin: "https://evil.example" }),
      await app.post("x", { "content-type": "text/plain" }),
      await fetch(new URL("/nothing", app.server.url)),
      await fetch(new URL("/healthz", app.server.url)),
      await fetch(app.server.url, { headers: { accept: "text/html" } }),
    ];
    for (const answer of answers) {
      const { headers } = answer;
      await answer.body?.cancel();
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get("content-security-policy")).not.toMatch(/script-src[^;]*(unsafe|\*|https?:)/);
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("x-powered-by") ?? headers.get("server")).toBeNull();
    }
  });
});

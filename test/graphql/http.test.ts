import { request } from "node:http";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { v7 } from "uuid";
import { Engine } from "../../src/core/graphql/engine.ts";
import { limitsOf } from "../../src/core/graphql/limits.ts";
import type { Logger } from "../../src/core/kernel/spec.ts";
import { ada, probePlugin, serve, take, tokens, viewers, type Served } from "./fixture.ts";
import { auth } from "../../src/plugins/auth/index.ts";

interface Answer {
  readonly data?: Record<string, unknown>;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

const read = async (response: Response): Promise<Answer> => (await response.json()) as Answer;
const codeOf = async (response: Response): Promise<unknown> => (await read(response)).errors?.[0]?.extensions["code"];

describe("the HTTP server", () => {
  let app: Served;
  beforeAll(async () => {
    app = await serve();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("answers queries and mutations by POST", async () => {
    expect(await read(await app.post({ query: "{ viewer { name roles } }" }))).toEqual({
      data: { viewer: { name: "Local user", roles: ["admin", "audit"] } },
    });
    expect(await read(await app.post({ query: "mutation { probeTouch }" }))).toEqual({ data: { probeTouch: true } });
  });

  it("answers queries by GET where the request names itself, and never mutations", async () => {
    const headers = { "x-weftline-csrf": "1" };
    const query = await fetch(`${app.server.url}?query=${encodeURIComponent('{ probeEcho(text: "a") }')}`, { headers });
    expect(await read(query)).toEqual({ data: { probeEcho: "a" } });
    const mutation = await fetch(`${app.server.url}?query=${encodeURIComponent("mutation { probeTouch }")}`, { headers });
    expect(mutation.status).toBe(405);
  });

  it("sends each answer with an id, security headers and no permission for other origins", async () => {
    const response = await app.post({ query: "{ viewer { id } }" }, { origin: app.server.url.slice(0, -8) });
    expect(response.status).toBe(200);
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    const named = await app.post({ query: "{ viewer { id } }" }, { "x-request-id": "my-request-1" });
    expect(named.headers.get("x-request-id")).toBe("my-request-1");
  });

  it("gives expected failures their code, fix and request id", async () => {
    const ask = async (code: string): Promise<unknown> => {
      const { errors } = await read(await app.post({ query: `{ probeExpected(code: "${code}") }` }, { "x-request-id": "my-request-2" }));
      return errors?.[0]?.extensions;
    };
    expect(await ask("NOT_FOUND")).toEqual({ code: "NOT_FOUND", fix: "Wait.", requestId: "my-request-2" });
    expect(await ask("INVALID_CURSOR")).toMatchObject({ code: "INVALID_CURSOR" });
    expect(await ask("UNAVAILABLE")).toMatchObject({ code: "UNAVAILABLE" });
    expect(await ask("PROVIDER_UNREACHABLE")).toMatchObject({ code: "UNAVAILABLE" });
    expect(await ask("PROVIDER_RATE_LIMITED")).toMatchObject({ code: "RATE_LIMITED" });
    expect(await ask("UNAUTHENTICATED")).toMatchObject({ code: "UNAUTHENTICATED" });
    expect(await ask("RUN_FENCED")).toMatchObject({ code: "INTERNAL" });
  });

  it("shows nothing of a bug but its request id", async () => {
    const response = await app.post({ query: "{ probeBug }" });
    const text = await response.text();
    expect(text).not.toMatch(/hunter2|secret/);
    expect(JSON.parse(text)).toMatchObject({
      data: { probeBug: null },
      errors: [
        { message: "Something went wrong here.", extensions: { code: "INTERNAL", requestId: response.headers.get("x-request-id") } },
      ],
    });
  });

  it("refuses a body above the limit, whether its length was announced or not", async () => {
    const body = JSON.stringify({ query: "{ viewer { id } }", variables: { x: "x".repeat(2_000_000) } });
    const announced = await app.post(body);
    expect(announced.headers.get("connection")).toBe("close");
    expect(announced.status).toBe(413);
    expect(await codeOf(announced)).toBe("REQUEST_ENTITY_TOO_LARGE");
    const chunked = await fetch(app.server.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob([body]).stream(),
      duplex: "half",
    } as RequestInit);
    expect(chunked.status).toBe(413);
    expect(await codeOf(chunked)).toBe("REQUEST_ENTITY_TOO_LARGE");
  });

  it("refuses requests that a page of another site could send without being asked", async () => {
    const form = "query=mutation%7BprobeTouch%7D";
    const types = {
      "application/x-www-form-urlencoded": form,
      "text/plain": '{"query":"mutation{probeTouch}"}',
      "multipart/form-data; boundary=x": "--x--",
    };
    for (const [type, body] of Object.entries(types)) {
      const response = await app.post(body, { "content-type": type });
      expect(response.status, type).toBe(403);
      expect(await codeOf(response)).toBe("FORBIDDEN");
    }
    expect((await fetch(`${app.server.url}?query={viewer{id}}`)).status).toBe(403);
    for (const header of ["x-weftline-csrf", "apollo-require-preflight", "x-graphql-yoga-csrf"]) {
      expect((await fetch(`${app.server.url}?query={viewer{id}}`, { headers: { [header]: "1" } })).status).toBe(200);
    }
  });

  it("refuses other origins, and names of this server that are not its own", async () => {
    const query = { query: "{ viewer { id } }" };
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1.evil.example", "http://localhost.evil.example"]) {
      const response = await app.post(query, { origin });
      expect(response.status, origin).toBe(403);
      expect(await codeOf(response)).toBe("FORBIDDEN");
    }
    for (const origin of [new URL(app.server.url).origin, "http://localhost:3000", "http://[::1]:80"])
      expect((await app.post(query, { origin })).status, origin).toBe(200);
    expect(await statusWithHost(app, `evil.example:${app.server.port}`)).toBe(403);
    expect(await statusWithHost(app, `localhost:${app.server.port}`)).toBe(200);
  });

  it("tells load balancers that it is up, and others that there is nothing else", async () => {
    const health = await fetch(new URL("/healthz", app.server.url));
    expect([health.status, await health.json()]).toEqual([200, { status: "UP" }]);
    const other = await fetch(new URL("/admin", app.server.url));
    expect([other.status, await codeOf(other)]).toEqual([404, "NOT_FOUND"]);
  });

  it("says 400 to a document with a syntax error, also when a socket sent it first", async () => {
    const client = app.client();
    await expect(take(client, "{ viewer { ")).rejects.toMatchObject([{ extensions: { code: "GRAPHQL_PARSE_FAILED" } }]);
    await client.dispose();
    const response = await app.post({ query: "{ viewer { " }, { accept: "application/graphql-response+json" });
    expect([response.status, await codeOf(response)]).toEqual([400, "GRAPHQL_PARSE_FAILED"]);
  });

  it("asks which operation is meant where there are several", async () => {
    const response = await app.post({ query: "query A { viewer { id } } query B { viewer { id } }" });
    expect(response.status).toBe(400);
    const { errors } = await app.platform.execute({ query: "query A { viewer { id } } query B { viewer { id } }", viewer: ada });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "INVALID_INPUT" });
  });

  it("does not guess what a wrong name was meant to be", async () => {
    const { errors } = await read(await app.post({ query: "{ viewerr { id } }" }));
    expect(errors?.[0]?.message).toBe('Cannot query field "viewerr" on type "Query".');
    expect(errors?.[0]?.extensions["code"]).toBe("GRAPHQL_VALIDATION_FAILED");
  });

  it("reports at most five errors of a document", async () => {
    const fields = Array.from({ length: 50 }, (_, index) => `wrong${index}`).join(" ");
    const { errors } = await read(await app.post({ query: `{ ${fields} }` }));
    expect(errors?.length).toBeLessThanOrEqual(6);
  });

  it("refuses a second server on its port", async () => {
    await expect(app.platform.listen({ port: app.server.port })).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
  });

  it("does not bind to an address that others reach while callers need no credentials", async () => {
    await expect(app.platform.listen({ host: "0.0.0.0", port: 0 })).rejects.toMatchObject({ code: "BIND_WITHOUT_AUTH" });
    await expect(app.platform.listen({ host: "::", port: 0 })).rejects.toMatchObject({ code: "BIND_WITHOUT_AUTH" });
  });
});

describe("a server with other settings", () => {
  it("hides the graph's description and GraphiQL in production, on every transport", async () => {
    await using app = await serve({ mode: "production" });
    const introspection = "{ __schema { types { name } } }";
    expect((await read(await app.post({ query: introspection }))).errors?.[0]?.message).toMatch(/introspection/i);
    const client = app.client();
    const refused = await take(client, introspection).catch((errors: Answer["errors"]) => errors);
    expect(refused?.[0]).toMatchObject({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } });
    await client.dispose();
    const local = await app.platform.execute({ query: introspection, viewer: ada });
    expect(local.data).toBeUndefined();
    const page = await fetch(app.server.url, { headers: { accept: "text/html" } });
    expect(page.headers.get("content-type") ?? "").not.toContain("html");
    expect((await read(await app.post({ query: "{ __typename }" }))).data).toEqual({ __typename: "Query" });
  });

  it("shows both in production where the configuration says so", async () => {
    await using app = await serve({ mode: "production", server: { introspection: "on", graphiql: "on" } });
    expect((await read(await app.post({ query: "{ __schema { queryType { name } } }" }))).errors).toBeUndefined();
    expect((await fetch(app.server.url, { headers: { accept: "text/html" } })).headers.get("content-type")).toContain("html");
  });

  it("lets browsers of the configured origins in, and tells them so", async () => {
    const origin = "https://app.example.com";
    await using app = await serve({ server: { origins: [origin] } });
    const asked = await fetch(app.server.url, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    expect([asked.status, asked.headers.get("access-control-allow-origin")]).toEqual([204, origin]);
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    const answered = await app.post({ query: "{ viewer { id } }" }, { origin });
    expect([answered.status, answered.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
    expect(answered.headers.get("access-control-allow-credentials")).toBeNull();
    expect((await app.post({ query: "{ viewer { id } }" }, { origin: "https://other.example.com" })).status).toBe(403);
  });

  it("binds to every address where callers need credentials", async () => {
    await using app = await serve({ plugins: [auth({ viewers }), probePlugin()] });
    const open = await app.platform.listen({ host: "0.0.0.0", port: 0 });
    const headers = { "content-type": "application/json", authorization: `Bearer ${tokens.ada}` };
    const response = await fetch(open.url, { method: "POST", headers, body: JSON.stringify({ query: "{ viewer { name } }" }) });
    expect(await read(response)).toEqual({ data: { viewer: { name: "Ada" } } });
    await open.close();
  });

  it("lets nobody in where no plugin authenticates, and binds to loopback only", async () => {
    await using app = await serve({ plugins: [probePlugin()] });
    const response = await app.post({ query: "{ viewer { id } }" });
    expect([response.status, await codeOf(response)]).toEqual([401, "UNAUTHENTICATED"]);
    await expect(app.platform.listen({ host: "0.0.0.0", port: 0 })).rejects.toMatchObject({ code: "BIND_WITHOUT_AUTH" });
  });

  it("closes its server with the platform", async () => {
    await using app = await serve();
    await app.platform.close();
    await expect(fetch(app.server.url)).rejects.toThrow("fetch failed");
  });
});

describe("the log of what failed", () => {
  it("names a bug by the request's id, and expected failures not at all", async () => {
    await using app = await serve();
    const logged: { fields: { requestId?: string; err?: Error }; message: string | undefined }[] = [];
    const error = (fields: object, message?: string): void => void logged.push({ fields, message });
    const log = { ...app.platform.host.log, error, child: () => log } as unknown as Logger;
    const engine = new Engine({
      schema: app.platform.schema,
      host: { ...app.platform.host, log },
      limits: limitsOf({}, "open"),
      introspection: "on",
    });
    const requestId = v7();
    await engine.start({ query: "{ probeBug }" }, { viewer: ada, requestId });
    expect(logged).toMatchObject([{ fields: { requestId, err: { message: "password=hunter2 at /secret/path" }, path: "probeBug" } }]);
    await engine.start({ query: '{ probeExpected(code: "NOT_FOUND") }' }, { viewer: ada, requestId });
    expect(logged).toHaveLength(1);
  });
});

/** `fetch` does not let a program choose the Host header. */
function statusWithHost(app: Served, host: string): Promise<number | undefined> {
  const body = JSON.stringify({ query: "{ viewer { id } }" });
  return new Promise((resolve, reject) => {
    const asked = request(app.server.url, { method: "POST", headers: { host, "content-type": "application/json" } }, (response) => {
      response.pipe(new Writable({ write: (_, __, done) => done() }));
      resolve(response.statusCode);
    });
    asked.on("error", reject).end(body);
  });
}

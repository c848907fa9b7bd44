import { createHash } from "node:crypto";
import { request, type IncomingHttpHeaders } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { parse } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleTabs } from "../../src/core/graphql/graphiql-examples.ts";
import { serve, type Served } from "./fixture.ts";

interface Page {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** As a browser asks, and without undoing the compression. */
function get(url: string, headers: Record<string, string>): Promise<Page> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { accept: "text/html,application/xhtml+xml", ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    })
      .on("error", reject)
      .end();
  });
}

describe("GraphiQL", () => {
  let app: Served;
  let page: Page;
  let html: string;
  beforeAll(async () => {
    app = await serve();
    page = await get(app.server.url, { "accept-encoding": "gzip, br" });
    html = brotliDecompressSync(page.body).toString();
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
  });

  it("is one compressed page, the same in each form", async () => {
    expect(page.status).toBe(200);
    expect(page.headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "content-encoding": "br" });
    expect(page.body.length).toBeLessThan(2_500_000);
    const zipped = await get(app.server.url, { "accept-encoding": "gzip" });
    expect(gunzipSync(zipped.body).toString()).toBe(html);
    const plain = await get(app.server.url, {});
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.body.toString()).toBe(html);
  });

  it("is not sent again to a browser that has it", async () => {
    const again = await get(app.server.url, { "accept-encoding": "gzip, br", "if-none-match": page.headers.etag ?? "" });
    expect([again.status, again.body.length]).toEqual([304, 0]);
  });

  it("asks no other server for anything", () => {
    const outside = html.replace(/<script>[^]*<\/script>/, "").replace(/<style>[^]*?<\/style>/, "");
    expect(outside).not.toMatch(/https?:|\/\//);
    const styles = /<style>([^]*?)<\/style>/.exec(html)?.[1] ?? "";
    expect(styles.length).toBeGreaterThan(100_000);
    expect([...styles.matchAll(/url\(\s*["']?([^)"']{0,20})/g)].filter(([, target]) => !target?.startsWith("data:"))).toEqual([]);
    expect(styles).not.toContain("@import");
    expect(outside.match(/<(script|link|img|iframe)[^>]*\s(src|href)=(?!["']data:)/g)).toBeNull();
    expect(html).not.toMatch(/unpkg\.com|jsdelivr|googleapis|githubusercontent/);
  });

  it("may load nothing but what it carries, and call nobody but this server", () => {
    const policy = String(page.headers["content-security-policy"]);
    // Ours, then GraphiQL's own, which holds end tags.
    const [, own = "", script = ""] = /<script>([^]*?)<\/script>[^]*?<script>([^]*)<\/script>/.exec(html) ?? [];
    const hashes = [own, script].map((code) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src ${hashes.join(" ")}`);
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${app.server.port}`);
    expect(policy).not.toMatch(/https:|\*/);
    // The browser ends the script at the first end tag, unless a comment and a start tag stand before it.
    expect(html.match(/<\/script/g)).toHaveLength(2);
    expect(html.lastIndexOf("<script>")).toBeLessThan(html.indexOf("<!--") === -1 ? Infinity : html.indexOf("<!--"));
  });

  it("opens with the way from an empty server to a conversation, over sockets", () => {
    for (const { query, variables } of exampleTabs) {
      expect(() => parse(query)).not.toThrow();
      if (variables !== undefined) expect(() => JSON.parse(variables) as unknown).not.toThrow();
      expect(html).toContain(JSON.stringify(query));
    }
    for (const name of ["agentTemplates", "createAgentFromTemplate", "createThread", "sendMessage", "threadEvents", "viewer", "plugins"]) {
      expect(
        exampleTabs.some(({ query }) => query.includes(name)),
        name,
      ).toBe(true);
    }
    expect(html).toContain('"subscriptionsProtocol":"WS"');
  });

  it("answers programs that do not ask for a page with the graph", async () => {
    const response = await fetch(`${app.server.url}?query={viewer{name}}`, {
      headers: { accept: "application/json", "x-weftline-csrf": "1" },
    });
    expect(await response.json()).toEqual({ data: { viewer: { name: "Local user" } } });
  });
});

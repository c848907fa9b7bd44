import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NodeStreamableHTTPServerTransport } from "@modelcontextprotocol/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { called, finished } from "../capabilities/play.ts";
import { toolsOf, until } from "./play.ts";
import { toolbox } from "./toolbox.ts";

/** What a server says to a session that it does not know. */
const unknown = {
  restarted: [404, "Session not found"],
  strict: [400, "Bad Request: No valid session ID provided"],
  senile: [404, "Session not found"],
  stateless: [404, "Not found"],
} as const;
type Kind = keyof typeof unknown;

/** A server with sessions, which it loses. */
class Forgetful {
  readonly heard: unknown[] = [];
  /** The tools that were called, whether it knew the session or not. */
  readonly calls: string[] = [];
  opened = 0;
  readonly #kind: Kind;
  readonly #sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  readonly #http = createServer((request, response) => {
    void (async () => {
      const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
      const body = (text === "" ? {} : JSON.parse(text)) as { id?: number; method?: string; params?: { name: string } };
      if (body.method === "tools/call") this.calls.push(body.params?.name ?? "");
      const lost = body.method === "tools/call" && (this.#kind === "senile" || this.#kind === "stateless");
      const begins = body.method === "initialize" || this.#kind === "stateless";
      const transport = begins ? await this.#begin() : this.#sessions.get(String(request.headers["mcp-session-id"]));
      if (transport && !lost) return transport.handleRequest(request, response, body);
      const [status, message] = unknown[this.#kind];
      response.writeHead(status, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ jsonrpc: "2.0", id: body.id ?? null, error: { code: -32001, message } }));
    })();
  });

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#http.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  forget(): void {
    this.#sessions.clear();
  }

  close(): void {
    this.#http.closeAllConnections();
    this.#http.close();
  }

  async #begin(): Promise<NodeStreamableHTTPServerTransport> {
    this.opened++;
    const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: this.#kind === "stateless" ? undefined : randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, transport),
    });
    await toolbox(this.heard).connect(transport);
    return transport;
  }
}

const servers = {
  restarted: new Forgetful("restarted"),
  strict: new Forgetful("strict"),
  senile: new Forgetful("senile"),
  stateless: new Forgetful("stateless"),
};
let app: TestPlatform;

beforeAll(async () => {
  const urls = await Promise.all(Object.entries(servers).map(async ([name, server]) => [name, { url: await server.listen() }]));
  app = await testPlatform({ plugins: [health(), capabilities(), mcp({ servers: Object.fromEntries(urls) as never })] });
  for (const name of Object.keys(servers))
    await until(
      () => toolsOf(app, name),
      ({ size }) => size > 0,
    );
});

afterAll(async () => {
  await app.close();
  for (const server of Object.values(servers)) server.close();
});

it.each(["restarted", "strict"] as const)(
  "calls that a %s server answers with a session that it forgot are made once more, in one new session",
  async (name) => {
    const server = servers[name];
    for (const round of [1, 2]) {
      server.forget();
      const sums = Array.from({ length: 5 }, (_, at) => ({ a: round * 10, b: at }));
      const runs = await Promise.all(sums.map(async (sum) => finished(app, await called(app, `${name}.add`, sum))));
      expect(runs.map(({ status, output }) => [status, output])).toEqual(sums.map(({ a, b }) => ["SUCCEEDED", { sum: a + b }]));
      expect(server.heard.splice(0)).toHaveLength(5);
      expect(server.opened).toBe(1 + round);
    }
  },
);

it.each([
  ["senile", "twice, where every session is forgotten", 2],
  ["stateless", "once, where there are no sessions to forget", 1],
] as const)("a call that a %s server does not find is made %s", async (name, _, times) => {
  const { status, failure } = await finished(app, await called(app, `${name}.add`, { a: 1, b: 2 }));
  expect([status, failure?.message]).toEqual(["FAILED", expect.stringContaining("is not available")]);
  expect(servers[name].calls).toEqual(Array.from({ length: times }, () => "add"));
  expect(servers[name].heard).toEqual([]);
});

import { setTimeout as sleep } from "node:timers/promises";
import { Client, StreamableHTTPClientTransport, type ClientOptions } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { auth } from "../../../src/plugins/auth/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { probePlugin, serve, tokens, viewers, type Served } from "../../graphql/fixture.ts";
import { shop, tool } from "../capabilities/play.ts";

type Who = keyof typeof tokens;

const slow = tool("shop.slow", { timeoutMs: 60_000, execute: () => new Promise(() => undefined) });
const gate = Promise.withResolvers<string>();
const gated = tool("shop.gated", { timeoutMs: 60_000, execute: () => gate.promise });
const broken = tool("shop.broken", {
  execute: () => {
    throw new Error("The blade is blunt; sharpen it.");
  },
});
const numbers = tool("shop.numbers", { outputSchema: { type: "array" }, sideEffects: "NONE", execute: () => [1, 2] });

/** What is asked for, once it is what is wanted, or when it should have been. */
async function eventually<T>(ask: () => Promise<T>, wanted: T): Promise<T> {
  for (const deadline = Date.now() + 30_000; ; await sleep(20)) {
    const answer = await ask();
    if (answer === wanted || Date.now() > deadline) return answer;
  }
}

const served = (options: Parameters<typeof mcp>[0]): Promise<Served> =>
  serve({ plugins: [auth({ viewers }), probePlugin(), capabilities(), shop(slow, gated, broken, numbers), mcp(options)] });

describe("the platform as an MCP server", () => {
  let app: Served;
  let url: URL;
  const clients: Client[] = [];
  beforeAll(async () => {
    app = await served({ serve: {} });
    url = new URL("/mcp", app.server.url);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await app[Symbol.asyncDispose]();
  });

  async function connect(who: Who = "ada", options: ClientOptions = { versionNegotiation: { mode: "auto" } }): Promise<Client> {
    const client = new Client({ name: "test", version: "1.0.0" }, options);
    clients.push(client);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization: `Bearer ${tokens[who]}` } } }));
    return client;
  }

  async function graph<Data>(query: string, variables: object = {}, who: Who = "ada"): Promise<Data> {
    const answer = await app.post({ query, variables }, { authorization: `Bearer ${tokens[who]}` });
    const { data, errors } = (await answer.json()) as { data: Data; errors?: unknown };
    expect(errors).toBeUndefined();
    return data;
  }

  const run = (id: unknown, who: Who = "ada") =>
    graph<{ run: { status: string; targetName: string; trigger: string; output: unknown } | null }>(
      "query ($id: ID!) { run(id: $id) { status targetName trigger output } }",
      { id },
      who,
    );

  it.each<[string, ClientOptions, string]>([
    ["the newest protocol", { versionNegotiation: { mode: "auto" } }, "2026-07-28"],
    ["an older protocol", {}, "2025-11-25"],
  ])("lists its tools and calls them, over %s", async (_, options, protocol) => {
    const client = await connect("ada", options);
    expect(client.getNegotiatedProtocolVersion()).toBe(protocol);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      "math.evaluate",
      "message.send",
      "shop.broken",
      "shop.gated",
      "shop.numbers",
      "shop.slow",
      "time.now",
    ]);
    expect(tools.find(({ name }) => name === "time.now")).toMatchObject({ annotations: { readOnlyHint: true, openWorldHint: false } });
    const answer = await client.callTool({ name: "math.evaluate", arguments: { expression: "6 * 7" } });
    expect(answer.isError).not.toBe(true);
    expect(JSON.stringify(answer.content)).toContain("42");
    expect((await client.callTool({ name: "shop.numbers" })).content).toEqual([{ type: "text", text: "[1,2]" }]);
    const seen = await run(answer._meta?.["weftline/run"]);
    expect(seen.run).toMatchObject({ status: "SUCCEEDED", targetName: "math.evaluate", trigger: "API" });
  });

  it("runs calls as who asks: others do not see them", async () => {
    const answer = await (await connect("bob")).callTool({ name: "math.evaluate", arguments: { expression: "1" } });
    const id = answer._meta?.["weftline/run"];
    expect((await run(id, "bob")).run?.status).toBe("SUCCEEDED");
    expect((await run(id, "ada")).run).toBeNull();
  });

  it("names what waits where a person has to allow a call, and the same key answers with what came of it", async () => {
    const client = await connect();
    const call = {
      name: "message.send",
      arguments: { to: "ada@example.com", subject: "Hello", body: "It works." },
      _meta: { "weftline/idempotencyKey": "hello-1" },
    };
    const waits = await client.callTool(call);
    expect(waits.isError).toBe(true);
    const { "weftline/interrupt": interrupt, "weftline/run": id } = waits._meta ?? {};
    expect(JSON.stringify(waits.content)).toContain(`Decide the interrupt ${String(interrupt)} (mutation decideInterrupt)`);
    expect((await client.callTool(call))._meta).toEqual(waits._meta);
    const { node } = await graph<{ node: { argumentsHash: string } }>(
      "query ($id: ID!) { node(id: $id) { ... on Interrupt { argumentsHash } } }",
      { id: interrupt },
    );
    const input = { interrupt, kind: "APPROVE", argumentsHash: node.argumentsHash };
    await graph("mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename } }", { input });
    const sent = await client.callTool(call);
    expect(sent.isError).not.toBe(true);
    expect(sent._meta?.["weftline/run"]).toBe(id);
    const other = await (await connect("bob")).callTool(call);
    expect(other._meta?.["weftline/run"]).not.toBe(id);
  });

  it("fails calls in words that say what to do", async () => {
    const client = await connect();
    const words = async (name: string, args: Record<string, unknown> = {}): Promise<string> => {
      const answer = await client.callTool({ name, arguments: args });
      expect(answer.isError).toBe(true);
      return JSON.stringify(answer.content);
    };
    expect(await words("no.such")).toContain("There is no tool");
    expect(await words("math.evaluate", { expression: 7 })).toContain("do not fit");
    expect(await words("math.evaluate", { expression: "1+1 \ud83d" })).toContain("half a surrogate pair");
    expect(await words("shop.broken")).toContain("The blade is blunt; sharpen it.");
  });

  const statusOf = async (name: string): Promise<string | undefined> => {
    const { runs } = await graph<{ runs: { nodes: { status: string; targetName: string }[] } }>("{ runs { nodes { status targetName } } }");
    return runs.nodes.find(({ targetName }) => targetName === name)?.status;
  };

  it("cancels the run when its caller goes", async () => {
    const client = await connect();
    const stop = new AbortController();
    const call = client.callTool({ name: "shop.slow" }, { signal: stop.signal });
    expect(await eventually(() => statusOf("shop.slow"), "RUNNING")).toBe("RUNNING");
    stop.abort();
    await expect(call).rejects.toThrow(/abort/i);
    expect(await eventually(() => statusOf("shop.slow"), "CANCELLED")).toBe("CANCELLED");
  });

  it("keeps the run of a caller who goes and has a key to come back with", async () => {
    const client = await connect();
    const stop = new AbortController();
    const call = { name: "shop.gated", _meta: { "weftline/idempotencyKey": "gated-1" } };
    const left = client.callTool(call, { signal: stop.signal });
    expect(await eventually(() => statusOf("shop.gated"), "RUNNING")).toBe("RUNNING");
    stop.abort();
    await expect(left).rejects.toThrow(/abort/i);
    await client.listTools();
    const back = client.callTool(call);
    gate.resolve("opened");
    expect((await back).content).toEqual([{ type: "text", text: "opened" }]);
  });

  it("is not reached without credentials, from another page, by another method, below its path or at length", async () => {
    await expect(new Client({ name: "nobody", version: "1.0.0" }).connect(new StreamableHTTPClientTransport(url))).rejects.toThrow(
      /UNAUTHENTICATED/,
    );
    const ask = (to: URL | string, init: RequestInit = {}): Promise<Response> =>
      fetch(to, {
        method: "POST",
        body: "{}",
        ...init,
        headers: { "content-type": "application/json", authorization: `Bearer ${tokens.ada}`, ...init.headers },
      });
    expect((await ask(url, { headers: { authorization: "Bearer nobody" } })).status).toBe(401);
    expect((await ask(url, { headers: { origin: "https://evil.example" } })).status).toBe(403);
    expect((await ask(url, { headers: { "content-type": "text/plain" } })).status).toBe(415);
    expect((await ask(url, { method: "DELETE" })).status).toBe(405);
    expect((await ask(`${url.href}/more`)).status).toBe(404);
    expect((await ask(url, { body: "x".repeat(1_100_000) })).status).toBe(400);
    const call = (args: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"time.now","arguments":${args}}}`;
    const deep = await ask(url, { body: call(`${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`) });
    expect([deep.status, await deep.text()]).toEqual([400, expect.stringContaining("nests more than 100 deep")]);
    const batch = await ask(url, { body: `[${Array.from({ length: 50 }, () => call("{}")).join(",")}]` });
    expect([batch.status, await batch.text()]).toEqual([400, expect.stringContaining("Batches are not taken")]);
    expect((await ask(url)).status).toBe(400);
  });
});

it("serves only what the options name, and nothing where they do not say serve", async () => {
  await using some = await served({ serve: { tools: ["time.now"] } });
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  const headers = { authorization: `Bearer ${tokens.ada}` };
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", some.server.url), { requestInit: { headers } }));
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["time.now"]);
  expect((await client.callTool({ name: "math.evaluate", arguments: { expression: "1" } })).isError).toBe(true);
  await client.close();
  await using none = await served({});
  expect((await fetch(new URL("/mcp", none.server.url), { method: "POST", headers })).status).toBe(404);
});

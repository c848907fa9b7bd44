import { createClient } from "graphql-ws";
import { describe, expect, it, vi } from "vitest";
import { contribution, definePlugin, outgoingHttp, tools, type ToolDefinition } from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { mcp } from "../../../src/plugins/mcp/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { otel } from "../../../src/plugins/otel/index.ts";
import { scriptModel, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { httpToolbox } from "../mcp/play.ts";
import { receiver, type ReceivedSpan, type Receiver } from "./receiver.ts";

const ada = testViewer("ada");
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const callerSpan = "00f067aa0ba902b7";
const traceparent = `00-${traceId}-${callerSpan}-01`;

const script = scriptModel([
  { match: "ask", toolCalls: [{ name: "math.evaluate", arguments: { expression: "1 + 1" } }] },
  { match: "outside", toolCalls: [{ name: "caller.call", arguments: {} }] },
  { match: "deep", toolCalls: [{ name: "agent.calc", arguments: { text: "ask" } }] },
  { match: "remote", toolCalls: [{ name: "box.write", arguments: { line: "hello" } }] },
  { match: "gated", toolCalls: [{ name: "gate.open", arguments: {} }] },
  { match: "fail", fail: { status: 400, message: "No." } },
  { reply: "Two." },
]);

function open(
  collector: Receiver,
  options: Parameters<typeof otel>[0] = {},
  more: readonly ReturnType<typeof otel>[] = [],
): Promise<TestPlatform> {
  const traced = otel({ endpoint: collector.endpoint, gatherMs: 20, ...options });
  const plugins = [health(), models({ default: "script", bindings: {} }), script, capabilities(), agents(), openai(), traced, more];
  return testPlatform({ plugins, viewers: [ada], outgoing: { allow: ["127.0.0.1"] } });
}

async function start(app: TestPlatform, text: string, headers: Record<string, string> = {}): Promise<string> {
  const query = `mutation ($text: String!) { startRun(input: { target: { agent: { name: "calc" } }, text: $text }) { ... on StartRunPayload { run { id } } } }`;
  const response = await fetch(app.url ?? "", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer ada", ...headers },
    body: JSON.stringify({ query, variables: { text } }),
  });
  const { data } = (await response.json()) as { data: { startRun: { run: { id: string } } } };
  return data.startRun.run.id;
}

const create = (app: TestPlatform, name: string, tool: string): Promise<unknown> =>
  app.graphql(
    `mutation { createAgent(input: { name: "${name}", framework: "openai", capabilities: ["${tool}"] }) { __typename } }`,
    {},
    ada,
  );

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.find((span) => span.name === name);
  if (!found) throw new Error(`No span "${name}" among ${spans.map((span) => span.name).join(", ")}`);
  return found;
};

describe("a trace", () => {
  it("has the run, its model calls and its tool calls, in the trace of the request, without what was said", async () => {
    await using collector = await receiver();
    await using app = await open(collector);
    await create(app, "calc", "math.evaluate");
    await start(app, "ask the secret", { traceparent });
    await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 10_000);
    const { spans } = collector;
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    const run = named(spans, "invoke_agent calc");
    expect(run.parentId).toBe(callerSpan);
    expect(run.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "calc",
      "weftline.provenance": "SIMULATED",
      "weftline.status": "SUCCEEDED",
      "weftline.framework": "openai",
    });
    const chats = spans.filter(({ name }) => name === "chat default");
    expect(chats).toHaveLength(2);
    for (const chat of chats) {
      expect([chat.parentId, chat.kind]).toEqual([run.spanId, 3]);
      expect(chat.attributes).toMatchObject({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "script",
        "gen_ai.request.model": "default",
      });
      expect(chat.attributes["gen_ai.usage.input_tokens"]).toBeGreaterThan(0);
      expect(chat.attributes).toMatchObject({ "weftline.cost": 0, "weftline.cost.currency": "USD" });
      expect(chat.startedAt).toBeGreaterThanOrEqual(run.startedAt);
      expect(chat.finishedAt).toBeLessThanOrEqual(run.finishedAt);
    }
    const tool = named(spans, "execute_tool math.evaluate");
    expect(tool.parentId).toBe(run.spanId);
    expect(tool.attributes).toMatchObject({
      "gen_ai.tool.name": "math.evaluate",
      "gen_ai.tool.type": "function",
      "weftline.status": "SUCCESS",
    });
    expect(run.resource).toMatchObject({ "service.name": "weftline" });
    expect(JSON.stringify(spans)).not.toMatch(/secret|1 \+ 1|Two\./);
    expect(collector.requests.map(({ path }) => path)).toEqual(["/v1/traces"]);
  });

  it("holds what was said where that is asked for", async () => {
    await using collector = await receiver();
    await using app = await open(collector, { content: "recorded", headers: { "x-key": "of-the-collector" } });
    await create(app, "calc", "math.evaluate");
    await start(app, "ask the secret");
    await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 10_000);
    expect(named(collector.spans, "invoke_agent calc").attributes["gen_ai.input.messages"]).toContain("ask the secret");
    expect(named(collector.spans, "execute_tool math.evaluate").attributes["gen_ai.tool.call.arguments"]).toContain("1 + 1");
    expect(collector.requests[0]?.headers["x-key"]).toBe("of-the-collector");
  });

  it("marks what failed, and a retry is linked to what it repeats, in a trace of its own", async () => {
    await using collector = await receiver();
    await using app = await open(collector);
    await create(app, "calc", "math.evaluate");
    const id = await start(app, "fail", { traceparent });
    await vi.waitFor(() => expect(collector.spans).toHaveLength(2), 20_000);
    const first = named(collector.spans, "invoke_agent calc");
    expect([first.status, first.attributes["error.type"]]).toEqual([2, "PROVIDER_REJECTED"]);
    expect(named(collector.spans, "chat default").status).toBe(2);
    await app.graphql("mutation ($id: ID!) { retryRun(input: { run: $id }) { __typename } }", { id }, ada);
    await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 10_000);
    const second = collector.spans.filter(({ name }) => name === "invoke_agent calc").find(({ spanId }) => spanId !== first.spanId);
    expect(second?.traceId).not.toBe(traceId);
    expect(second?.links).toEqual([{ traceId, spanId: first.spanId }]);
  });

  it("begins where an operation over a socket says, for that operation alone", async () => {
    await using collector = await receiver();
    await using app = await open(collector);
    await create(app, "calc", "math.evaluate");
    const url = (app.url ?? "").replace("http", "ws");
    const client = createClient({ url, webSocketImpl: WebSocket, connectionParams: { authorization: "Bearer ada" } });
    const query = 'mutation { startRun(input: { target: { agent: { name: "calc" } }, text: "hello" }) { __typename } }';
    try {
      for (const extensions of [{ traceparent }, { traceparent: `${traceparent}-more` }, { traceparent: { of: 1 } }, undefined])
        for await (const { data } of client.iterate({ query, extensions }))
          expect(data).toEqual({ startRun: { __typename: "StartRunPayload" } });
    } finally {
      await client.dispose();
    }
    await vi.waitFor(() => expect(collector.spans.filter(({ name }) => name === "invoke_agent calc")).toHaveLength(4), 10_000);
    const runs = collector.spans.filter(({ name }) => name === "invoke_agent calc");
    expect(runs.filter(({ parentId }) => parentId === callerSpan)).toMatchObject([{ traceId }]);
    expect(runs.filter((span) => span.traceId === traceId)).toHaveLength(1);
  });

  it("goes on in what tools ask outside, below the span of their call", async () => {
    await using collector = await receiver();
    await using outside = await receiver();
    const seen: (string | undefined)[] = [];
    const calling = definePlugin({
      id: "caller",
      requires: { http: outgoingHttp },
      setup: ({ deps, contribute }) => {
        const call: ToolDefinition = {
          name: "caller.call",
          description: "Calls.",
          inputSchema: { type: "object" },
          sideEffects: "NONE",
          approval: "NEVER",
          idempotent: true,
          timeoutMs: 5_000,
          execute: async (_: unknown, ctx) => {
            seen.push(ctx.traceparent);
            await deps.http.request({ url: `${outside.endpoint}/there` });
            return "Called.";
          },
        };
        contribute(tools, call.name, call);
        return {};
      },
    });
    await using app = await open(collector, {}, [calling()]);
    await create(app, "calc", "caller.call");
    await start(app, "outside", { traceparent });
    await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 10_000);
    const { spanId } = named(collector.spans, "execute_tool caller.call");
    expect(outside.requests.map(({ headers }) => headers["traceparent"])).toEqual([`00-${traceId}-${spanId}-01`]);
    expect(seen).toEqual([`00-${traceId}-${spanId}-01`]);
  });

  it("goes on in servers of MCP", async () => {
    await using collector = await receiver();
    await using box = await httpToolbox();
    const server = { url: box.url, headers: { authorization: "Bearer open-sesame" }, approval: "NEVER" as const };
    await using app = await open(collector, {}, [mcp({ servers: { box: server } })]);
    await create(app, "calc", "box.write");
    await start(app, "remote", { traceparent });
    await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 20_000);
    const { spanId } = named(collector.spans, "execute_tool box.write");
    expect(box.heard).toEqual(["hello", { traceparent: `00-${traceId}-${spanId}-01` }]);
  });

  it("is passed on as it came where the plugin is off", async () => {
    await using box = await httpToolbox();
    const server = { url: box.url, headers: { authorization: "Bearer open-sesame" }, approval: "NEVER" as const };
    const plugins = [
      models({ default: "script", bindings: {} }),
      script,
      capabilities(),
      agents(),
      openai(),
      otel(),
      mcp({ servers: { box: server } }),
    ];
    await using app = await testPlatform({ plugins, viewers: [ada] });
    await create(app, "calc", "box.write");
    await start(app, "remote", { traceparent });
    await vi.waitFor(() => expect(box.heard).toEqual(["hello", { traceparent }]), 20_000);
    await start(app, "remote");
    await vi.waitFor(() => expect(box.heard).toEqual(["hello", { traceparent }, "hello"]), 20_000);
  });

  it("spans the runs that agents start: they are below the call that they are", async () => {
    await using collector = await receiver();
    await using app = await open(collector);
    await create(app, "calc", "math.evaluate");
    await app.graphql(
      `mutation { createAgent(input: { name: "boss", framework: "openai", capabilities: ["agent.calc"] }) { __typename } }`,
      {},
      ada,
    );
    const query = `mutation { startRun(input: { target: { agent: { name: "boss" } }, text: "deep" }) { __typename } }`;
    await app.graphql(query, {}, ada);
    await vi.waitFor(() => expect(collector.spans.map(({ name }) => name)).toContain("invoke_agent boss"), 20_000);
    const { spans } = collector;
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
    expect(named(spans, "invoke_agent calc").parentId).toBe(named(spans, "execute_tool agent.calc").spanId);
    expect(named(spans, "execute_tool agent.calc").parentId).toBe(named(spans, "invoke_agent boss").spanId);
  });

  it.each(["00-zz-1-01", `00-${"0".repeat(32)}-${callerSpan}-01`, `ff-${traceId}-${callerSpan}-01`, "x".repeat(5_000)])(
    "is one of its own where the request's is none: %s",
    async (given) => {
      await using collector = await receiver();
      await using app = await open(collector);
      await create(app, "calc", "math.evaluate");
      await start(app, "hello", { traceparent: given });
      await vi.waitFor(() => expect(collector.spans).toHaveLength(2), 20_000);
      expect(named(collector.spans, "invoke_agent calc")).toMatchObject({ parentId: "", traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    },
  );

  it("is recorded where the request says so, and else by the share that is asked for", async () => {
    await using collector = await receiver();
    await using app = await open(collector, { sample: 0 });
    await create(app, "calc", "math.evaluate");
    await start(app, "hello");
    await start(app, "hello", { traceparent: `00-${traceId}-${callerSpan}-00` });
    await start(app, "hello", { traceparent });
    await vi.waitFor(() => expect(collector.spans).toHaveLength(2), 20_000);
    expect(named(collector.spans, "invoke_agent calc")).toMatchObject({ traceId, parentId: callerSpan });
  });
});

it("goes on in the next process, has no span twice, and a wait is a moment of its run", async () => {
  await using collector = await receiver();
  const gate: ToolDefinition = {
    name: "gate.open",
    description: "Opens.",
    inputSchema: { type: "object" },
    sideEffects: "EXTERNAL",
    approval: "ALWAYS",
    idempotent: false,
    timeoutMs: 1_000,
    execute: () => "Open.",
  };
  const gated = definePlugin({ id: "gate", contributes: [contribution(tools, gate.name, gate)] });
  await using app = await open(collector, {}, [gated()]);
  await create(app, "calc", "gate.open");
  await start(app, "gated", { traceparent });
  const query = "{ interrupts(first: 1) { nodes { id argumentsHash } } }";
  const pending = await vi.waitFor(async () => {
    const [first] = (await app.graphql<{ interrupts: { nodes: { id: string; argumentsHash: string }[] } }>(query, {}, ada)).interrupts
      .nodes;
    expect(first).toBeDefined();
    return first;
  }, 20_000);
  await app.restart();
  expect(collector.spans).toEqual([]);
  const decide =
    "mutation ($id: ID!, $hash: String) { decideInterrupt(input: { interrupt: $id, kind: APPROVE, argumentsHash: $hash }) { __typename } }";
  await app.graphql(decide, { id: pending?.id, hash: pending?.argumentsHash }, ada);
  await vi.waitFor(() => expect(collector.spans).toHaveLength(4), 20_000);
  await app.restart();
  const { spans } = collector;
  expect(spans).toHaveLength(4);
  expect(new Set(spans.map((span) => span.spanId)).size).toBe(4);
  expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
  const run = named(spans, "invoke_agent calc");
  expect(run.events.map(({ name }) => name)).toEqual(["weftline.wait", "weftline.decision"]);
  const [asked, decided] = run.events;
  expect(named(spans, "execute_tool gate.open").startedAt).toBeGreaterThanOrEqual(decided?.at ?? 0);
  expect(asked?.at).toBeGreaterThanOrEqual(run.startedAt);
});

describe("a collector", () => {
  it.each(["silent", "refuses"] as const)(
    "that is %s breaks no run and slows none; what is lost is counted, and health says so",
    async (mood) => {
      await using collector = await receiver();
      collector.mood = mood;
      await using app = await open(collector, { queue: 5, timeoutMs: 300 });
      await create(app, "calc", "math.evaluate");
      for (let n = 0; n < 20; n++) await start(app, "hello");
      const query = "{ runs(first: 50) { nodes { status } } health { components { name status detail } } }";
      await vi.waitFor(async () => {
        const { runs, health: found } = await app.graphql<{
          runs: { nodes: { status: string }[] };
          health: { components: { name: string; status: string; detail: string }[] };
        }>(query, {}, ada);
        expect(runs.nodes.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => "SUCCEEDED"));
        expect(found.components.find(({ name }) => name === "otel")).toMatchObject({
          status: "DEGRADED",
          detail: expect.stringMatching(/^Spans are lost/),
        });
      }, 30_000);
    },
  );

  it("that is away at first is sent what comes later", async () => {
    await using collector = await receiver();
    collector.mood = "refuses";
    await using app = await open(collector);
    await create(app, "calc", "math.evaluate");
    await start(app, "hello");
    await vi.waitFor(() => expect(collector.requests.length).toBeGreaterThan(0), 20_000);
    collector.mood = "takes";
    await start(app, "hello");
    await vi.waitFor(() => expect(collector.spans).toHaveLength(2), 20_000);
  });
});

it("is off without an endpoint", async () => {
  await using app = await testPlatform({
    plugins: [health(), otel(), definePlugin({ id: "x", contributes: [contribution(tools, "x", undefined as never)].slice(1) })()],
  });
  const { plugins } = await app.graphql<{ plugins: { name: string; state: string }[] }>("{ plugins { name state } }");
  expect(plugins.find(({ name }) => name === "otel")).toMatchObject({ state: "READY" });
  const { health: found } = await app.graphql<{ health: { components: { name: string }[] } }>("{ health { components { name } } }");
  expect(found.components.map(({ name }) => name)).not.toContain("otel");
});

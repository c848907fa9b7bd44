import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import { createPlatform } from "../../../src/core/platform.ts";
import {
  agents,
  auth,
  capabilities,
  chat,
  crewai,
  langchain,
  langgraph,
  models,
  openai,
  simulated,
  workflows,
} from "../../../src/plugins/index.ts";
import { beginStream, plainAnswers } from "../../../src/testing/index.ts";
import { runCase } from "../case.ts";
import { pause } from "../server.ts";

const side = 20;
const rounds = 3;
/** What one subscription and one run may leave behind, in bytes; less is the noise of the measurement. */
const most = { perCycle: 200, perRun: 4_000, noise: 1.5 * 2 ** 20 };

async function heapNow(collect: () => void): Promise<number> {
  for (let round = 0; round < 4; round++) {
    collect();
    await pause(50);
  }
  return process.memoryUsage().heapUsed;
}

/** Does something so many times, several at once. */
async function times(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: side }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

async function ask<Data>(client: Client, query: string, variables: Record<string, unknown>): Promise<Data> {
  for await (const { data, errors } of client.iterate<Data>({ query, variables })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    return data;
  }
  throw new Error("Nothing was answered.");
}

async function startRun(client: Client, input: object): Promise<string> {
  const { startRun: answer } = await ask<{ startRun: { run: { id: string } } }>(
    client,
    `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
    { input },
  );
  return answer.run.id;
}

const startAgent = (client: Client, agent: string, text: string): Promise<string> =>
  startRun(client, { target: { agent: { id: agent } }, text });

/** A workflow with a map, a run below it and something to undo, which then waits for a signal. */
async function createWorkflows(client: Client): Promise<void> {
  const inner = [{ key: "t", kind: "transform", config: { expression: "input.n + 1" } }];
  const outer = [
    { key: "m", kind: "map", config: { over: "[1, 2, 3]", node: { kind: "transform", config: { expression: "item" } } } },
    { key: "below", kind: "workflow", config: { workflow: "inner", input: { n: 1 } } },
    { key: "call", kind: "tool", config: { tool: "time.now" }, undo: "back" },
    { key: "go", kind: "wait", dependsOn: ["m", "below", "call"], config: { signal: "go" } },
    { key: "back", kind: "transform", config: { expression: "'undone'" } },
  ];
  for (const [name, nodes] of Object.entries({ inner, outer }))
    await ask(
      client,
      "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename ... on UserError { message } } }",
      { input: { name, nodes } },
    );
}

/** A run of it that waits, and then is told to go on, or is cancelled and undone. */
async function weave(client: Client, index: number): Promise<void> {
  const run = await startRun(client, { target: { workflow: { name: "outer" } } });
  await until(client, run, /^run\.waiting$/);
  const verb = index % 2 === 0 ? 'signalRun(run: $run, name: "go")' : "cancelRun(run: $run)";
  await ask(client, `mutation ($run: ID!) { ${verb} { __typename } }`, { run });
  await until(client, run, index % 2 === 0 ? /^run\.finished$/ : /^run\.cancelled$/);
}

/** Follows a run until a kind of event comes, then leaves. */
async function until(client: Client, run: string, kind: RegExp): Promise<void> {
  const query = "subscription ($run: ID!) { runEvents(run: $run, after: 0) { type ... on RunStatusEvent { failure { code message } } } }";
  const heard: object[] = [];
  for await (const { data, errors } of client.iterate<{ runEvents: { type: string } }>({ query, variables: { run } })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    heard.push(data.runEvents);
    if (kind.test(data.runEvents.type)) return;
  }
  throw new Error(`The run came to its end without ${String(kind)}: ${JSON.stringify(heard)}`);
}

async function createAgent(client: Client, input: object): Promise<string> {
  const { createAgent: made } = await ask<{ createAgent: { agent: { id: string } } }>(
    client,
    `mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }`,
    { input },
  );
  return made.agent.id;
}

/** A provider that keeps nothing, and no connection: whatever is left of one is the client's. */
async function openProvider() {
  const { begin, text, end, done } = plainAnswers.chat;
  const server = createServer((request, response) => {
    request.resume().once("end", () => {
      response.setHeader("connection", "close");
      beginStream(response);
      response.end(begin + text("All of it.") + end + done);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close: () => server.close() };
}

/** Whoever listens to the process. */
function listeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

/** What answers for agents. */
const frameworks = ["openai", "langchain", "langgraph", "crewai"];

/** Whose runs are measured. */
const measured = [...frameworks, "workflows"];

/** Subscriptions that come and go, and runs of every framework and of workflows that end, with tools and over a wire, leave nothing behind: neither memory nor handles nor listeners. */
await runCase("leak", async ({ size }) => {
  const [cycles, runs] = size === "whole" ? [10_000, 1_000] : [500, 50];
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const warnings: string[] = [];
  process.on("warning", ({ name, message }) => warnings.push(`${name}: ${message}`));
  const dataDir = mkdtempSync(join(tmpdir(), "weftline-leak-"));
  const provider = await openProvider();
  const platform = await createPlatform({
    plugins: [
      auth(),
      models({ bindings: { openai: {}, wire: { baseURL: provider.baseURL, apiKey: "leak", api: "chat", defaultModel: "model" } } }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      langchain(),
      langgraph(),
      crewai({ engine: "typescript" }),
      agents(),
      chat(),
      workflows(),
    ],
    dataDir,
    logLevel: "silent",
  });
  const server = await platform.listen({ port: 0 });
  const connect = (): Client => createClient({ url: server.url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 });
  let client = connect();
  const agentsOf = new Map<string, readonly string[]>();
  for (const framework of frameworks) {
    const tools = await createAgent(client, { name: framework, framework, capabilities: ["time.now", "message.send"] });
    agentsOf.set(framework, [tools, await createAgent(client, { name: `${framework} wire`, framework, model: "wire/model" })]);
  }
  await createWorkflows(client);
  const [agent = ""] = agentsOf.get("openai") ?? [];
  const waiting = await startAgent(client, agent, 'Use message.send with {"to": "a@b.c", "subject": "s", "body": "b"}');
  await until(client, waiting, /^run\.waiting$/);

  const subscribe = (count: number): Promise<void> =>
    times(count, async (index) => {
      if (index % 10 > 0) return until(client, waiting, /^run\.queued$/);
      const other = connect();
      await until(other, waiting, /^run\.waiting$/);
      await other.dispose();
    });
  const run = (count: number, framework: string): Promise<void> =>
    times(count, async (index) =>
      framework === "workflows"
        ? weave(client, index)
        : until(client, await startAgent(client, agentsOf.get(framework)?.[index % 2] ?? "", "Use time.now"), /^run\.finished$/),
    );
  const reconnect = async (): Promise<void> => {
    await client.dispose();
    await pause(300);
    client = connect();
  };

  await subscribe(Math.max(200, cycles / 10));
  for (const framework of measured) await run(Math.max(50, runs / 10), framework);
  await reconnect();
  const start = await heapNow(collect);
  const handles = [process.getActiveResourcesInfo().length];
  const heard = [listeners()];
  await subscribe(cycles);
  await reconnect();
  const afterCycles = await heapNow(collect);
  handles.push(process.getActiveResourcesInfo().length);
  const grown: Record<string, number> = {};
  const mostGrown = Math.max(most.noise, most.perRun * runs);
  let before = afterCycles;
  for (const framework of measured) {
    // What a framework's first runs load and compile comes once; what leaks comes every time.
    for (let round = 0; round < rounds && (grown[framework] ?? Number.POSITIVE_INFINITY) >= mostGrown; round++) {
      await run(runs, framework);
      await reconnect();
      const after = await heapNow(collect);
      grown[framework] = after - before;
      before = after;
    }
    handles.push(process.getActiveResourcesInfo().length);
    heard.push(listeners());
  }
  await client.dispose();
  await server.close();
  await platform.close();
  provider.close();
  rmSync(dataDir, { recursive: true, force: true });
  const cycleBytes = afterCycles - start;
  return {
    cycles,
    runs,
    heapMiB: Math.round(start / 2 ** 20),
    bytesPerCycle: Math.round(cycleBytes / cycles),
    bytesPerRun: Object.fromEntries(measured.map((framework) => [framework, Math.round((grown[framework] ?? 0) / runs)])),
    handles,
    listeners: heard,
    warnings: warnings.length,
    ...(warnings.length > 0 ? { first: warnings.slice(0, 3) } : {}),
    ok:
      cycleBytes < Math.max(most.noise, most.perCycle * cycles) &&
      Object.values(grown).every((bytes) => bytes < mostGrown) &&
      handles.every((count) => count <= (handles[0] ?? 0)) &&
      heard.every((count) => count <= (heard[0] ?? 0)) &&
      warnings.length === 0,
  };
});

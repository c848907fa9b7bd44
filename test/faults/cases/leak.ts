import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import { createPlatform, type Platform } from "../../../src/core/platform.ts";
import { agents, auth, capabilities, chat, crewai, langchain, langgraph, models, openai, simulated } from "../../../src/plugins/index.ts";
import { runCase } from "../case.ts";
import { pause } from "../server.ts";

const viewer = { tenantId: "local", actorId: "local", name: "Local", roles: ["admin"] };
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

async function ask<Data>(platform: Platform, query: string, variables: object = {}): Promise<Data> {
  const { data, errors } = await platform.execute<Data>({ query, variables: variables as Record<string, unknown>, viewer });
  if (errors) throw new AggregateError(errors, errors.map(({ message }) => message).join("\n"));
  return data as Data;
}

async function startRun(platform: Platform, agent: string, text: string): Promise<string> {
  const { startRun: answer } = await ask<{ startRun: { run: { id: string } } }>(
    platform,
    `mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
    { input: { target: { agent: { id: agent } }, text } },
  );
  return answer.run.id;
}

/** Follows a run until a kind of event comes, then leaves. */
async function until(client: Client, run: string, kind: RegExp): Promise<void> {
  const query = "subscription ($run: ID!) { runEvents(run: $run, after: 0) { type } }";
  for await (const { data } of client.iterate<{ runEvents: { type: string } }>({ query, variables: { run } })) {
    if (data && kind.test(data.runEvents.type)) return;
  }
}

async function createAgent(platform: Platform, framework: string): Promise<string> {
  const { createAgent: made } = await ask<{ createAgent: { agent: { id: string } } }>(
    platform,
    `mutation ($framework: String!) { createAgent(input: { name: $framework, framework: $framework, capabilities: ["time.now", "message.send"] }) {
      ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }`,
    { framework },
  );
  return made.agent.id;
}

const frameworks = ["openai", "langchain", "langgraph", "crewai"];

/** Subscriptions that come and go, and runs of every framework that end, leave nothing behind: neither memory nor handles nor listeners. */
await runCase("leak", async ({ size }) => {
  const [cycles, runs] = size === "whole" ? [10_000, 1_000] : [500, 50];
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const warnings: string[] = [];
  process.on("warning", ({ name, message }) => warnings.push(`${name}: ${message}`));
  const dataDir = mkdtempSync(join(tmpdir(), "weftline-leak-"));
  const platform = await createPlatform({
    plugins: [
      auth(),
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      langchain(),
      langgraph(),
      crewai(),
      agents(),
      chat(),
    ],
    dataDir,
    logLevel: "silent",
  });
  const server = await platform.listen({ port: 0 });
  const connect = (): Client => createClient({ url: server.url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 });
  const agentsOf = new Map<string, string>();
  for (const framework of frameworks) agentsOf.set(framework, await createAgent(platform, framework));
  const agent = agentsOf.get("openai") ?? "";
  const waiting = await startRun(platform, agent, 'Use message.send with {"to": "a@b.c", "subject": "s", "body": "b"}');
  let client = connect();
  await until(client, waiting, /^run\.waiting$/);

  const subscribe = (count: number): Promise<void> =>
    times(count, async (index) => {
      if (index % 10 > 0) return until(client, waiting, /^run\.queued$/);
      const other = connect();
      await until(other, waiting, /^run\.waiting$/);
      await other.dispose();
    });
  const run = (count: number, framework: string): Promise<void> =>
    times(count, async () => until(client, await startRun(platform, agentsOf.get(framework) ?? "", "Use time.now"), /^run\.finished$/));
  const reconnect = async (): Promise<void> => {
    await client.dispose();
    await pause(300);
    client = connect();
  };

  await subscribe(Math.max(200, cycles / 10));
  for (const framework of frameworks) await run(Math.max(50, runs / 10), framework);
  await reconnect();
  const handles = [process.getActiveResourcesInfo().length];
  const start = await heapNow(collect);
  await subscribe(cycles);
  await reconnect();
  const afterCycles = await heapNow(collect);
  handles.push(process.getActiveResourcesInfo().length);
  const grown: Record<string, number> = {};
  const mostGrown = Math.max(most.noise, most.perRun * runs);
  let before = afterCycles;
  for (const framework of frameworks) {
    // What a framework's first runs load and compile comes once; what leaks comes every time.
    for (let round = 0; round < rounds && (grown[framework] ?? Number.POSITIVE_INFINITY) >= mostGrown; round++) {
      await run(runs, framework);
      await reconnect();
      const after = await heapNow(collect);
      grown[framework] = after - before;
      before = after;
    }
    handles.push(process.getActiveResourcesInfo().length);
  }
  await client.dispose();
  await server.close();
  await platform.close();
  rmSync(dataDir, { recursive: true, force: true });
  const cycleBytes = afterCycles - start;
  return {
    cycles,
    runs,
    heapMiB: Math.round(start / 2 ** 20),
    bytesPerCycle: Math.round(cycleBytes / cycles),
    bytesPerRun: Object.fromEntries(frameworks.map((framework) => [framework, Math.round((grown[framework] ?? 0) / runs)])),
    handles,
    warnings: warnings.length,
    ...(warnings.length > 0 ? { first: warnings.slice(0, 3) } : {}),
    ok:
      cycleBytes < Math.max(most.noise, most.perCycle * cycles) &&
      Object.values(grown).every((bytes) => bytes < mostGrown) &&
      handles.every((count) => count <= (handles[0] ?? 0)) &&
      warnings.length === 0,
  };
});

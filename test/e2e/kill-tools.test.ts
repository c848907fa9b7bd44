import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localId } from "#weftline";
import { dataFolder, startServer, type Server } from "./server.ts";

const data = dataFolder();
const args = ["--config", "test/e2e/slow-tools.config.ts"];
const sendText = 'Use message.send {"to":"ada@example.com","subject":"Looms","body":"They are ready."}';
const start = (): Promise<Server> => startServer(data.folder, { args });
let server: Server;
let runs: { asked: Call; approved: Call; again: Call; once: Record<string, Call> };
let question: Interrupt;

/** One server is killed in the middle of everything at once, twice; each test then looks at one run. */
beforeAll(async () => {
  server = await start();
  for (const tool of ["message.send", "slow.again", "slow.once"]) {
    const agent = { name: tool, framework: "openai", capabilities: [tool] };
    await server.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input: agent });
  }
  const once = () => call("slow.once", "Use slow.once");
  runs = {
    asked: await call("message.send", sendText),
    approved: await call("message.send", sendText),
    again: await call("slow.again", "Use slow.again"),
    once: { APPROVE: await once(), ANSWER: await once(), REJECT: await once() },
  };
  question = pendingOf(await waiting(runs.asked.run));
  const decided = pendingOf(await waiting(runs.approved.run));
  for (const { run } of [runs.again, ...Object.values(runs.once)]) await called(run, 1);
  const started = logged(runs.approved.thread, "tool.started");
  await decide(decided, { kind: "APPROVE" });
  await started;
  await server.kill();
  server = await start();
  await called(runs.again.run, 2);
  await server.kill();
  server = await start();
  await called(runs.again.run, 3);
}, 60_000);
afterAll(async () => {
  await server.kill();
  data.remove();
});

/** A run that calls a tool, and its thread. */
interface Call {
  readonly run: string;
  readonly thread: string;
}

interface Interrupt {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly allowed: readonly string[];
  readonly toolName: string;
  readonly argumentsHash: string;
  readonly message: string;
}

interface Run {
  readonly status: string;
  readonly text: string | null;
  readonly interrupts: { readonly nodes: readonly Interrupt[] };
  readonly steps: { readonly nodes: readonly { readonly kind: string; readonly status: string }[] };
  readonly thread: {
    readonly messages: {
      readonly nodes: readonly { readonly parts: readonly { readonly status?: string; readonly result?: unknown }[] }[];
    };
  };
}

const runQuery = `query ($id: ID!) { run(id: $id) {
  status text interrupts { nodes { id kind status allowed toolName argumentsHash message } } steps(first: 50) { nodes { kind status } }
  thread { messages { nodes { parts { ... on ToolCallPart { status result } } } } }
} }`;

async function runOnce(id: string, isEnough: (run: Run) => boolean): Promise<Run> {
  for (let tries = 0; tries < 1_500; tries++) {
    const { run } = await server.graphql<{ run: Run }>(runQuery, { id });
    if (isEnough(run)) return run;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`The run ${id} does not come so far.`);
}

const ended = (id: string): Promise<Run> => runOnce(id, ({ status }) => ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].includes(status));
const waiting = (id: string): Promise<Run> => runOnce(id, ({ status }) => status === "WAITING");

/** Lets the agent that has a tool, and its name, call it. */
async function call(tool: string, text: string): Promise<Call> {
  const { createThread } = await server.graphql<{ createThread: { thread: { id: string } } }>(
    "mutation ($name: String!) { createThread(input: { agent: { name: $name } }) { ... on CreateThreadPayload { thread { id } } } }",
    { name: tool },
  );
  const thread = createThread.thread.id;
  const { sendMessage } = await server.graphql<{ sendMessage: { run: { id: string } } }>(
    "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }",
    { input: { thread, text } },
  );
  return { run: sendMessage.run.id, thread };
}

async function decide({ id, argumentsHash }: Interrupt, decision: Record<string, unknown>): Promise<string> {
  const query = `mutation ($input: DecideInterruptInput!) { result: decideInterrupt(input: $input) { __typename ... on UserError { message } } }`;
  const { result } = await server.graphql<{ result: { __typename: string } }>(query, {
    input: { interrupt: id, argumentsHash, ...decision },
  });
  return result.__typename;
}

function pendingOf({ interrupts }: Run): Interrupt {
  const [pending, ...others] = interrupts.nodes.filter(({ status }) => status === "PENDING");
  if (!pending || others.length > 0) throw new Error(`Not one question: ${JSON.stringify(interrupts)}`);
  return pending;
}

/** Resolves when a kind of event is in the log. */
async function logged(thread: string, kind: string): Promise<void> {
  const client = server.socket();
  const query = "subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { type } }";
  for await (const { data: event } of client.iterate<{ threadEvents: { type: string } }>({ query, variables: { thread } })) {
    if (event?.threadEvents.type === kind) break;
  }
  client.terminate();
  await client.dispose();
}

/** Every seq of a thread's log, and how it ends. */
async function checkLog(thread: string): Promise<void> {
  const { thread: shown } = await server.graphql<{ thread: { lastSeq: number } }>("query ($id: ID!) { thread(id: $id) { lastSeq } }", {
    id: thread,
  });
  const client = server.socket();
  const query = "subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { seq type } }";
  const seqs: number[] = [];
  for await (const { data: event } of client.iterate<{ threadEvents: { seq: number } }>({ query, variables: { thread } })) {
    seqs.push(event?.threadEvents.seq ?? 0);
    if (seqs.length === shown.lastSeq) break;
  }
  await client.dispose();
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
}

/** How often a run's message stands in the outbox. */
function sent(run: string): number {
  const database = new Database(join(data.folder, "weftline.db"), { readonly: true });
  try {
    return database.prepare("select id from capabilities_outbox where run_id = ?").all(localId("Run", run)).length;
  } finally {
    database.close();
  }
}

/** The keys under which a run called its slow tool. */
function callsOf(run: string): string[] {
  const file = join(data.folder, "calls");
  const keys = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  return keys.filter((key) => key.startsWith(localId("Run", run)));
}

async function called(run: string, times: number): Promise<void> {
  while (callsOf(run).length < times) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("a run that waited for approval when its server was killed", () => {
  it("waits for the same decision, and sends exactly once when it is approved", async () => {
    const { run, thread } = runs.asked;
    expect(pendingOf(await waiting(run))).toEqual(question);
    expect(sent(run)).toBe(0);
    expect(await decide(question, { kind: "APPROVE" })).toBe("DecideInterruptPayload");
    expect(await ended(run)).toMatchObject({ status: "SUCCEEDED", text: expect.stringContaining("message.send answered") });
    expect(sent(run)).toBe(1);
    expect(await decide(question, { kind: "APPROVE" })).toBe("DecideInterruptPayload");
    expect(sent(run)).toBe(1);
    await checkLog(thread);
  });

  it("keeps a decision that was accepted, and sends exactly once, wherever in the tool it was", async () => {
    const { run, thread } = runs.approved;
    const settled = await runOnce(run, ({ status }) => ["SUCCEEDED", "WAITING"].includes(status));
    if (settled.status === "WAITING") {
      const uncertain = pendingOf(settled);
      expect(uncertain).toMatchObject({ kind: "UNCERTAIN", toolName: "message.send" });
      await decide(uncertain, { kind: "APPROVE" });
    }
    expect((await ended(run)).status).toBe("SUCCEEDED");
    expect(sent(run)).toBe(1);
    await checkLog(thread);
  });
});

describe("a run that was in the middle of a tool when its server was killed", () => {
  beforeAll(() => writeFileSync(join(data.folder, "go"), ""));

  it("calls one that may run again under the same key, and goes on", async () => {
    const { run, thread } = runs.again;
    expect(await ended(run)).toMatchObject({ status: "SUCCEEDED", interrupts: { nodes: [] } });
    expect(new Set(callsOf(run)).size).toBe(1);
    expect(callsOf(run)).toHaveLength(3);
    await checkLog(thread);
  });

  it.each([
    { decision: { kind: "APPROVE" }, calls: 2, status: "SUCCESS", result: { worked: "slow.once" } },
    { decision: { kind: "ANSWER", payload: { worked: "by hand" } }, calls: 1, status: "SUCCESS", result: { worked: "by hand" } },
    { decision: { kind: "REJECT", reason: "Not again." }, calls: 1, status: "DENIED", result: null },
  ])("asks a person about one that may not, who says $decision.kind", async ({ decision, calls, status, result }) => {
    const { run, thread } = runs.once[decision.kind] ?? runs.again;
    const uncertain = pendingOf(await waiting(run));
    expect(uncertain).toMatchObject({ kind: "UNCERTAIN", toolName: "slow.once", allowed: ["APPROVE", "ANSWER", "REJECT"] });
    expect(uncertain.message).toContain("nobody knows whether it took effect");
    expect(callsOf(run)).toHaveLength(1);
    expect(await decide(uncertain, decision)).toBe("DecideInterruptPayload");
    const done = await ended(run);
    expect(done.status).toBe("SUCCEEDED");
    expect(done.thread.messages.nodes.flatMap(({ parts }) => parts).find((part) => part.status !== undefined)).toEqual({ status, result });
    expect(callsOf(run)).toHaveLength(calls);
    expect(new Set(callsOf(run)).size).toBe(1);
    await checkLog(thread);
  });
});

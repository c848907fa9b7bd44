import { expect } from "vitest";
import type { Viewer } from "#weftline";
import { agents, auth, capabilities, chat, example, health, models, openai, simulated } from "../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type FakeTurn, type TestPlatform } from "../../src/testing/index.ts";

export const ada = testViewer("ada");
/** Of the same tenant as ada. */
export const bob = testViewer("bob");
/** Of another tenant. */
export const eve = testViewer("eve", { tenantId: "elsewhere" });
export const viewers = [ada, bob, eve];

/** The key of a binding that nothing here uses: it must turn up nowhere. */
export const secret = "sk-test-SECRET-of-the-spare-binding";

/** A turn that keeps where it stood. */
const keepingTurn: FakeTurn = async function* (_, { checkpoints }) {
  await checkpoints.put({ id: "first", format: "keeper/1", versions: { woven: "1" }, values: { woven: 1 }, data: null });
  yield* sayText("Kept.");
};

/** All shipped plugins and a framework that keeps checkpoints, without a key for the default binding. */
export function shippedPlatform(tokensPerSecond = 0): Promise<TestPlatform> {
  const spare = { apiKey: secret, baseURL: "http://127.0.0.1:9/v1", models: ["spare"] };
  const bindings = { openai: {}, spare };
  return testPlatform({
    plugins: [
      auth(),
      health(),
      models({ bindings }),
      simulated({ tokensPerSecond }),
      capabilities(),
      openai(),
      agents(),
      chat(),
      example(),
      fakeRuntime({ id: "keeper", turn: keepingTurn }),
    ],
  });
}

/** What a mutation answered: its payload's fields, or those of an error. */
export interface Outcome {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: readonly string[] | null;
  readonly fix?: string | null;
  readonly issues?: readonly { readonly path: readonly string[]; readonly message: string }[];
  readonly agent?: { readonly id: string; readonly name: string; readonly status: string; readonly version: number };
  readonly thread?: { readonly id: string };
  readonly userMessage?: { readonly id: string };
  readonly replacedMessage?: { readonly id: string };
  readonly run?: { readonly id: string; readonly status: string };
  readonly interrupt?: { readonly id: string; readonly status: string };
}

const errorFields = "... on UserError { code message path fix } ... on InvalidInputError { issues { path message } }";
const agentPayload = "agent { id name status version }";
const runPayload = "run { id status }";

/** The arguments of each mutation, and what to select of its payload. */
export const mutations: Readonly<Record<string, { readonly args: Readonly<Record<string, string>>; readonly payload: string }>> = {
  createAgent: { args: { input: "CreateAgentInput!" }, payload: agentPayload },
  createAgentFromTemplate: { args: { input: "CreateAgentFromTemplateInput!" }, payload: agentPayload },
  updateAgent: { args: { input: "UpdateAgentInput!" }, payload: agentPayload },
  restoreAgentVersion: { args: { agent: "AgentRef!", version: "Int!" }, payload: agentPayload },
  startAgent: { args: { agent: "AgentRef!" }, payload: agentPayload },
  stopAgent: { args: { agent: "AgentRef!", mode: "StopMode" }, payload: agentPayload },
  archiveAgent: { args: { agent: "AgentRef!" }, payload: agentPayload },
  startRun: { args: { input: "StartRunInput!" }, payload: runPayload },
  cancelRun: { args: { run: "ID!", reason: "String" }, payload: runPayload },
  pauseRun: { args: { run: "ID!" }, payload: runPayload },
  resumeRun: { args: { run: "ID!" }, payload: runPayload },
  signalRun: { args: { run: "ID!", name: "String!" }, payload: runPayload },
  retryRun: { args: { input: "RetryRunInput!" }, payload: runPayload },
  decideInterrupt: { args: { input: "DecideInterruptInput!" }, payload: `interrupt { id status } ${runPayload}` },
  createThread: { args: { input: "CreateThreadInput!" }, payload: "thread { id }" },
  updateThread: { args: { input: "UpdateThreadInput!" }, payload: "thread { id }" },
  clearThread: { args: { thread: "ID!" }, payload: "thread { id }" },
  deleteThread: { args: { thread: "ID!" }, payload: "deletedThreadId" },
  forkThread: { args: { thread: "ID!", at: "ID!", idempotencyKey: "String" }, payload: "thread { id }" },
  sendMessage: { args: { input: "SendMessageInput!" }, payload: `userMessage { id } ${runPayload}` },
  regenerateMessage: { args: { message: "ID!", idempotencyKey: "String" }, payload: `replacedMessage { id } ${runPayload}` },
  setTyping: { args: { thread: "ID!", typing: "Boolean!" }, payload: "expiresAt" },
};

export type Arguments = Readonly<Record<string, unknown>>;

/** A mutation by its name, with those of its arguments that are given. */
export function mutationOf(name: string, given: Arguments): string {
  const { args, payload } = mutations[name] ?? { args: {}, payload: "" };
  const used = Object.keys(args).filter((arg) => arg in given);
  const declared = used.map((arg) => `$${arg}: ${args[arg]}`).join(", ");
  const passed = used.map((arg) => `${arg}: $${arg}`).join(", ");
  const payloadType = `${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`;
  return `mutation (${declared}) { result: ${name}(${passed}) { __typename ... on ${payloadType} { ${payload} } ${errorFields} } }`;
}

export async function mutate(app: TestPlatform, name: string, args: Arguments, viewer: Viewer = ada): Promise<Outcome> {
  return (await app.graphql<{ result: Outcome }>(mutationOf(name, args), args, viewer)).result;
}

/** A mutation that must succeed. */
export async function done(app: TestPlatform, name: string, args: Arguments, viewer: Viewer = ada): Promise<Required<Outcome>> {
  const outcome = await mutate(app, name, args, viewer);
  if (!outcome.__typename.endsWith("Payload")) throw new Error(`${name} was refused: ${JSON.stringify(outcome)}`);
  return outcome as Required<Outcome>;
}

const stateQuery = `{
  agents(first: 100) { totalCount nodes { id status version name updatedAt versions { totalCount } } }
  threads(archived: null, first: 100) {
    totalCount nodes { id title archived updatedAt lastSeq agent { id } messages(superseded: true) { totalCount } runs { totalCount } }
  }
  runs(first: 100) { totalCount nodes { id status lastSeq } }
  interrupts(status: null, first: 100) { totalCount nodes { id status decision { kind } } }
}`;

/** What everybody sees of all that is kept. */
export function stateOf(app: TestPlatform): Promise<readonly unknown[]> {
  return Promise.all(viewers.map((viewer) => app.graphql(stateQuery, {}, viewer)));
}

/** Holds that some work changes nothing that anybody sees. */
export async function changesNothing<T>(app: TestPlatform, work: () => Promise<T>): Promise<T> {
  const before = await stateOf(app);
  const result = await work();
  expect(await stateOf(app)).toEqual(before);
  return result;
}

const over = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

export interface RunView {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly provenance: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly plugin: string | null } | null;
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly argumentsHash: string; readonly kind: string }[] };
}

async function runIn(app: TestPlatform, id: string, states: readonly string[], viewer: Viewer): Promise<RunView> {
  const query = `query ($id: ID!) { run(id: $id) {
    id status text provenance failure { code message retryable plugin } interrupts { nodes { id argumentsHash kind } } } }`;
  for (let tries = 0; tries < 1_000; tries++) {
    const { run } = await app.graphql<{ run: RunView }>(query, { id }, viewer);
    if (states.includes(run.status)) return run;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`The run ${id} does not come to ${states.join(" or ")}.`);
}

/** A run once it has ended. */
export function settled(app: TestPlatform, id: string, viewer: Viewer = ada): Promise<RunView> {
  return runIn(app, id, over, viewer);
}

/** A run once it waits for a person. */
export function waits(app: TestPlatform, id: string, viewer: Viewer = ada): Promise<RunView> {
  return runIn(app, id, ["WAITING"], viewer);
}

/** What one viewer has: an agent that asks before it sends, a thread with an answer, and one that waits for a person. */
export interface Belongings {
  readonly agent: string;
  readonly agentName: string;
  readonly thread: string;
  readonly question: string;
  readonly answer: string;
  readonly run: string;
  /** A run that kept where it stood, outside any thread. */
  readonly keptRun: string;
  readonly checkpoint: string;
  readonly waitingThread: string;
  readonly waitingRun: string;
  readonly interrupt: string;
  readonly argumentsHash: string;
}

/** Words that make the simulated model ask for the tool that waits for a person. */
export const askToSend = 'Use message.send {"to":"ada@example.com","subject":"Looms","body":"They are ready."}';

export async function settle(app: TestPlatform, viewer: Viewer): Promise<Belongings> {
  const agentName = `Weaver of ${viewer.actorId}`;
  const input = { name: agentName, framework: "openai", capabilities: ["message.send", "time.now"] };
  const { agent } = await done(app, "createAgent", { input }, viewer);
  const open = async (title: string): Promise<string> =>
    (await done(app, "createThread", { input: { title, agent: { id: agent.id } } }, viewer)).thread.id;
  const [thread, waitingThread] = [await open("Talk"), await open("Sending")];
  const { userMessage, run } = await done(app, "sendMessage", { input: { thread, text: "Hello" } }, viewer);
  await settled(app, run.id, viewer);
  const sent = await done(app, "sendMessage", { input: { thread: waitingThread, text: askToSend } }, viewer);
  const waiting = await waits(app, sent.run.id, viewer);
  const [interrupt] = waiting.interrupts.nodes;
  if (!interrupt) throw new Error(`The run asks nothing: ${JSON.stringify(waiting)}`);
  const { keptRun, checkpoint } = await keepState(app, viewer);
  return {
    agent: agent.id,
    agentName,
    keptRun,
    checkpoint,
    thread,
    question: userMessage.id,
    answer: await lastMessage(app, thread, viewer),
    run: run.id,
    waitingThread,
    waitingRun: sent.run.id,
    interrupt: interrupt.id,
    argumentsHash: interrupt.argumentsHash,
  };
}

async function keepState(app: TestPlatform, viewer: Viewer): Promise<{ readonly keptRun: string; readonly checkpoint: string }> {
  const { agent } = await done(app, "createAgent", { input: { name: `Keeper of ${viewer.actorId}`, framework: "keeper" } }, viewer);
  const { run } = await done(app, "startRun", { input: { target: { agent: { id: agent.id } }, text: "Hello" } }, viewer);
  await settled(app, run.id, viewer);
  const query = "query ($id: ID!) { run(id: $id) { checkpoints { nodes { id } } } }";
  const shown = await app.graphql<{ run: { checkpoints: { nodes: { id: string }[] } } }>(query, { id: run.id }, viewer);
  return { keptRun: run.id, checkpoint: shown.run.checkpoints.nodes[0]?.id ?? "" };
}

/** What of ada's takes nothing now. */
export interface Idle {
  /** An archived thread with an answer, and the run behind that. */
  readonly thread: string;
  readonly answer: string;
  readonly run: string;
  readonly agentless: string;
  /** The name of an agent that has a run waiting outside any thread. */
  readonly busyAgent: string;
}

/** Agents named Drafted, Paused and Archived, a busy one, and threads that are archived or without an agent. */
export async function settleIdle(app: TestPlatform, agent: string): Promise<Idle> {
  const make = (name: string, more: Arguments = {}) => done(app, "createAgent", { input: { name, framework: "openai", ...more } });
  await make("Drafted", { activate: false });
  await make("Paused");
  await done(app, "stopAgent", { agent: { name: "Paused" } });
  await make("Archived");
  await done(app, "archiveAgent", { agent: { name: "Archived" } });
  await make("Busy", { capabilities: ["message.send"] });
  const asks = await done(app, "startRun", { input: { target: { agent: { name: "Busy" } }, text: askToSend } });
  await waits(app, asks.run.id);

  const { thread } = await done(app, "createThread", { input: { title: "Archived", agent: { id: agent } } });
  const { run } = await done(app, "sendMessage", { input: { thread: thread.id, text: "Hello" } });
  await settled(app, run.id);
  const answer = await lastMessage(app, thread.id, ada);
  await done(app, "updateThread", { input: { thread: thread.id, archived: true } });
  const agentless = await done(app, "createThread", { input: { title: "Agentless" } });
  return { thread: thread.id, answer, run: run.id, agentless: agentless.thread.id, busyAgent: "Busy" };
}

async function lastMessage(app: TestPlatform, thread: string, viewer: Viewer): Promise<string> {
  const query = "query ($id: ID!) { thread(id: $id) { messages(last: 1) { nodes { id } } } }";
  const shown = await app.graphql<{ thread: { messages: { nodes: { id: string }[] } } }>(query, { id: thread }, viewer);
  return shown.thread.messages.nodes[0]?.id ?? "";
}

import { Readable } from "node:stream";
import {
  WeftlineError,
  contribution,
  defineJob,
  definePlugin,
  globalId,
  jobs,
  skills,
  localId,
  type ConversationMessage,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type Viewer,
} from "#weftline";
import { filesService } from "#plugins/files";
import { desk, keepDeskAgent } from "./desk.ts";
import * as shipped from "../../src/plugins/index.ts";
import { fakeRuntime, sayText, testPlatform, testViewer, type TestPlatform } from "../../src/testing/index.ts";

/** Two tenants; in the second one, somebody with every role and somebody with alice's name. */
export const viewers = {
  alice: testViewer("alice"),
  bob: testViewer("bob"),
  admin: testViewer("admin", { roles: ["admin"] }),
  auditor: testViewer("auditor", { roles: ["admin", "audit"] }),
  /** Holds the role that the policies of everybody's agents name, in both tenants, and belongs to one. */
  deputy: testViewer("deputy", { roles: ["approver"] }),
  mallory: testViewer("mallory", { tenantId: "other", roles: ["admin", "audit"] }),
  namesake: testViewer("alice", { tenantId: "other", name: "Alice's namesake" }),
} as const satisfies Record<string, Viewer>;

export type Who = keyof typeof viewers;
export const everybody = Object.keys(viewers) as Who[];

/** What somebody says that nobody else may read; `place` tells where it was said. */
export const secretOf = (who: Who, place: string): string => `SECRET-OF-${who.toUpperCase()}-${place}`;

/** What one viewer has: global ids. */
export interface Mine {
  readonly actor: string;
  readonly agent: string;
  readonly workflow: string;
  readonly thread: string;
  readonly answer: string;
  readonly file: string;
  readonly schedule: string;
  readonly finishedRun: string;
  /** Of the finished run. */
  readonly checkpoint: string;
  readonly waitingRun: string;
  readonly interrupt: string;
  readonly argumentsHash: string;
  readonly inboundWebhook: string;
  readonly webhook: string;
  readonly delivery: string;
  readonly policy: string;
  readonly budget: string;
  /** Of the memory: of the user's own scope. */
  readonly record: string;
}

/**
 * A host on which everybody has one of everything.
 *
 * @param made told of each viewer when it has all, before the next one makes anything.
 */
export async function bootWorld(
  made: (app: TestPlatform, who: Who) => Promise<void>,
): Promise<{ readonly app: TestPlatform; readonly has: Readonly<Record<Who, Mine>> }> {
  const plugins = Object.entries(shipped).map(([name, plugin]) =>
    name === "simulated" ? shipped.simulated({ tokensPerSecond: 0 }) : plugin(),
  );
  const app = await testPlatform({ plugins: [...plugins, fakeRuntime({ turn }), fixtures(), desk()] });
  const has: Partial<Record<Who, Mine>> = {};
  for (const who of everybody) {
    has[who] = await populate(app, who);
    await made(app, who);
  }
  return { app, has: has as Record<Who, Mine> };
}

/** What no shipped plugin has one of. */
const fixtures = definePlugin({
  id: "fixtures",
  contributes: [
    contribution(jobs, "fixtures.sweep", defineJob({ name: "fixtures.sweep", run: () => undefined })),
    contribution(skills, "fixtures.brief", {
      name: "fixtures.brief",
      description: "Brief.",
      instructions: "Be brief.",
      tools: ["time.now"],
    }),
  ],
});

/** Objects that no field of the graph leads to. */
export const unreachable: Readonly<Record<string, readonly string[]>> = { Job: [globalId("Job", "fixtures.sweep")] };

function textOf(message: ConversationMessage | undefined): string {
  return message?.role === "USER" ? message.parts.map((part) => (part.type === "text" ? part.text : "")).join("") : "";
}

/** Says in every place that an adapter can say something what it was told; fails with it where it is told to, and dawdles likewise. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const told = textOf(request.messages.findLast(({ role }) => role === "USER"));
  yield { kind: "step.started", step: "node", name: "node", stepKind: "NODE", input: told };
  yield { kind: "state.patched", patch: { told } };
  yield { kind: "custom", name: "fake.told", data: told };
  yield { kind: "progress", done: 1, total: 2 };
  if (told.startsWith("dawdle")) yield* sayText("word ".repeat(500), { pauseMs: 20, signal: ctx.signal });
  yield* sayText(`You said: ${told}`);
  await ctx.checkpoints.put({ id: "1", format: "fake/1", versions: { told: "1" }, values: { told }, data: null, step: "node" });
  await ctx.callTools([{ callId: "call", name: "math.evaluate", arguments: { expression: "1 +", told } }]);
  if (told.startsWith("fail"))
    throw new WeftlineError("PROVIDER_REJECTED", { provider: "fake", status: 400, problem: `it did not like: ${told}` });
  yield { kind: "step.finished", step: "node", status: "SUCCEEDED", output: told };
}

/** Of one's agent, by an admin of the tenant. */
async function setBudget(app: TestPlatform, who: Who, agent: string): Promise<string> {
  const { setBudget: made } = await app.graphql<{ setBudget: { budget: { id: string } } }>(
    "mutation ($input: SetBudgetInput!) { setBudget(input: $input) { ... on SetBudgetPayload { budget { id } } } }",
    { input: { scope: "AGENT", scopeId: agent, tokenLimit: 1e12, onExceed: "DENY" } },
    viewers[who].tenantId === "other" ? viewers.mallory : viewers.admin,
  );
  return made.budget.id;
}

/** Everybody has set one, when it was an admin. */
async function setPolicy(app: TestPlatform, who: Who): Promise<string> {
  const targets = {
    alice: "RUNS",
    bob: "AUDIT",
    admin: "FILES",
    auditor: "CHECKPOINTS",
    deputy: "RUN_DELTAS",
    mallory: "RUNS",
    namesake: "AUDIT",
  };
  const { setRetentionPolicy } = await app.graphql<{ setRetentionPolicy: { policy: { id: string } } }>(
    "mutation ($input: SetRetentionPolicyInput!) { setRetentionPolicy(input: $input) { ... on SetRetentionPolicyPayload { policy { id } } } }",
    { input: { target: targets[who], maxAge: "P9000D" } },
    { ...viewers[who], roles: ["admin"] },
  );
  return setRetentionPolicy.policy.id;
}

interface Result {
  readonly result: { readonly __typename: string } & Record<string, { readonly id: string }>;
}

/**
 * Makes one of everything for a viewer, by the graph alone; alice and bob also fork, retry and ask anew.
 *
 * @param name whose the agents are called, since no two of a tenant have one name.
 */
export async function populate(app: TestPlatform, who: Who, name: string = who): Promise<Mine> {
  const viewer = viewers[who];
  const secret = (place: string): string => secretOf(who, place);
  const change = async (mutation: string, variables: object, field: string): Promise<string> => {
    const { result } = await app.graphql<Result>(mutation, variables as never, viewer);
    const made = result[field];
    if (!made) throw new Error(`${who}: ${JSON.stringify(result)}`);
    return made.id;
  };
  const start = (text: string, agentName = `${name}'s actor`): Promise<string> =>
    change(documents.startRun, { input: { target: { agent: { name: agentName } }, text, input: { told: secret("input") } } }, "run");

  const agent = await change(
    documents.createAgent,
    { input: { name: `${name}'s helper`, framework: "openai", capabilities: tools, toolPolicies } },
    "agent",
  );
  await change(documents.createAgent, { input: { name: `${name}'s actor`, framework: "fake", capabilities: ["math.evaluate"] } }, "agent");
  const nodes = [{ key: "a", kind: "transform", config: { expression: "1" } }];
  const workflow = await change(documents.createWorkflow, { input: { name: `${name}'s workflow`, nodes } }, "workflow");
  await change(documents.addNote, { input: { text: secret("note") } }, "note");

  const events = ["RUN_SUCCEEDED"];
  const webhook = await change(
    documents.createWebhook,
    { input: { name: secret("webhook"), url: `https://hooks.invalid/${secret("url")}`, events } },
    "webhook",
  );
  const inbound = { name: secret("inbound"), target: { agent: { id: agent } } };
  const inboundWebhook = await change(documents.createInboundWebhook, { input: inbound }, "webhook");

  await keepDeskAgent(app.platform.scope(viewer), secret("desk"));

  const file = await change(documents.createFile, { input: { name: secret("file"), mediaType: "text/plain", size: 1 } }, "file");
  const body = Readable.from([Buffer.from("x")]);
  await app.platform.use(filesService).upload(app.platform.scope(viewer), localId("File", file), { body });

  const config = { metadata: { told: secret("metadata") } };
  const thread = await change(documents.createThread, { input: { title: secret("title"), agent: { id: agent }, config } }, "thread");
  const say = (text: string): Promise<string> => change(documents.sendMessage, { input: { thread, text } }, "run");
  const parts = [{ text: secret("message") }, { file }];
  await settled(app, viewer, await change(documents.sendMessage, { input: { thread, parts } }, "run"));
  const rich = who === "alice" || who === "bob";
  if (rich) {
    await settled(app, viewer, await say(`use example.notes for ${secret("question")}`));
    const [before] = await messagesOf(app, viewer, thread);
    await settled(app, viewer, await change(documents.regenerate, { message: before }, "run"));
  }
  const [answer = ""] = await messagesOf(app, viewer, thread);
  if (rich) await change(documents.fork, { thread, at: answer }, "thread");

  const told = { name: `${secret("schedule")} ${crypto.randomUUID()}`, text: secret("scheduled text"), input: secret("scheduled input") };
  const schedule = await change(
    documents.createSchedule,
    { input: { ...told, thread, target: { agent: { id: agent } }, cron: "0 0 29 2 *" } },
    "schedule",
  );

  const finishedRun = await start(secret("text"));
  await settled(app, viewer, finishedRun);
  const checkpoint = await checkpointOf(app, viewer, finishedRun);
  // Several people's runs of one shared agent.
  if (who !== "alice" && viewer.tenantId === viewers.alice.tenantId)
    await settled(app, viewer, await start(secret("shared"), "alice's actor"));
  const failed = await start(`fail ${secret("failure")}`);
  await settled(app, viewer, failed);
  if (rich) await settled(app, viewer, await change(documents.retryRun, { input: { run: failed } }, "run"));

  const waits = await change(documents.createThread, { input: { title: secret("approval"), agent: { id: agent } } }, "thread");
  const letter = JSON.stringify({ to: "a@example.com", subject: secret("argument"), body: secret("body") });
  const waitingRun = await change(documents.sendMessage, { input: { thread: waits, text: `use message.send ${letter}` } }, "run");
  const [interrupt] = await settled(app, viewer, waitingRun);
  if (!interrupt) throw new Error(`${who}'s run does not wait for a person`);
  return {
    actor: globalId("Actor", `${viewer.tenantId}/${viewer.actorId}`),
    agent,
    workflow,
    thread,
    answer,
    file,
    schedule,
    finishedRun,
    checkpoint,
    waitingRun,
    interrupt: interrupt.id,
    argumentsHash: interrupt.argumentsHash,
    inboundWebhook,
    webhook,
    delivery: await deliveryOf(app, viewer, webhook),
    policy: await setPolicy(app, who),
    budget: await setBudget(app, who, agent),
    record: await change(
      documents.remember,
      { input: { text: secret("fact"), scope: { scope: "USER" }, metadata: { told: secret("meta") } } },
      "record",
    ),
  };
}

const toolPolicies = [{ tool: "message.send", approval: "ALWAYS", approvers: { roles: ["approver"] } }];
const tools = ["message.send", "example.notes", "time.now", "fixtures.brief"];
const failure = "... on UserError { code message }";
const documents = {
  createAgent: `mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename ... on CreateAgentPayload { agent { id } } ${failure} } }`,
  remember: `mutation ($input: RememberInput!) { result: remember(input: $input) { __typename ... on RememberPayload { record { id } } ${failure} } }`,
  addNote: `mutation ($input: ExampleAddNoteInput!) { result: exampleAddNote(input: $input) { __typename ... on ExampleAddNotePayload { note { id } } ${failure} } }`,
  createWebhook: `mutation ($input: CreateWebhookInput!) { result: createWebhook(input: $input) { __typename ... on CreateWebhookPayload { webhook { id } } ${failure} } }`,
  createInboundWebhook: `mutation ($input: CreateInboundWebhookInput!) { result: createInboundWebhook(input: $input) { __typename ... on CreateInboundWebhookPayload { webhook { id } } ${failure} } }`,
  createWorkflow: `mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) { __typename ... on CreateWorkflowPayload { workflow { id } } ${failure} } }`,
  createFile: `mutation ($input: CreateFileInput!) { result: createFile(input: $input) { __typename ... on CreateFilePayload { file { id } } ${failure} } }`,
  createThread: `mutation ($input: CreateThreadInput!) { result: createThread(input: $input) { __typename ... on CreateThreadPayload { thread { id } } ${failure} } }`,
  sendMessage: `mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { __typename ... on SendMessagePayload { run { id } } ${failure} } }`,
  regenerate: `mutation ($message: ID!) { result: regenerateMessage(message: $message) { __typename ... on RegenerateMessagePayload { run { id } } ${failure} } }`,
  fork: `mutation ($thread: ID!, $at: ID!) { result: forkThread(thread: $thread, at: $at) { __typename ... on ForkThreadPayload { thread { id } } ${failure} } }`,
  startRun: `mutation ($input: StartRunInput!) { result: startRun(input: $input) { __typename ... on StartRunPayload { run { id } } ${failure} } }`,
  createSchedule: `mutation ($input: CreateScheduleInput!) { result: createSchedule(input: $input) { __typename ... on CreateSchedulePayload { schedule { id } } ${failure} } }`,
  retryRun: `mutation ($input: RetryRunInput!) { result: retryRun(input: $input) { __typename ... on RetryRunPayload { run { id } } ${failure} } }`,
};

async function messagesOf(app: TestPlatform, viewer: Viewer, thread: string): Promise<string[]> {
  const query = "query ($thread: ID!) { thread(id: $thread) { messages(last: 1) { nodes { id } } } }";
  const data = await app.graphql<{ thread: { messages: { nodes: { id: string }[] } } }>(query, { thread }, viewer);
  return data.thread.messages.nodes.map(({ id }) => id);
}

async function deliveryOf(app: TestPlatform, viewer: Viewer, webhook: string): Promise<string> {
  const query = "query ($webhook: ID!) { node(id: $webhook) { ... on Webhook { deliveries { nodes { id } } } } }";
  const data = await app.graphql<{ node: { deliveries: { nodes: { id: string }[] } } }>(query, { webhook }, viewer);
  return data.node.deliveries.nodes[0]?.id ?? "";
}

async function checkpointOf(app: TestPlatform, viewer: Viewer, run: string): Promise<string> {
  const query = "query ($run: ID!) { run(id: $run) { checkpoints { nodes { id } } } }";
  const data = await app.graphql<{ run: { checkpoints: { nodes: { id: string }[] } } }>(query, { run }, viewer);
  return data.run.checkpoints.nodes[0]?.id ?? "";
}

interface Settled {
  readonly run: {
    readonly status: string;
    readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly argumentsHash: string }[] };
  };
}

/** Waits until nobody works on a run. @returns what it asks. */
async function settled(app: TestPlatform, viewer: Viewer, run: string): Promise<Settled["run"]["interrupts"]["nodes"]> {
  const query = "query ($run: ID!) { run(id: $run) { status interrupts { nodes { id argumentsHash } } } }";
  for (let tries = 0; tries < 500; tries++) {
    const found = (await app.graphql<Settled>(query, { run }, viewer)).run;
    if (!["QUEUED", "RUNNING", "CANCELLING"].includes(found.status)) return found.interrupts.nodes;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("the run does not settle");
}

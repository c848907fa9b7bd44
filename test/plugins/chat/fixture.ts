import type { PluginList } from "../../../src/core/kernel/spec.ts";
import { localId, WeftlineError, type Viewer } from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { chat } from "../../../src/plugins/chat/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { collect, testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { echo, loom, type Play } from "./play.ts";
import type { ActivityData, EventData, MessagePage, Outcome, RunData, ThreadData } from "./shapes.ts";

export const ada = testViewer("ada");
export const bob = testViewer("bob");
export const eve = testViewer("eve", { tenantId: "elsewhere" });
export const admin = testViewer("boss", { roles: ["admin"] });
export const auditor = testViewer("root", { roles: ["admin", "audit"] });

/** All that a chat needs. */
export const chatPlugins = (play: Play, more: PluginList = []): PluginList => [
  models({ bindings: {} }),
  simulated({ tokensPerSecond: 0 }),
  capabilities(),
  loom(play),
  agents({ templateFramework: "loom" }),
  chat(),
  more,
];

/** A platform with the agent Weaver, who does what `play` says, and the verbs that tests of chat use. */
export async function chatPlatform(play: Play = { turn: echo }, dataDir?: string, more: PluginList = []) {
  const app = await testPlatform({ ...(dataDir === undefined ? {} : { dataDir }), plugins: chatPlugins(play, more) });
  const created = await app.graphql<{ createAgent: { agent?: { id: string } } }>(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }",
    { input: { name: "Weaver", framework: "loom", capabilities: (play.tools ?? []).map(({ name }) => name) } },
    ada,
  );
  const agentId = created.createAgent.agent?.id;
  if (agentId === undefined) throw new Error(`no agent: ${JSON.stringify(created)}`);
  return { app, play, agentId, ...verbs(app), [Symbol.asyncDispose]: () => app.close() };
}

export type ChatPlatform = Awaited<ReturnType<typeof chatPlatform>>;

const threadFields = "id title archived lastSeq agent { name } config { historyLimit retention simulatedAllowed metadata } updatedAt";
const messageFields = "id seq role status text run { id }";
const errorFields = "... on UserError { code message fix path } ... on InvalidInputError { issues { path message } }";

function verbs(app: TestPlatform) {
  const mutate = async (
    field: string,
    declared: string,
    args: string,
    fields: string,
    variables: Record<string, unknown>,
    viewer: Viewer,
  ): Promise<Outcome> => {
    const payload = `${field.charAt(0).toUpperCase()}${field.slice(1)}Payload`;
    const query = `mutation (${declared}) { result: ${field}(${args}) { __typename ... on ${payload} { ${fields} } ${errorFields} } }`;
    return (await app.graphql<{ result: Outcome }>(query, variables, viewer)).result;
  };
  const thread = `thread { ${threadFields} }`;
  const answering = (message: string): string => `${message} { ${messageFields} } run { id status }`;
  const byInput =
    (field: string, type: string, fields: string) =>
    (input: Record<string, unknown>, viewer: Viewer = ada): Promise<Outcome> =>
      mutate(field, `$input: ${type}!`, "input: $input", fields, { input }, viewer);
  const byThread =
    (field: string, fields: string) =>
    (id: string, viewer: Viewer = ada): Promise<Outcome> =>
      mutate(field, "$thread: ID!", "thread: $thread", fields, { thread: id }, viewer);
  const runsOf = async (id: string): Promise<RunData[]> =>
    (
      await app.graphql<{ thread: { runs: { nodes: RunData[] } } }>(
        "query ($id: ID!) { thread(id: $id) { runs(first: 100) { nodes { id status } } } }",
        { id },
        ada,
      )
    ).thread.runs.nodes;

  const send = byInput("sendMessage", "SendMessageInput", answering("userMessage"));
  const idle = async (id: string): Promise<void> => {
    for (let tries = 0; tries < 500; tries++) {
      const open = (await runsOf(id)).filter(({ status }) => !["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].includes(status));
      if (open.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`runs of the thread stay open: ${JSON.stringify(await runsOf(id))}`);
  };
  return {
    create: byInput("createThread", "CreateThreadInput", thread),
    update: byInput("updateThread", "UpdateThreadInput", thread),
    send,
    clear: byThread("clearThread", thread),
    remove: byThread("deleteThread", "deletedThreadId"),
    fork: (id: string, at: string, more: Record<string, unknown> = {}, viewer: Viewer = ada) =>
      mutate(
        "forkThread",
        "$thread: ID!, $at: ID!, $key: String",
        "thread: $thread, at: $at, idempotencyKey: $key",
        thread,
        { thread: id, at, ...more },
        viewer,
      ),
    regenerate: (message: string, more: Record<string, unknown> = {}, viewer: Viewer = ada) =>
      mutate(
        "regenerateMessage",
        "$message: ID!, $key: String",
        "message: $message, idempotencyKey: $key",
        answering("replacedMessage"),
        { message, ...more },
        viewer,
      ),
    type: (id: string, typing: boolean, viewer: Viewer = ada) =>
      mutate(
        "setTyping",
        "$thread: ID!, $typing: Boolean!",
        "thread: $thread, typing: $typing",
        "expiresAt",
        { thread: id, typing },
        viewer,
      ),
    runsOf,
    idle,
    /** Sends and waits for the answer. */
    exchange: async (id: string, text: string): Promise<Outcome> => {
      const sent = await send({ thread: id, text });
      await idle(id);
      return sent;
    },
    startRun: byInput("startRun", "StartRunInput", "run { id status thread { id } }"),
    /** A thread with the agent Weaver. */
    open: async (more: Record<string, unknown> = {}): Promise<ThreadData> => {
      const { thread: made, ...rest } = await byInput("createThread", "CreateThreadInput", thread)({ agent: { name: "Weaver" }, ...more });
      if (!made) throw new Error(`no thread: ${JSON.stringify(rest)}`);
      return made;
    },
    messages: async (id: string, args = "", viewer: Viewer = ada) => {
      const query = `query ($id: ID!) { thread(id: $id) { messages${args} { edges { cursor node { ${messageFields} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } } }`;
      const data = await app.graphql<{ thread: { messages: MessagePage } | null }>(query, { id }, viewer);
      return data.thread?.messages;
    },
    /** Follows a thread; each event with its type, its seq and what tells it apart. */
    follow: (id: string, after?: number | null, viewer: Viewer = ada) =>
      app.subscribe<{ threadEvents: EventData }>(
        `subscription ($id: ID!, $after: Int) { threadEvents(thread: $id, after: $after) { __typename seq type
          ... on RunEvent { runId } ... on RunStatusEvent { runStatus } ... on MessageDeltaEvent { text messageId }
          ... on MessageAddedEvent { messageId role message { id text } } ... on ThreadChangedEvent { change threadId thread { id title } }
          ... on SnapshotEvent { messages { id text status seq } hasEarlierMessages runs { id status } interrupts { id } } } }`,
        { id, ...(after === undefined ? {} : { after }) },
        viewer,
      ),
    watch: (id: string, viewer: Viewer = ada) =>
      app.subscribe<{ threadActivity: ActivityData[] }>(
        `subscription ($id: ID!) { threadActivity(thread: $id) { ${activityFields} } }`,
        { id },
        viewer,
      ),
    activity: async (id: string, viewer: Viewer = ada): Promise<ActivityData[]> =>
      (
        await app.graphql<{ thread: { activity: ActivityData[] } }>(
          `query ($id: ID!) { thread(id: $id) { activity { ${activityFields} } } }`,
          { id },
          viewer,
        )
      ).thread.activity,
  };
}

const activityFields = "__typename actor { name kind self } expiresAt ... on AgentActivity { phase toolName runId agent { name } }";

/** Events of a thread up to the one that `until` names. */
export async function eventsUntil(
  source: AsyncIterable<{ threadEvents: EventData }> | Promise<AsyncIterable<{ threadEvents: EventData }>>,
  until: (event: EventData) => boolean,
): Promise<EventData[]> {
  return (await collect(source, { until: ({ threadEvents }) => until(threadEvents) })).map(({ threadEvents }) => threadEvents);
}

/** The code of the error that something is refused with. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    const [first] =
      error instanceof AggregateError
        ? (error.errors as { readonly originalError?: unknown; readonly extensions?: { readonly code?: string } }[])
        : [];
    return first?.originalError instanceof WeftlineError ? first.originalError.code : first?.extensions?.code;
  }
}

/** The database id behind an id of the graph. */
export const local = (typeName: string, id: string): string => localId(typeName, id);

import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin, tools, type ToolDefinition } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, models } from "../../src/plugins/index.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { frameworks, nameOf, ways, type Way } from "./frameworks.ts";
import { keepConnections } from "./keep-connections.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
beforeAll(async () => {
  await mock.start();
  keepConnections(mock);
});
afterAll(() => mock.stop());

const usage = { prompt_tokens: 40, completion_tokens: 12, total_tokens: 52, input_tokens: 40, output_tokens: 12 };
const inputSchema = { type: "object", properties: { to: { type: "string" } }, required: ["to"] } as const;
const common = { inputSchema, idempotent: true, timeoutMs: 5_000 } as const;

function office(sent: string[]) {
  const lookUp: ToolDefinition = {
    ...common,
    name: "office.look-up",
    description: "Finds an address.",
    sideEffects: "READ",
    approval: "NEVER",
    execute: ({ to }: { readonly to: string }) => ({ address: `${to}@example.com` }),
  };
  const send: ToolDefinition = {
    ...common,
    name: "office.send",
    description: "Sends a letter.",
    sideEffects: "EXTERNAL",
    approval: "ALWAYS",
    execute: ({ to }: { readonly to: string }) => ({ number: sent.push(to) }),
  };
  const contributes = [contribution(tools, lookUp.name, lookUp), contribution(tools, send.name, send)];
  return definePlugin({ id: "office", description: "Letters.", contributes })();
}

interface Answer<T> {
  readonly result: T & { readonly message?: string };
}

/** Plays one conversation with one agent, and what everybody can read of it afterwards. */
async function play({ framework, api }: Way) {
  const sent: string[] = [];
  const binding = { baseURL: `${mock.url}/v1`, apiKey: "sk-none", api, defaultModel: "gpt-test" };
  const own = frameworks.get(framework)?.();
  await using app = await testPlatform({
    plugins: [
      auth(),
      models({ default: "mock", bindings: { mock: binding } }),
      capabilities(),
      agents(),
      chat(),
      office(sent),
      ...(own ? [own] : []),
    ],
  });
  const agent = { name: "Ada", framework, instructions: "Be brief.", capabilities: ["office.look-up", "office.send"] };
  await app.graphql("mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename } }", { input: agent });
  const { result: made } = await app.graphql<Answer<{ thread: { id: string } }>>(
    'mutation { result: createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } } }',
  );
  const thread = made.thread.id;
  const { result: asked } = await app.graphql<Answer<{ run: { id: string } }>>(
    'mutation ($thread: ID!) { result: sendMessage(input: { thread: $thread, text: "Write to Bob and Eve." }) { ... on SendMessagePayload { run { id } } } }',
    { thread },
  );
  const { interrupts } = await until(asked.run.id, "WAITING");
  const sentBefore = [...sent];
  for (const { id, argumentsHash } of interrupts.nodes) {
    const input = { interrupt: id, kind: "APPROVE", argumentsHash };
    await app.graphql("mutation ($input: DecideInterruptInput!) { result: decideInterrupt(input: $input) { __typename } }", { input });
  }
  const run = await until(asked.run.id, "SUCCEEDED");
  const told = await app.graphql<{ thread: { messages: { nodes: unknown[] } } }>(conversation, { thread });
  // A graph has steps of its nodes besides.
  const steps = run.steps.nodes.filter(({ kind }) => kind === "MODEL" || kind === "TOOL");
  return plain({ sentBefore, sent, run: { ...run, steps }, messages: told.thread.messages.nodes });

  async function until(id: string, status: string): Promise<Shown> {
    for (let left = 1_000; ; left--) {
      const { run: now } = await app.graphql<{ run: Shown }>(shown, { id });
      if (now.status === status) return now;
      if (left === 0 || now.status === "FAILED") throw new Error(`${framework} over ${api}: ${JSON.stringify(now)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

interface Shown {
  readonly status: string;
  readonly steps: { readonly nodes: readonly { readonly kind: string }[] };
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly argumentsHash: string }[] };
}

const shown = `query ($id: ID!) { run(id: $id) {
  status text output failure { code message }
  usage { inputTokens outputTokens totalTokens modelCalls }
  interrupts { nodes { id kind toolName arguments argumentsHash status } }
  steps { nodes { kind name status } }
} }`;
const conversation = `query ($thread: ID!) { thread(id: $thread) { messages { nodes { role status text parts {
  __typename ... on TextPart { text } ... on ReasoningPart { text }
  ... on ToolCallPart { name arguments status result error interrupt { kind status } }
} } } } }`;

/** As JSON, without ids: those are of each run alone. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (key, each: unknown) => (key === "id" ? undefined : each))) as T;
}

mock.on(
  { userMessage: "Write to", hasToolResult: false },
  {
    content: "Let me see.",
    toolCalls: [
      { name: "office_look-up", arguments: { to: "Bob" }, id: "call_1" },
      { name: "office_send", arguments: { to: "Eve" }, id: "call_2" },
    ],
    usage,
  },
  { chunkSize: 5 },
);
mock.on({ userMessage: "Write to", hasToolResult: true }, { content: "Bob is found, and Eve has her letter.", usage }, { chunkSize: 6 });

let reference: ReturnType<typeof play> | undefined;
const played = (way: Way): ReturnType<typeof play> => (nameOf(way) === "openai over responses" ? (reference ??= play(way)) : play(way));

describe("one agent, played in every framework", () => {
  it("looks a name up, asks before it sends, and says what it did", async () => {
    expect(await played({ framework: "openai", api: "responses" })).toMatchObject({
      sentBefore: [],
      sent: ["Eve"],
      run: {
        text: "Bob is found, and Eve has her letter.",
        usage: { inputTokens: 80, outputTokens: 24, totalTokens: 104, modelCalls: 2 },
        interrupts: { nodes: [{ kind: "TOOL_APPROVAL", toolName: "office.send", arguments: { to: "Eve" }, status: "RESOLVED" }] },
      },
      messages: [
        { role: "USER" },
        {
          text: "Let me see.",
          parts: [
            { text: "Let me see." },
            { name: "office.look-up", arguments: { to: "Bob" }, status: "SUCCESS", result: { address: "Bob@example.com" } },
            { name: "office.send", arguments: { to: "Eve" }, status: "SUCCESS", result: { number: 1 } },
          ],
        },
        { text: "Bob is found, and Eve has her letter." },
      ],
    });
  });

  it.each(ways)("comes to the same over $api with $framework: texts, calls, results, approvals, usage", async (way) => {
    expect(await played(way)).toEqual(await played({ framework: "openai", api: "responses" }));
  });
});

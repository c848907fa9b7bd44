import { LLMock, type FixtureResponse } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin, tools, type ToolDefinition } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, models } from "../../src/plugins/index.ts";
import { testPlatform, type TestPlatform } from "../../src/testing/index.ts";
import { apis, frameworks, nameOf, ways, type Way } from "../conformance/frameworks.ts";
import { keepConnections } from "../conformance/keep-connections.ts";

const tokens = { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28, input_tokens: 20, output_tokens: 8 };
const city = (name: string, index = 0) => ({ name: "weather_get", arguments: JSON.stringify({ city: name }), id: `call_${index}` });
const words = "Looms weave cloth from threads that cross.";
const said = { status: "COMPLETE", text: words, supersededBy: null };
const failedStep = { kind: "MODEL", status: "FAILED", attempt: 1 };
const call = (name: string) => ({
  __typename: "ToolCallPart",
  name: "weather.get",
  arguments: { city: name },
  status: "SUCCESS",
  result: { city: name, celsius: 21 },
});

/** What a server with OpenAI's protocol does, request by request, and what the run then shows. */
interface Turn {
  readonly answers: readonly (FixtureResponse & { readonly cut?: true })[];
  readonly run: object;
  readonly messages: readonly object[];
  /** Which agent asks; `plain` by default. */
  readonly agent?: "painter";
  /** What the last request holds. */
  readonly asks?: RegExp;
  /** Milliseconds that lie between the first two requests at least. */
  readonly waits?: number;
}

const turns: Readonly<Record<string, Turn>> = {
  "a text, piece by piece": {
    answers: [{ content: words, usage: tokens }],
    run: { text: words, usage: { inputTokens: 20, outputTokens: 8, totalTokens: 28, modelCalls: 1, estimated: false } },
    messages: [{ ...said, parts: [{ __typename: "TextPart", text: words }] }],
    asks: /Be brief\./,
  },
  "thoughts before the text": {
    answers: [{ reasoning: "Two sets of threads.", content: words, usage: tokens }],
    run: { text: words },
    messages: [
      {
        ...said,
        parts: [
          { __typename: "ReasoningPart", text: "Two sets of threads." },
          { __typename: "TextPart", text: words },
        ],
      },
    ],
  },
  "a tool, and what it answered": {
    answers: [
      { content: "Let me check.", toolCalls: [city("Paris")], usage: tokens },
      { content: words, usage: tokens },
    ],
    run: { text: words, usage: { inputTokens: 40, outputTokens: 16, totalTokens: 56, modelCalls: 2, estimated: false } },
    messages: [{ text: "Let me check.", parts: [{ text: "Let me check." }, call("Paris")] }, said],
    asks: /celsius/,
  },
  "two tools at once": {
    answers: [
      { toolCalls: [city("Paris"), city("Rome", 1)], usage: tokens },
      { content: words, usage: tokens },
    ],
    run: { text: words },
    messages: [{ text: "", parts: [call("Paris"), call("Rome")] }, said],
    asks: /Paris.*Rome/s,
  },
  "data by a schema": {
    agent: "painter",
    answers: [{ content: '{"colour":"red"}', usage: tokens }],
    run: { output: { colour: "red" } },
    messages: [{ status: "COMPLETE", text: '{"colour":"red"}' }],
  },
  "429 with the time to wait": {
    answers: [{ error: { message: "Busy.", type: "rate_limit_error" }, status: 429, retryAfter: 2 }, { content: words }],
    run: { text: words, steps: { nodes: expect.arrayContaining([expect.objectContaining(failedStep)]) } },
    messages: [{ status: "FAILED", text: "", supersededBy: { text: words } }, said],
    waits: 1_990,
  },
  "503 and then an answer": {
    answers: [{ error: { message: "Down.", type: "server_error" }, status: 503 }, { content: words }],
    run: { text: words, steps: { nodes: expect.arrayContaining([expect.objectContaining(failedStep)]) } },
    messages: [{ status: "FAILED", text: "", supersededBy: { text: words } }, said],
    waits: 450,
  },
  "a line that is cut, and then an answer": {
    answers: [{ content: words, cut: true }, { content: words }],
    run: { text: words, steps: { nodes: expect.arrayContaining([expect.objectContaining(failedStep)]) } },
    messages: [{ status: "FAILED", text: expect.stringMatching(/^Looms.*[^.]$/), supersededBy: { text: words } }, said],
    waits: 450,
  },
};

const mock = new LLMock({ port: 0, logLevel: "silent" });
const started = new Map<string, string>();
let app: TestPlatform;

const weather: ToolDefinition = {
  name: "weather.get",
  description: "Tells the weather.",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  sideEffects: "READ",
  approval: "NEVER",
  idempotent: true,
  timeoutMs: 5_000,
  execute: (input: { readonly city: string }) => ({ city: input.city, celsius: 21 }),
};
const sky = definePlugin({ id: "sky", description: "Weather.", contributes: [contribution(tools, weather.name, weather)] });
const colour = {
  type: "object",
  properties: { colour: { type: "string" } },
  required: ["colour"],
  additionalProperties: false,
};

/** How a turn is named to the mock server, over one way. */
const asked = (turn: string, way: Way): string => `Play ${turn} with ${nameOf(way)}`;

/** All turns of all frameworks happen at once on one host: a test then looks at one of them. */
beforeAll(async () => {
  await mock.start();
  keepConnections(mock);
  const bindings = Object.fromEntries(
    apis.map((api) => [api, { baseURL: `${mock.url}/v1`, apiKey: "sk-none", api, defaultModel: "gpt-5-mini" }]),
  );
  app = await testPlatform({
    plugins: [auth(), models({ bindings }), capabilities(), agents(), chat(), sky(), [...frameworks.values()].map((plugin) => plugin())],
  });
  for (const way of ways) {
    const { framework, api } = way;
    const options = { reasoningEffort: "low" };
    const common = { framework, model: `${api}/gpt-5-mini`, instructions: "Be brief.", options };
    await mutate("createAgent", { ...common, name: `plain ${nameOf(way)}`, capabilities: ["weather.get"] }, "agent { id }");
    await mutate("createAgent", { ...common, name: `painter ${nameOf(way)}`, outputSchema: colour }, "agent { id }");
    for (const [name, { answers, agent = "plain" }] of Object.entries(turns)) {
      const text = asked(name, way);
      answers.forEach(({ cut, ...answer }, sequenceIndex) =>
        mock.on({ userMessage: text, sequenceIndex }, answer, {
          chunkSize: 5,
          ...(cut ? { truncateAfterChunks: api === "chat" ? 5 : 9, latency: 5 } : {}),
        }),
      );
      const { thread } = await mutate<{ thread: { id: string } }>(
        "createThread",
        { agent: { name: `${agent} ${nameOf(way)}` } },
        "thread { id }",
      );
      const { run } = await mutate<{ run: { id: string } }>("sendMessage", { thread: thread.id, text }, "run { id }");
      started.set(text, run.id);
    }
  }
}, 60_000);
afterAll(async () => {
  await app.close();
  await mock.stop();
});

async function mutate<Made>(name: string, input: object, selection: string): Promise<Made> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const query = `mutation ($input: ${type}Input!) { result: ${name}(input: $input) { ... on ${type}Payload { ${selection} } ... on UserError { message } } }`;
  const { result } = await app.graphql<{ result: Made & { message?: string } }>(query, { input });
  if (result.message !== undefined) throw new Error(result.message);
  return result;
}

interface Shown {
  readonly status: string;
  readonly thread: { readonly messages: { readonly nodes: readonly { readonly role: string }[] } };
}

const shown = `query ($id: ID!) { run(id: $id) {
  status text output provenance failure { code message } usage { inputTokens outputTokens totalTokens modelCalls estimated }
  steps(first: 50) { nodes { kind status attempt } }
  thread { messages(superseded: true, last: 50) { nodes { role status text provenance supersededBy { text } parts {
    __typename ... on TextPart { text } ... on ReasoningPart { text } ... on ToolCallPart { name arguments status result }
  } } } }
} }`;

async function endOf(id: string | undefined): Promise<Shown> {
  for (;;) {
    const { run } = await app.graphql<{ run: Shown }>(shown, { id });
    if (run.status !== "QUEUED" && run.status !== "RUNNING") return run;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.each(ways.map((way) => [nameOf(way), way] as const))("%s, against a server with OpenAI's protocol", (_, way) => {
  it.each(Object.entries(turns))("%s", async (name, { answers, run, messages, asks, waits = 0 }) => {
    const text = asked(name, way);
    const ended = await endOf(started.get(text));
    expect(ended).toMatchObject({ status: "SUCCEEDED", provenance: "LIVE", failure: null, ...run });
    const replies = ended.thread.messages.nodes.filter(({ role }) => role === "ASSISTANT");
    expect(replies).toMatchObject(messages);
    expect(replies).toHaveLength(messages.length);
    const requests = mock.getRequests().filter(({ body }) => JSON.stringify(body).includes(text));
    expect(requests.map(({ path }) => path)).toEqual(answers.map(() => (way.api === "chat" ? "/v1/chat/completions" : "/v1/responses")));
    if (asks) expect(JSON.stringify(requests.at(-1)?.body)).toMatch(asks);
    expect((requests[1]?.timestamp ?? Infinity) - (requests[0]?.timestamp ?? 0)).toBeGreaterThanOrEqual(waits);
  });
});

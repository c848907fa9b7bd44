import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heardTexts, LiveServer, shows } from "./live.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
let live: LiveServer;
const agents = new Map<string, string>();

beforeAll(async () => {
  await mock.start();
  live = await LiveServer.start(`${mock.url}/v1`);
  for (const api of apis) {
    const capabilities = ["math.evaluate", "message.send"];
    agents.set(
      api,
      await live.agent({ name: `Weaver over ${api}`, instructions: "Be brief.", capabilities, options: { api, temperature: 0.5 } }),
    );
  }
});
afterAll(async () => {
  await live[Symbol.asyncDispose]();
  await mock.stop();
});

const apis = ["chat", "responses"] as const;
const tokens = { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28, input_tokens: 20, output_tokens: 8 };
const say = (api: string, text: string, more: Record<string, unknown> = {}) => live.say(agents.get(api) ?? "", text, more);

/** What the provider was asked for a message, as it came over the wire. */
function requests(text: string) {
  return mock.getRequests().filter(({ body }) => JSON.stringify(body).includes(text));
}

describe("a server with a key", () => {
  it("says that it is live", async () => {
    const { frameworks } = await live.graphql<{ frameworks: { name: string; mode: string; reason: string | null }[] }>(
      "{ frameworks { name mode reason } }",
    );
    expect(frameworks.map(({ mode }) => mode)).toEqual(frameworks.map(() => "LIVE"));
    expect(frameworks).toContainEqual({ name: "openai", mode: "LIVE", reason: null });
    // Which model, and where it is asked.
    expect(live.server.output()).toMatch(new RegExp(`Models +live: openai/gpt-\\S+ at ${mock.url}/v1`));
  });
});

describe.each(apis)("an agent with a key, over %s", (api) => {
  it("answers by the provider, through the real SDK, piece by piece, and all of it is marked LIVE", async () => {
    const answer = "Looms weave cloth from two sets of threads that cross each other.";
    mock.onMessage(`Hello over ${api}`, { content: answer, usage: tokens }, { chunkSize: 6, latency: 15 });
    const { run, events, answers } = await (await say(api, `Hello over ${api}`)).end;
    expect(run).toMatchObject({ status: "SUCCEEDED", provenance: "LIVE", text: answer, failure: null });
    expect(answers).toMatchObject([{ status: "COMPLETE", provenance: "LIVE", text: answer, supersededBy: null }]);
    expect(run.steps.nodes).toMatchObject([{ kind: "MODEL", status: "SUCCEEDED", attempt: 1, provenance: "LIVE" }]);
    expect(events.filter(({ type }) => type === "message.delta").length).toBeGreaterThan(1);
    expect(heardTexts(events)).toEqual({ [answers[0]?.id ?? ""]: answer });

    // gpt-5.4-mini is 0.75 and 4.50 dollars a million tokens.
    const called = { inputTokens: 20, outputTokens: 8, estimated: false, cost: { amount: "0.000051" } };
    expect(run.usage).toMatchObject({ ...called, modelCalls: 1 });
    expect(run.steps.nodes[0]?.usage).toMatchObject(called);

    const [request, ...rest] = requests(`Hello over ${api}`);
    expect(rest).toEqual([]);
    expect(request?.path).toBe(api === "chat" ? "/v1/chat/completions" : "/v1/responses");
    expect(request?.headers).toMatchObject({ "x-stainless-lang": "js", "x-stainless-package-version": expect.any(String) });
    expect(JSON.stringify(request?.body)).toContain("Be brief.");
  });

  it("calls a tool that the model asks for, and goes on from what that answered", async () => {
    const text = `Multiply over ${api}`;
    const toolCalls = [{ name: "math_evaluate", arguments: { expression: "17 * 23" }, id: "call_1" }];
    mock.on({ userMessage: text, hasToolResult: false }, { content: "Let me see.", toolCalls, usage: tokens }, { chunkSize: 4 });
    mock.on({ userMessage: text, hasToolResult: true }, { content: "It is 391.", usage: tokens }, { chunkSize: 4 });
    const { run, events, answers } = await (await say(api, text)).end;
    expect(run).toMatchObject({ status: "SUCCEEDED", provenance: "LIVE", text: "It is 391." });
    expect(answers.map(({ text: said, provenance }) => [said, provenance])).toEqual([
      ["Let me see.", "LIVE"],
      ["It is 391.", "LIVE"],
    ]);
    const call = answers[0]?.parts.find(({ __typename }) => __typename === "ToolCallPart");
    expect(call).toMatchObject({ name: "math.evaluate", status: "SUCCESS", result: { result: 391 } });
    const order = events.map(({ type }) => type).filter((type) => /^tool\.(requested|started|finished)/.test(type));
    expect(order).toEqual(["tool.requested", "tool.started", "tool.finished"]);
    expect(run.usage).toMatchObject({ inputTokens: 40, outputTokens: 16, modelCalls: 2, estimated: false });
    expect(run.steps.nodes.map(({ kind, provenance }) => [kind, provenance])).toEqual([
      ["MODEL", "LIVE"],
      ["TOOL", null],
      ["MODEL", "LIVE"],
    ]);
    expect(JSON.stringify(requests(text)[1]?.body)).toContain("391");
  });

  it("waits for a person before a tool that asks for it, and goes on with the same provider", async () => {
    const text = `Send over ${api}`;
    const mail = { to: "ada@example.com", subject: "Looms", body: "They are ready." };
    const toolCalls = [{ name: "message_send", arguments: mail, id: "call_2" }];
    mock.on({ userMessage: text, hasToolResult: false }, { toolCalls, usage: tokens });
    mock.on({ userMessage: text, hasToolResult: true }, { content: "It is sent.", usage: tokens });
    const sent = await say(api, text);
    const { run: waiting, events } = await sent.end;
    expect(waiting).toMatchObject({ status: "WAITING", provenance: "LIVE" });
    const [interrupt] = waiting.interrupts.nodes;
    const query = `mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { ... on DecideInterruptPayload { interrupt { status } } } }`;
    const input = { interrupt: interrupt?.id, argumentsHash: interrupt?.argumentsHash, kind: "APPROVE" };
    expect(await live.graphql(query, { input })).toEqual({ decideInterrupt: { interrupt: { status: "RESOLVED" } } });
    const { run, answers } = await live.follow(sent.thread, sent.run, events.at(-1)?.seq).end;
    expect(run).toMatchObject({ status: "SUCCEEDED", provenance: "LIVE", text: "It is sent." });
    expect(answers[0]?.parts).toMatchObject([{ __typename: "ToolCallPart", status: "SUCCESS" }]);
    expect(requests(text)).toHaveLength(2);
  });

  it("answers many at once, each its own", async () => {
    mock.onMessage(
      new RegExp(`^Turn \\d+ over ${api}$`),
      (request) => ({ content: `An answer to ${String(request.messages.at(-1)?.content)}.` }),
      { chunkSize: 5 },
    );
    const turns = Array.from({ length: 10 }, (_, n) => `Turn ${n} over ${api}`);
    const ends = await Promise.all(turns.map(async (text) => (await say(api, text)).end));
    expect(ends.map(({ run }) => run.text)).toEqual(turns.map((text) => `An answer to ${text}.`));
  });
});

describe("the key", () => {
  it("turns up nowhere that a client, an operator or a thief of the disk can look", async () => {
    const everything = await live.everything();
    expect(everything.includes("Looms weave cloth")).toBe(true);
    expect(shows(everything)).toBe(false);
  });
});

import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type apis, bindingTo, neutral, only, play, textOf, tool, ways } from "./play.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
const weather = tool("weather.get", ({ city }: { readonly city: string }) => ({ city, celsius: 21 }), {
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
});
const usage = { prompt_tokens: 20, completion_tokens: 8, total_tokens: 28, input_tokens: 20, output_tokens: 8 };

beforeAll(() => mock.start());
afterAll(() => mock.stop());
beforeEach(() => {
  mock.clearFixtures().clearRequests();
});

const bindings = (api: (typeof apis)[number]) => bindingTo(`${mock.url}/v1`, api);

describe.each(ways)("a server with OpenAI's protocol over $api with $framework", (way) => {
  const { framework, api } = way;
  it("is asked with the instructions, the conversation and the tools, and answered from", async () => {
    mock.on(
      { userMessage: "weather", hasToolResult: false },
      { content: "Let me check.", toolCalls: [{ name: "weather_get", arguments: { city: "Paris" }, id: "call_1" }], usage },
      { chunkSize: 3 },
    );
    mock.on({ userMessage: "weather", hasToolResult: true }, { content: "It is 21 °C in Paris.", usage }, { chunkSize: 4 });
    const played = await play({
      framework,
      model: bindings(api),
      say: "How is the weather?",
      instructions: "Be brief.",
      tools: [weather],
      options: { temperature: 0.5 },
    });
    expect(played.error).toBeUndefined();
    expect(textOf(played)).toBe("Let me check.It is 21 °C in Paris.");
    expect(only(played, "tools.called")).toEqual([
      { kind: "tools.called", calls: [{ callId: "call_1", name: "weather.get", arguments: '{"city":"Paris"}' }] },
    ]);
    expect(only(played, "usage.recorded")).toMatchObject([
      { step: "model/1", inputTokens: 20, outputTokens: 8, provider: "test", model: "gpt-test" },
      { step: "model/2", inputTokens: 20, outputTokens: 8 },
    ]);
    expect(only(played, "usage.recorded")[0]?.estimated).toBeUndefined();

    const [first, second] = mock
      .getRequests()
      .map(
        ({ body }) =>
          body as { messages: { role: string; content: unknown }[]; temperature: number; tools: { function: { name: string } }[] },
      );
    expect(first?.temperature).toBe(0.5);
    expect(first?.tools.map(({ function: { name } }) => name)).toEqual(["weather_get"]);
    expect(first?.messages).toMatchObject([
      { role: "system", content: "Be brief." },
      { role: "user", content: "How is the weather?" },
    ]);
    expect(second?.messages.at(-1)).toMatchObject({ role: "tool", content: '{"city":"Paris","celsius":21}' });
  });

  it("streams reasoning, text and two calls in parts of their own", async () => {
    const toolCalls = ["Paris", "Rome"].map((city, index) => ({ name: "weather_get", arguments: { city }, id: `call_${index}` }));
    mock.on(
      { userMessage: "both", hasToolResult: false },
      { reasoning: "Two cities, two calls.", content: "Checking.", toolCalls },
      { chunkSize: 5 },
    );
    mock.on({ userMessage: "both", hasToolResult: true }, { content: "Done." });
    const played = await play({
      framework,
      model: bindingTo(`${mock.url}/v1`, api, { model: "gpt-5-mini" }),
      say: "both",
      tools: [weather],
      options: { reasoningEffort: "low" },
    });
    expect(played.error).toBeUndefined();
    expect(textOf(played, "REASONING")).toBe("Two cities, two calls.");
    const parts = played.heard.flatMap((each) => ("part" in each && each.message === "model/1" ? [`${each.part} ${each.kind}`] : []));
    expect([...new Set(parts)]).toEqual(["0 message.delta", "1 message.delta", "2 tool.requested", "3 tool.requested"]);
    expect(only(played, "tools.called")[0]?.calls.map(({ arguments: args }) => args)).toEqual(['{"city":"Paris"}', '{"city":"Rome"}']);
  });

  it("may use the same id in two answers: the calls stay apart", async () => {
    const again = { toolCalls: [{ name: "weather_get", arguments: { city: "Paris" }, id: "call_same" }] };
    mock.on({ userMessage: "twice", sequenceIndex: 0 }, again);
    mock.on({ userMessage: "twice", sequenceIndex: 1 }, again);
    mock.on({ userMessage: "twice", sequenceIndex: 2 }, { content: "Done." });
    const played = await play({ framework, model: bindings(api), say: "twice", tools: [weather] });
    expect(played.error).toBeUndefined();
    const ids = only(played, "tool.requested").map(({ callId }) => callId);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(2);
    expect(textOf(played)).toBe("Done.");
  });

  it("hands arguments that are not JSON on as they are", async () => {
    mock.on(
      { userMessage: "broken", hasToolResult: false },
      { toolCalls: [{ name: "weather_get", arguments: '{"city": ', id: "call_1" }] },
    );
    mock.on({ userMessage: "broken", hasToolResult: true }, { content: "Sorry." });
    const played = await play({ framework, model: bindings(api), say: "broken", tools: [weather] });
    expect(played.error).toBeUndefined();
    expect(only(played, "tools.called")[0]?.calls[0]?.arguments).toBe('{"city": ');
    expect(textOf(played)).toBe("Sorry.");
  });

  it.each(["extract-page", "extract-nothing"])("may call %s, whatever its name means to a framework", async (name) => {
    mock.on({ userMessage: "extract", hasToolResult: false }, { toolCalls: [{ name, arguments: { city: "Rome" }, id: "call_1" }] });
    mock.on({ userMessage: "extract", hasToolResult: true }, { content: "Done." });
    const page = tool("extract-page", () => ({ page: 1 }));
    const played = await play({ framework, model: bindings(api), say: "extract", tools: [page] });
    expect(played.error).toBeUndefined();
    expect(only(played, "tools.called").map(({ calls }) => calls.map((call) => call.name.replace("_", "-")))).toEqual([[name]]);
    expect(textOf(played)).toBe("Done.");
  });

  it("may call a tool that there is not: the platform says so, and the model goes on", async () => {
    mock.on({ userMessage: "invent", hasToolResult: false }, { toolCalls: [{ name: "made_up", arguments: {}, id: "call_1" }] });
    mock.on({ userMessage: "invent", hasToolResult: true }, { content: "Never mind." });
    const played = await play({ framework, model: bindings(api), say: "invent", tools: [weather] });
    expect(played.error).toBeUndefined();
    expect(only(played, "tools.called")[0]?.calls).toMatchObject([{ name: "made_up" }]);
    expect(mock.getRequests().at(-1)?.body).toMatchObject({
      messages: expect.arrayContaining([expect.objectContaining({ role: "tool", content: 'Error: There is no tool "made_up".' })]),
    });
    expect(textOf(played)).toBe("Never mind.");
  });

  it("keeps fifty turns at once apart", async () => {
    mock.onMessage(/^turn \d+$/, (request) => ({ content: `This is the answer to ${String(request.messages.at(-1)?.content)}.` }), {
      chunkSize: 4,
    });
    const turns = await Promise.all(Array.from({ length: 50 }, (_, n) => play({ framework, model: bindings(api), say: `turn ${n}` })));
    expect(turns.map((turn) => textOf(turn))).toEqual(Array.from({ length: 50 }, (_, n) => `This is the answer to turn ${n}.`));
  });

  it("that refuses first and answers then is asked once a turn", async () => {
    mock.on({ userMessage: "flaky", sequenceIndex: 0 }, { error: { message: "Busy.", type: "server_error" }, status: 503 });
    mock.on({ userMessage: "flaky", sequenceIndex: 1 }, { content: "Here." });
    expect((await play({ framework, model: bindings(api), say: "flaky" })).error).toMatchObject({
      code: "PROVIDER_FAILED",
      retryable: true,
    });
    expect(textOf(await play({ framework, model: bindings(api), say: "flaky" }))).toBe("Here.");
  });

  it("that hangs up in the middle leaves no short answer", async () => {
    mock.onMessage("cut", { content: "A long answer that never comes to its end." }, { chunkSize: 4, latency: 5, truncateAfterChunks: 4 });
    const played = await play({ framework, model: bindings(api), say: "cut" });
    expect(played.error).toMatchObject({ code: "CONNECTION_LOST" });
    expect(only(played, "message.finished")).toEqual([]);
  });
});

describe("both APIs of one server, in all frameworks,", () => {
  it("come to the same", async () => {
    mock.on(
      { userMessage: "weather", hasToolResult: false },
      {
        reasoning: "I need a tool.",
        content: "Let me check.",
        toolCalls: [{ name: "weather_get", arguments: { city: "Paris" }, id: "call_1" }],
        usage,
      },
      { chunkSize: 7 },
    );
    mock.on({ userMessage: "weather", hasToolResult: true }, { content: "21 °C", usage });
    const played = await Promise.all(
      ways.map(({ framework, api }) => play({ framework, model: bindings(api), say: "How is the weather?", tools: [weather] })),
    );
    const [first, ...others] = played;
    expect(first?.error).toBeUndefined();
    for (const other of others) expect(neutral(other)).toEqual(neutral(first!));
  });
});

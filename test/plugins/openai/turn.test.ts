import { describe, expect, it } from "vitest";
import { WeftlineError, type ConversationMessage } from "../../../src/core/index.ts";
import { createSimulatedFetch } from "../../../src/plugins/simulated/wire/fetch.ts";
import { neutral, only, play, runtimes, simulatedBinding, textOf, tool, user, ways } from "./play.ts";

const timeNow = tool("time.now", () => ({ iso: "2026-01-31T12:00:00Z" }));
const send = tool("message.send", () => ({ id: "1" }), {
  inputSchema: { type: "object", properties: { to: { type: "string" }, body: { type: "string" } }, required: ["to", "body"] },
});

describe.each(ways)("a turn over $api with $framework", (way) => {
  const { framework, api } = way;
  it("says step, message, deltas, end of the message, usage, end of the step", async () => {
    const played = await play({ framework, model: simulatedBinding(api), say: "What is the capital of France?" });
    expect(played.error).toBeUndefined();
    expect([...new Set(played.heard.map(({ kind }) => kind))]).toEqual([
      "step.started",
      "message.started",
      "message.delta",
      "message.finished",
      "usage.recorded",
      "step.finished",
    ]);
    expect(only(played, "step.started")).toEqual([{ kind: "step.started", step: "model/1", name: "default", stepKind: "MODEL" }]);
    expect(only(played, "message.finished")).toEqual([{ kind: "message.finished", message: "model/1", status: "COMPLETE" }]);
    expect(only(played, "usage.recorded")[0]).toMatchObject({ step: "model/1", provider: "simulated", model: "default", estimated: true });
    expect(only(played, "step.finished")[0]).toMatchObject({ step: "model/1", status: "SUCCEEDED", output: { finish: "stop" } });
  });

  it("streams deltas that join to the whole answer", async () => {
    const say = "Write 120 words about ünïcode 🎈 rivers";
    const played = await play({ framework, model: simulatedBinding(api), say });
    const fetch = createSimulatedFetch({ tokensPerSecond: 0 });
    const whole = await fetch("http://simulated.invalid/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({ model: "default", messages: [{ role: "user", content: say }] }),
    });
    const { choices } = (await whole.json()) as { choices: { message: { content: string } }[] };
    expect(only(played, "message.delta").length).toBeGreaterThan(0);
    expect(textOf(played)).toBe(choices[0]?.message.content);
  });

  it("notes calls while they are written, makes them under their own names, and tells the model what came of them", async () => {
    const played = await play({ framework, model: simulatedBinding(api), say: "Please use time.now", tools: [send, timeNow] });
    expect(played.error).toBeUndefined();
    const [requested] = only(played, "tool.requested");
    const [called] = only(played, "tools.called");
    expect(requested).toMatchObject({ name: "time.now", message: "model/1", part: 0 });
    expect(called?.calls).toEqual([
      {
        callId: requested?.callId,
        name: "time.now",
        arguments: only(played, "tool.arguments")
          .map(({ delta }) => delta)
          .join(""),
      },
    ]);
    expect(only(played, "step.started").map(({ step }) => step)).toEqual(["model/1", "model/2"]);
    expect(textOf(played)).toContain("2026-01-31T12:00:00Z");
    const kinds = played.heard.map(({ kind }) => kind);
    expect(kinds.indexOf("tools.called")).toBeGreaterThan(kinds.indexOf("step.finished"));
  });

  it("makes several calls of one answer side by side", async () => {
    const played = await play({
      framework,
      model: simulatedBinding(api),
      say: 'Use time.now and then message.send to "ada@example.com"',
      tools: [timeNow, send],
      options: { parallelToolCalls: true },
    });
    expect(only(played, "tools.called").map(({ calls }) => calls.map(({ name }) => name))).toEqual([["time.now", "message.send"]]);
    expect(only(played, "tool.requested").map(({ part }) => part)).toEqual([0, 1]);
  });

  it("makes the calls that a broken turn left before it asks the model, and counts on", async () => {
    const messages: ConversationMessage[] = [
      user("Please use time.now and message.send"),
      {
        role: "ASSISTANT",
        text: "",
        toolCalls: [
          { callId: "call_a", name: "time.now", arguments: {}, outcome: { status: "SUCCESS", result: { iso: "2026-01-31T09:00:00Z" } } },
          { callId: "call_b", name: "message.send", arguments: { to: "ada", body: "hi" } },
        ],
      },
    ];
    const played = await play({ framework, model: simulatedBinding(api), messages, tools: [timeNow, send] });
    expect(played.error).toBeUndefined();
    expect(played.heard[0]).toEqual({
      kind: "tools.called",
      calls: [{ callId: "call_b", name: "message.send", arguments: { to: "ada", body: "hi" } }],
    });
    expect(only(played, "tools.called")).toHaveLength(1);
    expect(only(played, "step.started").map(({ step }) => step)).toEqual(["model/2"]);
    expect(textOf(played)).toContain("2026-01-31T09:00:00Z");
  });

  it("says nothing more where this run had answered before its process was lost, and answers where another run had", async () => {
    const answered = (runId: string): ConversationMessage[] => [
      user("Hello"),
      { role: "ASSISTANT", text: "Hello too.", toolCalls: [], runId },
    ];
    expect(await play({ framework, model: simulatedBinding(api), messages: answered("run") })).toMatchObject({
      heard: [],
      error: undefined,
    });
    expect(textOf(await play({ framework, model: simulatedBinding(api), messages: answered("earlier") }))).not.toBe("");
  });

  it("lets a suspension pass and asks the model nothing more", async () => {
    const suspended = new WeftlineError("RUN_SUSPENDED");
    const played = await play({
      framework,
      model: simulatedBinding(api),
      say: "Please use message.send",
      tools: [send],
      callTools: () => Promise.reject(suspended),
    });
    expect(played.error).toBe(suspended);
    expect(played.heard.at(-1)?.kind).toBe("tools.called");
    expect(only(played, "step.started")).toHaveLength(1);
    expect(only(played, "step.finished")).toHaveLength(1);
  });

  it("tells the model of a denied call and goes on", async () => {
    const played = await play({
      framework,
      model: simulatedBinding(api),
      say: "Please use message.send",
      tools: [send],
      callTools: async (calls) => calls.map(() => ({ status: "DENIED" as const, error: "Ada said no." })),
    });
    expect(played.error).toBeUndefined();
    expect(textOf(played)).toContain("Ada said no.");
  });

  it.each([
    { name: "the agent's", options: { maxSteps: 1 }, maxSteps: 50 },
    { name: "the run's", options: {}, maxSteps: 1 },
  ])("stops at $name limit of model calls before tools run for nothing", async ({ options, maxSteps }) => {
    const played = await play({ framework, model: simulatedBinding(api), say: "Please use time.now", tools: [timeNow], options, maxSteps });
    expect(played.error).toMatchObject({ code: "RUN_LIMIT", message: "The run reached its limit of 1 model calls." });
    expect(only(played, "tools.called")).toEqual([]);
    expect(only(played, "step.finished")).toHaveLength(1);
  });

  it("answers by a schema", async () => {
    const outputSchema = {
      type: "object",
      properties: { city: { type: "string" }, size: { type: "integer" } },
      required: ["city", "size"],
      additionalProperties: false,
    };
    const played = await play({ framework, model: simulatedBinding(api), say: "What is the capital of France?", outputSchema });
    expect(JSON.parse(textOf(played))).toEqual({ city: expect.any(String), size: expect.any(Number) });
  });

  it("shows reasoning as a part of its own before the text", async () => {
    const played = await play({ framework, model: simulatedBinding(api), options: { reasoningEffort: "low" } });
    expect(textOf(played, "REASONING")).not.toBe("");
    expect([...new Set(only(played, "message.delta").map(({ part, channel }) => `${part} ${channel}`))]).toEqual(["0 REASONING", "1 TEXT"]);
    expect(only(played, "usage.recorded")[0]?.reasoningTokens).toBeGreaterThan(0);
  });

  it("ends a text that was cut at the token limit as it stands, and says so", async () => {
    const played = await play({
      framework,
      model: simulatedBinding(api),
      say: "Write 200 words about rivers",
      options: { maxOutputTokens: 10 },
    });
    expect(played.error).toBeUndefined();
    expect(textOf(played).length).toBeGreaterThan(10);
    expect(only(played, "step.finished")[0]).toMatchObject({ output: { finish: "length" } });
  });

  it("refuses a turn without any message", async () => {
    const played = await play({ framework, model: simulatedBinding(api), messages: [] });
    expect(played.error).toMatchObject({ code: "INVALID_INPUT" });
    expect(played.heard).toEqual([]);
  });

  it("throws the reason of an abort in the middle of an answer", async () => {
    const abort = new AbortController();
    const reason = new WeftlineError("RUN_CANCELLED");
    let deltas = 0;
    const played = await play({
      framework,
      model: simulatedBinding(api, 100),
      say: "Write 2000 words about rivers",
      signal: abort.signal,
      onHeard: ({ kind }) => {
        if (kind === "message.delta" && ++deltas === 3) abort.abort(reason);
      },
    });
    expect(played.error).toBe(reason);
    expect(only(played, "message.finished")).toEqual([]);
  });

  it("starts nothing when it is aborted already", async () => {
    const reason = new WeftlineError("RUN_CANCELLED");
    const played = await play({ framework, model: simulatedBinding(api), signal: AbortSignal.abort(reason) });
    expect(played.error).toBe(reason);
    expect(only(played, "message.delta")).toEqual([]);
  });
});

describe("both APIs and all frameworks", () => {
  it.each([
    { what: "text", say: "Write 60 words about rivers", options: {} },
    {
      what: "reasoning and tools",
      say: 'Use time.now and then message.send to "ada@example.com"',
      options: { reasoningEffort: "high" as const },
    },
  ])("come to the same for $what", async ({ say, options }) => {
    const played = await Promise.all(
      ways.map(({ framework, api }) => play({ framework, model: simulatedBinding(api), say, options, tools: [timeNow, send] })),
    );
    const [first, ...others] = played.map((each) => neutral(each).filter((event) => (event as { kind: string }).kind !== "usage.recorded"));
    expect(played.map(({ error }) => error)).toEqual(ways.map(() => undefined));
    expect(first?.length).toBeGreaterThan(4);
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(Object.keys(runtimes))("can be chosen by the agent against the binding: %s", async (framework) => {
    const paths: string[] = [];
    const model = simulatedBinding("responses");
    const fetch: typeof globalThis.fetch = (input, init) => {
      paths.push(new URL(String(input)).pathname);
      return (model.fetch ?? globalThis.fetch)(input, init);
    };
    await play({ framework, model: { ...model, fetch }, options: { api: "chat" } });
    await play({ framework, model: { ...model, fetch } });
    expect(paths).toEqual(["/v1/chat/completions", "/v1/responses"]);
  });
});

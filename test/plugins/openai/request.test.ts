import { describe, expect, it } from "vitest";
import type { ConversationMessage } from "../../../src/core/index.ts";
import type { ModelCall } from "../../../src/plugins/openai/model-call.ts";
import { openaiOptions, openaiOptionsSchema } from "../../../src/plugins/openai/options.ts";
import { buildRequest } from "../../../src/plugins/openai/request.ts";
import { allowsStrict } from "../../../src/plugins/openai/schemas/strict-schema.ts";
import { createToolNames } from "../../../src/plugins/openai/tool-names.ts";
import { tool, user } from "./play.ts";

const weather = tool("weather.get", () => null);
const conversation: readonly ConversationMessage[] = [
  { role: "SYSTEM", parts: [{ type: "text", text: "Today is Monday." }] },
  {
    role: "USER",
    parts: [
      { type: "text", text: "Look:" },
      { type: "data", name: "cities", data: ["Paris"] },
    ],
  },
  {
    role: "ASSISTANT",
    text: "One moment.",
    toolCalls: [
      { callId: "c1", name: "weather.get", arguments: { city: "Paris" }, outcome: { status: "SUCCESS", result: { celsius: 21 } } },
      { callId: "c2", name: "weather.get", arguments: '{"city":', outcome: { status: "ERROR", error: "The arguments are not JSON." } },
      { callId: "c3", name: "old.tool", arguments: null, outcome: { status: "DENIED", error: "No." } },
      { callId: "c4", name: "weather.get", arguments: "" },
    ],
  },
  { role: "ASSISTANT", text: "It is warm.", toolCalls: [] },
  user("Thanks"),
];

function call(api: "responses" | "chat", rest: Partial<ModelCall> = {}): ModelCall {
  return {
    model: { id: "test", model: "gpt-test", baseURL: "https://api.openai.com/v1", api },
    instructions: "Be brief.",
    options: openaiOptions.parse({}),
    messages: conversation,
    tools: [weather],
    names: createToolNames(["weather.get"]),
    outputSchema: undefined,
    files: new Map(),
    ...rest,
  };
}

describe("a request to the Responses API", () => {
  it("holds the conversation, with an output for every call", () => {
    const { body } = buildRequest(call("responses"));
    expect(body).toMatchObject({ model: "gpt-test", instructions: "Be brief.", stream: true, store: false });
    expect((body as { input: unknown }).input).toEqual([
      { role: "system", content: "Today is Monday." },
      { role: "user", content: 'Look:\n\ncities:\n["Paris"]' },
      { role: "assistant", content: "One moment." },
      { type: "function_call", call_id: "c1", name: "weather_get", arguments: '{"city":"Paris"}' },
      { type: "function_call", call_id: "c2", name: "weather_get", arguments: '{"invalid":"{\\"city\\":"}' },
      { type: "function_call", call_id: "c3", name: "old_tool", arguments: "{}" },
      { type: "function_call", call_id: "c4", name: "weather_get", arguments: "{}" },
      { type: "function_call_output", call_id: "c1", output: '{"celsius":21}' },
      { type: "function_call_output", call_id: "c2", output: "Error: The arguments are not JSON." },
      { type: "function_call_output", call_id: "c3", output: "Denied: No." },
      { type: "function_call_output", call_id: "c4", output: "Error: the call was not made." },
      { role: "assistant", content: "It is warm." },
      { role: "user", content: "Thanks" },
    ]);
  });

  it("sends back what the provider wrote as it came", () => {
    const items = [{ type: "reasoning" as const, id: "rs_1", summary: [], encrypted_content: "x" }];
    const native = { model: "test/gpt-test", data: { api: "responses", items } };
    const message = { ...conversation[3], native } as ConversationMessage;
    const { body } = buildRequest(call("responses", { messages: [message] }));
    expect((body as { input: unknown }).input).toEqual(items);
  });

  it("sends every option that is set, and none that is not", () => {
    const options = openaiOptions.parse({
      temperature: 0.1,
      topP: 0.9,
      maxOutputTokens: 100,
      parallelToolCalls: false,
      reasoningEffort: "high",
    });
    expect(buildRequest(call("responses", { options })).body).toMatchObject({
      temperature: 0.1,
      top_p: 0.9,
      max_output_tokens: 100,
      parallel_tool_calls: false,
      reasoning: { effort: "high", summary: "auto" },
    });
    const bare = buildRequest(
      call("responses", { tools: [], instructions: undefined, options: openaiOptions.parse({ parallelToolCalls: false }) }),
    ).body;
    expect(Object.keys(bare).toSorted()).toEqual(["input", "model", "store", "stream"]);
  });

  it("asks for an answer by a schema, strictly only where the schema allows it", () => {
    const strict = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
    const loose = { type: "object", properties: { a: { type: "string" } } };
    const format = (outputSchema: Record<string, unknown>) =>
      (buildRequest(call("responses", { outputSchema })).body as { text: { format: unknown } }).text.format;
    expect(format(strict)).toEqual({ type: "json_schema", name: "answer", schema: strict, strict: true });
    expect(format(loose)).toMatchObject({ strict: false });
  });
});

describe("a request to Chat Completions", () => {
  it("holds the conversation, with a tool message for every call", () => {
    const { body } = buildRequest(call("chat"));
    expect(body).toMatchObject({ model: "gpt-test", stream: true, stream_options: { include_usage: true } });
    const { messages } = body as { messages: { role: string; content: unknown; tool_calls?: unknown[]; tool_call_id?: string }[] };
    expect(messages.map(({ role }) => role)).toEqual([
      "system",
      "system",
      "user",
      "assistant",
      "tool",
      "tool",
      "tool",
      "tool",
      "assistant",
      "user",
    ]);
    expect(messages[3]?.tool_calls?.[0]).toEqual({
      id: "c1",
      type: "function",
      function: { name: "weather_get", arguments: '{"city":"Paris"}' },
    });
    expect(messages[4]).toEqual({ role: "tool", tool_call_id: "c1", content: '{"celsius":21}' });
  });

  it("names the token limit as the server knows it", () => {
    const options = openaiOptions.parse({ maxOutputTokens: 100 });
    expect(buildRequest(call("chat", { options })).body).toMatchObject({ max_completion_tokens: 100 });
    const elsewhere = { id: "local", model: "llama", baseURL: "http://127.0.0.1:11434/v1", api: "chat" as const };
    const body = buildRequest(call("chat", { options, model: elsewhere })).body;
    expect(body).toMatchObject({ max_tokens: 100 });
    expect(body).not.toHaveProperty("max_completion_tokens");
  });

  it("asks for an answer by a schema", () => {
    const outputSchema = { type: "object", properties: {} };
    expect(buildRequest(call("chat", { outputSchema })).body).toMatchObject({
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: outputSchema, strict: false } },
    });
  });
});

describe("names of tools on the wire", () => {
  it("come back as they were", () => {
    const names = createToolNames(["time.now", "math.evaluate"]);
    expect(names.toWire("time.now")).toBe("time_now");
    expect(names.fromWire("time_now")).toBe("time.now");
    expect(names.fromWire("made_up")).toBe("made_up");
  });

  it("stay apart where two would be the same, and within 64 characters", () => {
    const long = "x".repeat(70);
    const all = ["a.b", "a_b", "a b", long, `${long}y`];
    const names = createToolNames(all);
    const wires = all.map((name) => names.toWire(name));
    expect(wires.slice(0, 3)).toEqual(["a_b", "a_b_2", "a_b_3"]);
    expect(new Set(wires).size).toBe(all.length);
    expect(wires.every((wire) => /^[A-Za-z0-9_-]{1,64}$/.test(wire))).toBe(true);
    expect(wires.map((wire) => names.fromWire(wire))).toEqual(all);
  });

  it("of tools at hand are not changed by those of the past", () => {
    const names = createToolNames(["a_b"]);
    expect(names.toWire("a.b")).toBe("a_b_2");
    expect(names.fromWire("a_b")).toBe("a_b");
  });
});

describe("strict mode", () => {
  const closed = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };
  it.each([
    { allowed: true, what: "closed objects all the way down", schema: { ...closed, properties: { a: { type: "array", items: closed } } } },
    { allowed: false, what: "an optional property", schema: { ...closed, required: [] } },
    { allowed: false, what: "an open object", schema: { ...closed, additionalProperties: true } },
    { allowed: false, what: "an open object below", schema: { ...closed, properties: { a: { type: "object", properties: {} } } } },
    { allowed: false, what: "a keyword that it does not know", schema: { ...closed, allOf: [] } },
    { allowed: false, what: "an answer that is no object", schema: { type: "array", items: closed } },
  ])("takes $what: $allowed", ({ schema, allowed }) => {
    expect(allowsStrict(schema)).toBe(allowed);
  });
});

describe("options", () => {
  it("refuse what nobody knows", () => {
    expect(openaiOptions.safeParse({ temprature: 1 }).success).toBe(false);
    expect(openaiOptions.parse({})).toEqual({ maxSteps: 16 });
  });

  it("stand as a JSON Schema with words for each", () => {
    const properties = openaiOptionsSchema["properties"] as Record<string, { description?: string }>;
    expect(Object.keys(properties)).toEqual(Object.keys(openaiOptions.shape));
    expect(Object.values(properties).every(({ description }) => description)).toBe(true);
  });
});

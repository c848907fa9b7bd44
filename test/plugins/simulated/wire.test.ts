import { Ajv } from "ajv";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createSimulatedFetch } from "../../../src/plugins/simulated/wire/fetch.ts";

const base = "http://simulated.invalid/v1";
const fast = createSimulatedFetch({ tokensPerSecond: 0 });
const client = new OpenAI({ apiKey: "simulated", baseURL: base, fetch: fast, maxRetries: 0 });
const model = "simulated";

const parameters = { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] };
const time = { type: "object", properties: { timezone: { type: "string" } } };
const chatTools = [
  { type: "function" as const, function: { name: "time_now", parameters: time } },
  { type: "function" as const, function: { name: "calculator", parameters } },
];
const flatTools = chatTools.map(({ function: fn }) => ({ type: "function" as const, strict: false, ...fn }));

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fast(`${base}/${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  });
}

async function collected<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe("Chat Completions", () => {
  it("answers without a stream, marked as simulated, with usage", async () => {
    const { data, response } = await client.chat.completions
      .create({ model, messages: [{ role: "user", content: "What is the capital of France?" }] })
      .withResponse();
    expect(response.headers.get("x-simulated")).toBe("1");
    expect(data.choices[0]?.message.content).toMatch(/^\[simulated\] .*What is the capital of France\?/);
    expect(data.choices[0]?.finish_reason).toBe("stop");
    expect(data.usage?.total_tokens).toBe((data.usage?.prompt_tokens ?? 0) + (data.usage?.completion_tokens ?? 0));
    expect(data.usage?.completion_tokens).toBeGreaterThan(5);
  });

  it("streams deltas whose sum is the text of the answer without a stream", async () => {
    const request = { model, messages: [{ role: "user" as const, content: "Write 120 words about ünïcode 🎈 rivers" }] };
    const whole = await client.chat.completions.create(request);
    const stream = client.chat.completions.stream(request);
    const deltas: string[] = [];
    stream.on("content", (delta) => deltas.push(delta));
    const final = await stream.finalChatCompletion();
    expect(deltas.length).toBeGreaterThan(100);
    expect(deltas.join("")).toBe(final.choices[0]?.message.content);
    expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  });

  it("sends the role first, the finish reason last, and then usage in a chunk without choices", async () => {
    const stream = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Hello" }],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collected(stream);
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: "assistant", content: "" });
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: "stop" });
    expect(chunks.at(-1)?.choices).toEqual([]);
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
  });

  it("sends no usage that was not asked for and ends with [DONE]", async () => {
    const text = await (await post("chat/completions", { model, stream: true, messages: [{ role: "user", content: "Hello" }] })).text();
    expect(text).not.toContain("usage");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
  });

  it("calls the tools that the message names in parallel, in fragments, and reports their results", async () => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: "user", content: "Use calculator for (2+3)*4 and tell me time.now, please." },
    ];
    const stream = client.chat.completions.stream({ model, messages, tools: chatTools });
    const fragments: string[] = [];
    stream.on("chunk", (chunk) => {
      for (const call of chunk.choices[0]?.delta.tool_calls ?? []) if (call.index === 0) fragments.push(call.function?.arguments ?? "");
    });
    const { choices } = await stream.finalChatCompletion();
    const calls = choices[0]?.message.tool_calls ?? [];
    expect(choices[0]).toMatchObject({ finish_reason: "tool_calls", message: { content: null } });
    expect(calls.map((call) => call.type === "function" && call.function.name)).toEqual(["calculator", "time_now"]);
    expect(fragments.length).toBeGreaterThan(2);
    expect(JSON.parse(fragments.join(""))).toEqual({ expression: "(2+3)*4" });
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);

    const outputs = ["20", JSON.stringify({ error: "no clock here" })];
    const results = calls.map((call, index) => ({ role: "tool" as const, tool_call_id: call.id, content: outputs[index] ?? "" }));
    const again = await client.chat.completions.create({
      model,
      messages: [...messages, { role: "assistant", tool_calls: calls }, ...results],
      tools: chatTools,
    });
    expect(again.choices[0]?.message.content).toBe(
      "[simulated] The tools came back.\n- calculator answered: 20.\n- time.now failed: no clock here.",
    );
  });

  it("obeys tool_choice and parallel_tool_calls", async () => {
    const request = { model, messages: [{ role: "user" as const, content: "calculator 1+1 and time_now" }], tools: chatTools };
    const names = async (extra: object): Promise<readonly unknown[]> =>
      ((await client.chat.completions.create({ ...request, ...extra })).choices[0]?.message.tool_calls ?? []).map(
        (call) => call.type === "function" && call.function.name,
      );
    expect(await names({ parallel_tool_calls: false })).toEqual(["calculator"]);
    expect(await names({ tool_choice: "none" })).toEqual([]);
    expect(await names({ tool_choice: { type: "function", function: { name: "time_now" } } })).toEqual(["time_now"]);
    expect(await names({ tool_choice: "required", messages: [{ role: "user", content: "Hi" }] })).toEqual(["time_now"]);
  });

  it("cuts the text at the token limit and says so", async () => {
    const { choices, usage } = await client.chat.completions.create({
      model,
      messages: [{ role: "user", content: "Write 200 words about rain" }],
      max_completion_tokens: 20,
    });
    expect(choices[0]?.finish_reason).toBe("length");
    expect(usage?.completion_tokens).toBe(20);
  });

  it("fills a response format with JSON that the SDK parses", async () => {
    const schema = z.object({
      answer: z.string(),
      score: z.number().min(2).max(5),
      kind: z.enum(["a", "b"]),
      tags: z.array(z.string()).min(1),
    });
    const { choices } = await client.chat.completions.parse({
      model,
      messages: [{ role: "user", content: "Judge this" }],
      response_format: zodResponseFormat(schema, "judgement"),
    });
    expect(choices[0]?.message.parsed?.answer).toMatch(/^\[simulated\]/);
    expect(choices[0]?.message.parsed).toMatchObject({ score: 2, kind: "a" });
  });
});

describe("Responses", () => {
  it("streams the events in OpenAI's order, numbered, with deltas whose sum is the text", async () => {
    const stream = await client.responses.create({ model, input: "Write 60 words about hills", stream: true });
    const events = await collected(stream);
    const types = events.map((event) => event.type);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const text = events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("");
    const last = events.at(-1);
    const whole = await client.responses.create({ model, input: "Write 60 words about hills" });
    expect(last?.type === "response.completed" && last.response.output[0]).toMatchObject({ content: [{ text }] });
    expect(whole.output_text).toBe(text);
    expect(whole.usage).toEqual(last?.type === "response.completed" && last.response.usage);
    expect(whole.usage?.total_tokens).toBe((whole.usage?.input_tokens ?? 0) + (whole.usage?.output_tokens ?? 0));
  });

  it("runs a round of parallel tool calls through the SDK's own accumulator", async () => {
    const input: OpenAI.Responses.ResponseInputItem[] = [{ role: "user", content: "calculator 2+2 and time_now, then answer" }];
    const first = await client.responses.stream({ model, input, tools: flatTools }).finalResponse();
    const calls = first.output.flatMap((item) => (item.type === "function_call" ? [item] : []));
    expect(calls.map((call) => [call.name, call.arguments])).toEqual([
      ["calculator", '{"expression":"2+2"}'],
      ["time_now", "{}"],
    ]);
    const outputs = calls.map((call) => ({
      type: "function_call_output" as const,
      call_id: call.call_id,
      output: call.name === "calculator" ? "4" : "The call was denied by Ann.",
    }));
    const made = calls.map(({ call_id, name, arguments: json }) => ({ type: "function_call" as const, call_id, name, arguments: json }));
    const second = await client.responses.create({ model, input: [...input, ...made, ...outputs], tools: flatTools });
    expect(second.output_text).toContain("calculator answered: 4.");
    expect(second.output_text).toContain("time_now was denied: The call was denied by Ann.");
  });

  it("shows a reasoning summary to those who ask for one", async () => {
    const response = await client.responses.stream({ model, input: "Why?", reasoning: { summary: "auto" } }).finalResponse();
    expect(response.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
    expect(response.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  it("ends as incomplete at the token limit", async () => {
    const response = await client.responses.stream({ model, input: "Write 200 words about snow", max_output_tokens: 16 }).finalResponse();
    expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
  });

  it("fills a text format with JSON that the SDK parses and ajv accepts", async () => {
    const schema = z.object({
      title: z.string().max(12),
      when: z.iso.datetime(),
      parts: z.array(z.object({ n: z.int().positive() })).length(2),
    });
    const format = zodTextFormat(schema, "plan");
    const response = await client.responses.parse({ model, input: "Plan it", text: { format } });
    expect(schema.safeParse(response.output_parsed).error).toBeUndefined();
    expect(new Ajv({ strict: false, validateFormats: false }).validate(format.schema, JSON.parse(response.output_text))).toBe(true);
  });
});

describe("the rest of the API", () => {
  it("lists its models", async () => {
    const many = createSimulatedFetch({ models: ["simulated", "simulated-large"] });
    const models = await new OpenAI({ apiKey: "simulated", baseURL: base, fetch: many }).models.list();
    expect(models.data.map((one) => one.id)).toEqual(["simulated", "simulated-large"]);
  });

  it("refuses unknown routes with 404 and OpenAI's error shape", async () => {
    const response = await post("embeddings", { model, input: "x" });
    expect(response.status).toBe(404);
    expect(response.headers.get("x-simulated")).toBe("1");
    expect(await response.json()).toEqual({
      error: { message: "Invalid URL (POST /v1/embeddings)", type: "invalid_request_error", param: null, code: null },
    });
    expect((await fast(`${base}/chat/completions`)).status).toBe(404);
  });

  it.each([
    ["text that is not JSON", "{", null],
    ["no messages", { model }, "messages"],
    ["no model", { messages: [{ role: "user", content: "Hi" }] }, "model"],
    ["an unknown role", { model, messages: [{ role: "robot", content: "Hi" }] }, "messages[0].role"],
    ["a tool result without a call", { model, messages: [{ role: "tool", tool_call_id: "x", content: "1" }] }, "messages[0].role"],
    [
      "a call without its result",
      { model, messages: [{ role: "assistant", tool_calls: [{ id: "x", function: { name: "a", arguments: "{}" } }] }] },
      "messages[1].role",
    ],
    [
      "a choice of a tool that is not offered",
      { model, messages: [{ role: "user", content: "Hi" }], tool_choice: "required" },
      "tool_choice",
    ],
  ])("refuses %s with 400", async (_, body, param) => {
    const response = await post("chat/completions", body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String), type: "invalid_request_error", param } });
  });

  it.each([
    ["a previous response, since nothing is kept", { previous_response_id: "resp_1" }],
    ["a call without its output", { input: [{ type: "function_call", call_id: "c", name: "a", arguments: "{}" }] }],
    ["an output without its call", { input: [{ type: "function_call_output", call_id: "c", output: "1" }] }],
    ["no input", { input: undefined }],
  ])("refuses %s on the Responses API", async (_, extra) => {
    const failed = client.responses.create({ model, input: "Hi", ...extra } as OpenAI.Responses.ResponseCreateParamsNonStreaming);
    await expect(failed).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it.each(["chat/completions", "responses"])("answers the same request of %s with the same bytes", async (path) => {
    const body = { model, stream: true, messages: [{ role: "user", content: "Tell me a long story" }], input: "Tell me a long story" };
    const bytes = async (): Promise<string> =>
      (await createSimulatedFetch({ tokensPerSecond: 0 })(`${base}/${path}`, { method: "POST", body: JSON.stringify(body) })).text();
    const first = await bytes();
    expect(await bytes()).toBe(first);
    expect(first.length).toBeGreaterThan(10_000);
  });

  it("takes a Request object as fetch does", async () => {
    const request = new Request(`${base}/responses`, { method: "POST", body: JSON.stringify({ model, input: "Hello" }) });
    expect(await (await fast(request)).json()).toMatchObject({ object: "response", status: "completed" });
  });
});

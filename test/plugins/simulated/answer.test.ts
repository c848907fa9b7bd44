import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerTo } from "../../../src/plugins/simulated/answer.ts";
import type { JsonSchema, SimulatedRequest } from "../../../src/plugins/simulated/request.ts";
import { argumentPieces, estimateTokens, textPieces } from "../../../src/plugins/simulated/tokens.ts";

function asking(text: string, extra: Partial<SimulatedRequest> = {}): SimulatedRequest {
  const turns = [{ role: "user" as const, text }];
  return {
    model: "simulated",
    turns,
    tools: [],
    toolChoice: { mode: "auto" },
    mostCalls: Infinity,
    format: { kind: "text" },
    reasons: false,
    ...extra,
  };
}

function argumentsOf(message: string, name: string, properties: JsonSchema, required = Object.keys(properties)): unknown {
  const call = answerTo(asking(message, { tools: [{ name, parameters: { type: "object", properties, required } }] })).toolCalls[0];
  return call && JSON.parse(call.arguments);
}

const words = (text: string): number => text.replace("[simulated] ", "").split(/\s+/).length;

describe("the text", () => {
  it.each([
    ["Write 500 words about rivers", 500],
    ["Give me a 1,200-word essay on wind", 1200],
    ["about 2k words please", 2000],
    ["Use 800 tokens", 800],
    ["Write 4 paragraphs on salt", 300],
    ["Write three paragraphs of 50 words each", 150],
    ["Explain tides in detail", 400],
    ["Tell me a long story", 400],
  ])("of %j has about %i words", (message, expected) => {
    const { text } = answerTo(asking(message));
    expect(text.startsWith("[simulated] ")).toBe(true);
    expect(Math.abs(words(text) - expected)).toBeLessThanOrEqual(12);
  });

  it("has as many paragraphs as are asked for, and varies", () => {
    const { text } = answerTo(asking("Write 6 paragraphs about clay"));
    const sentences = text.split(/(?<=\.)\s+/);
    expect(text.split("\n\n")).toHaveLength(6);
    expect(new Set(sentences).size).toBe(sentences.length);
  });

  it.each(["Write 900000 words about everything", "Write 5000 paragraphs about everything"])(
    "never exceeds 20,000 words: %s",
    (message) => {
      const { text } = answerTo(asking(message));
      expect(words(text)).toBeGreaterThan(19_900);
      expect(words(text)).toBeLessThanOrEqual(20_000);
    },
  );

  it.each(["How long is the Nile?", "What is 2 + 2?", "Hi there", "It rained all day long."])("stays short for %j", (message) => {
    expect(words(answerTo(asking(message)).text)).toBeLessThan(60);
  });

  it("answers a conversation without a user message", () => {
    expect(answerTo(asking("", { turns: [{ role: "system", text: "You are a poet." }] })).text).toMatch(
      /^\[simulated\] Speaking as a poet: /,
    );
  });
});

describe("tools", () => {
  it.each([
    ["Ask time.now.", true],
    ["`time_now`!", true],
    ["TIME-NOW", true],
    ["time.now.utc", false],
    ["my.time.now", false],
    ["time.nowhere", false],
    ["what is the time now", false],
  ])("named in %j: %s", (message, called) => {
    expect(answerTo(asking(message, { tools: [{ name: "time_now", parameters: {} }] })).toolCalls).toHaveLength(called ? 1 : 0);
  });

  it("take the values that the message holds", () => {
    expect(argumentsOf("calculator: what is 12 × (3 - 1)?", "calculator", { expression: { type: "string" } })).toEqual({
      expression: "12 * (3 - 1)",
    });
    expect(
      argumentsOf('Let mail.send reach ann@example.org with "Hello Ann"', "mail_send", {
        email: { type: "string" },
        body: { type: "string" },
      }),
    ).toEqual({
      email: "ann@example.org",
      body: "Hello Ann",
    });
    expect(argumentsOf("dice with 3 dice of 20 sides", "dice", { count: { type: "integer" }, sides: { type: "integer" } })).toEqual({
      count: 3,
      sides: 20,
    });
    expect(
      argumentsOf(
        "weather, city: Berlin, unit: celsius",
        "weather",
        { city: { type: "string" }, unit: { enum: ["kelvin", "celsius"] } },
        [],
      ),
    ).toEqual({ city: "Berlin", unit: "celsius" });
    expect(argumentsOf("Please use memory.search to find the old notes.", "memory_search", { query: { type: "string" } })).toEqual({
      query: "find the old notes",
    });
  });

  it("fall back on the schema, and then on a plain value", () => {
    const properties = {
      a: { type: "string", default: "x" },
      b: { enum: ["p", "q"] },
      c: { const: 7 },
      d: { type: "boolean" },
      e: { type: "number", minimum: 4 },
      f: { type: "array", items: {} },
    };
    expect(argumentsOf("Go, probe", "probe", properties)).toEqual({ a: "x", b: "p", c: 7, d: false, e: 4, f: [] });
    expect(argumentsOf("Go, probe", "probe", { expression: { type: "string" }, name: { type: "string" } })).toEqual({
      expression: "1 + 1",
      name: "example",
    });
  });

  it("take a JSON object of the message verbatim", () => {
    const tools = [{ name: "probe", parameters: {} }];
    expect(answerTo(asking('probe { "a" : {"b": "}"} } now', { tools })).toolCalls).toEqual([
      { name: "probe", arguments: '{ "a" : {"b": "}"} }' },
    ]);
  });

  it("are not called again after their result, but after the next user message", () => {
    const tools = [{ name: "time_now", parameters: {} }];
    const calls = [{ id: "c1", name: "time_now", arguments: "{}" }];
    const turns = [
      { role: "user" as const, text: "time.now" },
      { role: "assistant" as const, text: "", calls },
      { role: "tool" as const, callId: "c1", text: "noon" },
    ];
    expect(answerTo(asking("", { tools, turns })).text).toBe("[simulated] time.now answered: noon.");
    expect(answerTo(asking("", { tools, turns: [...turns, { role: "user", text: "time.now again" }] })).toolCalls).toHaveLength(1);
  });

  it.each([
    ["Error: disk full", "failed"],
    ['{"status":"denied","reason":"Not today"}', "was denied: Not today."],
    ['{"error":{"message":"It broke"}}', "failed: It broke."],
    ['{"error":null,"value":1}', "answered"],
    ["The errors are rare", "answered"],
  ])("report %j as what it is", (result, said) => {
    const turns = [
      { role: "user" as const, text: "x" },
      { role: "assistant" as const, text: "", calls: [{ id: "c", name: "t", arguments: "{}" }] },
      { role: "tool" as const, callId: "c", text: result },
    ];
    expect(answerTo(asking("", { turns })).text).toContain(`t ${said}`);
  });
});

describe("JSON answers", () => {
  const node = {
    type: "object",
    properties: { value: { type: "integer" }, next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] } },
    required: ["value", "next"],
  };
  it.each<[string, JsonSchema]>([
    ["a recursive schema", { $ref: "#/$defs/node", $defs: { node } }],
    [
      "nullable and union types",
      {
        type: "object",
        properties: { a: { type: ["null", "string"] }, b: { oneOf: [{ type: "integer" }, { type: "string" }] } },
        required: ["a", "b"],
      },
    ],
    [
      "lengths and patterns",
      {
        type: "object",
        properties: {
          a: { type: "string", minLength: 60 },
          b: { type: "string", maxLength: 3 },
          c: { type: "string", pattern: "^[A-Z]{3}$" },
        },
        required: ["a", "b", "c"],
      },
    ],
    [
      "tight numbers",
      {
        type: "array",
        minItems: 3,
        prefixItems: [
          { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
          { type: "integer", minimum: 7, multipleOf: 5 },
          { type: "integer", maximum: -3 },
        ],
      },
    ],
    ["unique items", { type: "array", minItems: 3, uniqueItems: true, items: { enum: ["a", "b", "c"] } }],
    [
      "allOf",
      {
        allOf: [
          { type: "object", properties: { a: { const: 1 } }, required: ["a"] },
          { properties: { b: { type: "boolean" } }, required: ["b"] },
        ],
      },
    ],
  ])("satisfy %s", (_, schema) => {
    const { text } = answerTo(asking("Go", { format: { kind: "json", schema } }));
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validate(schema, JSON.parse(text)), ajv.errorsText()).toBe(true);
  });

  it("are an object with the answer where no schema is given", () => {
    expect(JSON.parse(answerTo(asking("Go", { format: { kind: "json" } })).text)).toEqual({
      answer: expect.stringMatching(/^\[simulated\]/),
    });
  });
});

describe("tokens", () => {
  it("join to the text that they were split from, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => textPieces(text).join("") === text && argumentPieces(text).join("") === text),
    );
  });

  it("are estimated at four characters each", () => {
    expect([estimateTokens(""), estimateTokens("a"), estimateTokens("abcde")]).toEqual([0, 1, 2]);
  });

  it("belong to the same answer for the same request, always", () => {
    fc.assert(fc.property(fc.string(), (text) => JSON.stringify(answerTo(asking(text))) === JSON.stringify(answerTo(asking(text)))));
  });
});

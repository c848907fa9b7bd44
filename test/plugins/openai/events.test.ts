import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { AnswerEnd, AnswerPiece, NativeEvent } from "../../../src/plugins/openai/answer.ts";
import { createReader } from "../../../src/plugins/openai/reading/reader.ts";

/** Reads a recording: the pieces of each part joined, in the order in which the parts began. */
function replay(name: string): { parts: readonly string[]; pieces: readonly AnswerPiece[]; end: AnswerEnd } {
  const lines = readFileSync(new URL(`./recordings/${name}.jsonl`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  const reader = createReader(name.startsWith("chat") ? "chat" : "responses");
  const pieces = [...lines.flatMap((line) => reader.read(JSON.parse(line) as NativeEvent)), ...reader.rest()];
  const parts: string[] = [];
  for (const piece of pieces) {
    const before = parts[piece.part] ?? "";
    if (piece.kind === "call") parts[piece.part] = `${piece.callId}:${piece.name}:`;
    else parts[piece.part] = (before === "" && piece.kind === "text" ? `${piece.channel}:` : before) + piece.text;
  }
  return { parts, pieces, end: reader.end() };
}

const usage = { inputTokens: 84, outputTokens: 57, cachedInputTokens: 64, reasoningTokens: 32 };
const calls = ['call_1:weather_get:{"city":"Paris"}', 'call_2:weather_get:{"city":"東京"}'];

describe("a recorded stream of the Responses API", () => {
  it("gives reasoning, text and interleaved calls in parts of their own, and usage", () => {
    const { parts, end } = replay("responses-reasoning-text-calls");
    expect(parts).toEqual(["REASONING:**Looking at both cities**", "REASONING:Two calls will do.", "TEXT:Grüße, one moment 🎈.", ...calls]);
    expect(end).toMatchObject({ id: "resp_6890", reason: "tools", usage });
  });

  it("keeps what the provider wrote where it holds sealed thoughts", () => {
    const { end } = replay("responses-reasoning-text-calls");
    const items = end.native?.api === "responses" ? end.native.items : [];
    expect(items.map(({ type }) => type)).toEqual(["reasoning", "message", "function_call", "function_call"]);
    expect(items[0]).toMatchObject({ encrypted_content: "gAAAAABencrypted==" });
    expect(replay("responses-refusal").end.native).toBeUndefined();
  });

  it("begins a call before its arguments", () => {
    const kinds = replay("responses-reasoning-text-calls").pieces.flatMap(({ kind, part }) => (part === 3 ? [kind] : []));
    expect(kinds).toEqual(["call", "arguments", "arguments", "arguments"]);
  });

  it("is read from its final texts where a server sends no deltas", () => {
    const { parts, end } = replay("responses-without-deltas");
    expect(parts).toEqual(["TEXT:All at once.", calls[0]]);
    expect(end).toEqual({ id: "resp_6890", reason: "tools" });
  });

  it("shows a refusal as the text that it is", () => {
    const { parts, end } = replay("responses-refusal");
    expect(parts).toEqual(["TEXT:I cannot help with that."]);
    expect(end).toMatchObject({ reason: "stop", refused: true });
  });

  it("says that the token limit cut it", () => {
    expect(replay("responses-incomplete")).toMatchObject({ parts: ["TEXT:Once upon"], end: { reason: "length", usage } });
  });

  it("says why the provider gave up", () => {
    const { end } = replay("responses-failed");
    expect(end.reason).toBeUndefined();
    expect(end.failure).toEqual({ code: "server_error", message: "The model produced invalid content." });
  });

  it("passes over what is not known", () => {
    expect(replay("responses-other-events")).toMatchObject({ parts: ["TEXT:Found."], end: { reason: "stop" } });
  });
});

describe("a recorded stream of Chat Completions", () => {
  it("gives reasoning, text and calls in parts of their own, and usage", () => {
    const { parts, end } = replay("chat-reasoning-text-calls");
    expect(parts).toEqual(["REASONING:Two calls will do.", "TEXT:Grüße, one moment 🎈.", ...calls]);
    const native = { api: "chat", message: { reasoning_content: "Two calls will do." }, calls: {} };
    expect(end).toEqual({ id: "chatcmpl-9", reason: "tools", usage, native });
  });

  it("tells calls apart that a server gives the same index", () => {
    const { parts, end } = replay("chat-compatible-same-index");
    expect(parts).toEqual(["REASONING:Hm.", 'a:weather_get:{"city":"Paris"}', 'b:weather_get:{"city":"東京"}']);
    expect(end).toMatchObject({ reason: "stop", usage });
  });

  it("takes calls without id or index", () => {
    expect(replay("chat-compatible-no-ids").parts).toEqual([':weather_get:{"city":"Paris"}', ':weather_get:{"city":"東京"}']);
  });

  it.each([
    { name: "chat-length", reason: "length" },
    { name: "chat-filter", reason: "filter" },
  ])("says how it ended: $name", ({ name, reason }) => {
    expect(replay(name).end.reason).toBe(reason);
  });

  it("shows a refusal as the text that it is", () => {
    expect(replay("chat-refusal")).toMatchObject({ parts: ["TEXT:I cannot help with that."], end: { reason: "stop", refused: true } });
  });
});

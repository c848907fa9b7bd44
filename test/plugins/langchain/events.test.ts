import { readFileSync, readdirSync } from "node:fs";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import { describe, expect, it } from "vitest";
import { createMessageReader } from "../../../src/plugins/langchain/events.ts";
import type { AnswerEnd, AnswerPiece, AnswerReader } from "../../../src/plugins/openai/answer.ts";
import { createReader } from "../../../src/plugins/openai/reading/reader.ts";
import { bindingTo, neutral, play, tool } from "../openai/play.ts";

const names = readdirSync(new URL("./recordings", import.meta.url)).map((file) => file.replace(".jsonl", ""));
const native = new URL("../openai/recordings/", import.meta.url);

function linesOf(folder: URL, name: string): string[] {
  return readFileSync(new URL(`${name}.jsonl`, folder), "utf8")
    .trimEnd()
    .split("\n");
}

/** What a reader makes of a recording: each part with its pieces joined, and the end. */
function read<Event>(reader: AnswerReader<Event>, lines: readonly string[]): { parts: readonly string[]; end: AnswerEnd } {
  const parts: string[] = [];
  const add = (piece: AnswerPiece): void => {
    if (piece.kind === "call") parts[piece.part] = `${piece.callId}:${piece.name}:`;
    else parts[piece.part] = (parts[piece.part] ?? (piece.kind === "text" ? `${piece.channel}:` : "")) + piece.text;
  };
  for (const line of lines) reader.read(JSON.parse(line) as Event).forEach(add);
  reader.rest().forEach(add);
  return { parts, end: reader.end() };
}

/** The kinds of what OpenAI wrote; LangChain knows of nothing that other providers want back. */
function itemsOf(sent: AnswerEnd["native"]): readonly unknown[] {
  return sent?.api === "responses" ? sent.items.map(({ type }) => type) : [];
}

const apiOf = (name: string) => (name.startsWith("chat") ? "chat" : "responses");

describe("what LangChain says of an answer", () => {
  it("stands in recordings", () => expect(names.length).toBeGreaterThan(8));

  it.each(names)("is read as the provider's own events are: %s", (name) => {
    const { parts, end } = read(createMessageReader(), linesOf(new URL("./recordings/", import.meta.url), name));
    const { native: sent, ...told } = end;
    const { native: wrote, ...meant } = read(createReader(apiOf(name)), linesOf(native, name)).end;
    expect(parts).toEqual(read(createReader(apiOf(name)), linesOf(native, name)).parts);
    expect(told).toEqual(meant);
    expect(itemsOf(sent)).toEqual(itemsOf(wrote));
  });

  it("comes as pieces: arguments that LangChain repeats from their beginning are told once", () => {
    const reader = createMessageReader();
    const snapshots = ['{"ci', '{"city":"Pa', '{"city":"Paris"}'];
    const told = (event: ChatModelStreamEvent): readonly AnswerPiece[] => reader.read(event);
    told({ event: "content-block-start", index: 0, content: { type: "tool_call_chunk", id: "c", name: "weather_get", args: "" } });
    const pieces = snapshots.flatMap((args) =>
      told({ event: "content-block-delta", index: 0, delta: { type: "block-delta", fields: { type: "tool_call_chunk", args } } }),
    );
    expect(pieces.map((piece) => (piece.kind === "arguments" ? piece.text : ""))).toEqual(['{"ci', 'ty":"Pa', 'ris"}']);
  });

  it("may be all at once, as of a model that does not stream", () => {
    const reader = createMessageReader();
    const events: ChatModelStreamEvent[] = [
      { event: "message-start", id: "run-1" },
      { event: "content-block-finish", index: 0, content: { type: "text", text: "Hello." } },
      { event: "content-block-finish", index: 1, content: { type: "tool_call", id: "c", name: "time_now", args: { zone: "UTC" } } },
      { event: "message-finish", reason: "tool_use" },
    ];
    const { parts, end } = read(
      reader,
      events.map((event) => JSON.stringify(event)),
    );
    expect(parts).toEqual(["TEXT:Hello.", 'c:time_now:{"zone":"UTC"}']);
    expect(end).toEqual({ reason: "tools" });
  });

  it("is not over without its last word", () => {
    const { end } = read(createMessageReader(), [
      JSON.stringify({ event: "content-block-delta", index: 0, delta: { type: "text-delta", text: "Half" } }),
      JSON.stringify({ event: "message-finish" }),
    ]);
    expect(end.reason).toBeUndefined();
  });
});

/** Events without tokens that are estimated of a request's length: the same request is worded differently. */
function counted(events: readonly unknown[]): readonly unknown[] {
  return (events as Record<string, unknown>[]).map((event) => (event["estimated"] ? { ...event, inputTokens: undefined } : event));
}

describe("a recorded answer through LangChain itself", () => {
  const weather = tool("weather.get", () => ({ celsius: 21 }));

  it.each(names)("comes to the run's same events as without it: %s", async (name) => {
    const api = apiOf(name);
    const bytes = linesOf(native, name)
      .map((line) => (api === "chat" ? `data: ${line}\n\n` : `event: ${(JSON.parse(line) as { type: string }).type}\ndata: ${line}\n\n`))
      .join("");
    const fetch = async (): Promise<Response> => new Response(bytes, { headers: { "content-type": "text/event-stream" } });
    const model = bindingTo("http://recorded.invalid/v1", api, { fetch });
    const [alone, through] = await Promise.all(
      ["openai", "langchain"].map((framework) => play({ framework, model, tools: [weather], options: { maxSteps: 1 } })),
    );
    expect(counted(neutral(through!))).toEqual(counted(neutral(alone!)));
    expect((through?.error as Error | undefined)?.message).toBe((alone?.error as Error | undefined)?.message);
    expect(neutral(through!).length).toBeGreaterThan(2);
  });
});

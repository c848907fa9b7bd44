import { expect, it } from "vitest";
import type { AnswerPiece, NativeEvent } from "../../../src/plugins/openai/answer.ts";
import { createResponsesReader } from "../../../src/plugins/openai/reading/responses.ts";

interface Read {
  readonly pieces: readonly AnswerPiece[];
  /** In milliseconds. */
  readonly took: number;
}

function read(events: readonly object[]): Read {
  const reader = createResponsesReader();
  const start = performance.now();
  const pieces = events.flatMap((event) => reader.read(event as NativeEvent));
  return { pieces, took: performance.now() - start };
}

const saidBy = ({ pieces }: Read): string => pieces.map((piece) => (piece.kind === "call" ? "" : piece.text)).join("");

// What grows with the square of the length takes seconds here, in which nobody else is served.
const longestMs = 3_000;

it("arguments of a call are read at the cost of their length", () => {
  const args = `{"text":"${"abcd".repeat(50_000)}"}`;
  const whole = { type: "function_call", id: "fc_1", call_id: "call_1", name: "write", arguments: args };
  const answer = read([
    { type: "response.output_item.added", output_index: 0, item: { ...whole, arguments: "" } },
    ...(args.match(/.{1,4}/g) ?? []).map((delta) => ({ type: "response.function_call_arguments.delta", output_index: 0, delta })),
    { type: "response.output_item.done", output_index: 0, item: whole },
  ]);
  expect(saidBy(answer)).toBe(args);
  expect(answer.took).toBeLessThan(longestMs);
});

it("an answer of many items is read at the cost of their number", () => {
  const items = Array.from({ length: 16_000 }, (_, index) => ({
    type: "message",
    id: `msg_${index}`,
    content: [{ type: "output_text", text: "Hi. " }],
  }));
  const answer = read([
    ...items.flatMap((item, index) => [
      { type: "response.output_item.added", output_index: index, item: { ...item, content: [] } },
      { type: "response.output_text.delta", output_index: index, content_index: 0, delta: "Hi. " },
      { type: "response.output_item.done", output_index: index, item },
    ]),
    { type: "response.completed", response: { id: "resp_1", status: "completed", output: items } },
  ]);
  expect(saidBy(answer)).toBe("Hi. ".repeat(items.length));
  expect(answer.took).toBeLessThan(longestMs);
});

import { readFileSync } from "node:fs";
import * as jsonPatch from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import type { RunEventBody } from "#weftline";
import { RemoteEvents, type RemoteChunk } from "../../../src/plugins/langgraph/remote-events.ts";
import { StatePatches } from "../../../src/plugins/langgraph/state-patches.ts";

/** What LangGraph's own development server streamed: a turn up to a question, and the one after the answer. */
const turns = JSON.parse(readFileSync(new URL("./recordings/langgraph-api.json", import.meta.url), "utf8")) as RemoteChunk[][];

const reader = (told = {}) => new RemoteEvents("agent", new StatePatches({ jsonPatch }, told));
const heard = (events: RemoteEvents, chunks: readonly RemoteChunk[]): RunEventBody[] => [
  ...chunks.flatMap((chunk) => [...events.read(chunk)]),
  ...events.close(),
];

describe("what a LangGraph server streams", () => {
  it("becomes one message of many deltas, a step a model call and a node, and the state by its changes", () => {
    const events = reader();
    const first = heard(events, turns[0] ?? []);
    const text = first.flatMap((event) => (event.kind === "message.delta" ? [event.text] : []));
    expect([text.length, text.join("")]).toEqual([19, "Hello there friend."]);
    expect(events.said).toBe("Hello there friend.");
    expect(first.filter(({ kind }) => kind !== "message.delta").map((event) => [event.kind, "step" in event ? event.step : ""])).toEqual([
      ["state.patched", ""],
      ["step.started", "say/model/1"],
      ["message.started", ""],
      ["message.finished", ""],
      ["step.finished", "say/model/1"],
      ["step.started", "say/1"],
      ["step.finished", "say/1"],
      ["state.patched", ""],
      ["custom", ""],
    ]);
    const second = heard(reader({ messages: [] }), turns[1] ?? []);
    expect(second.flatMap((event) => ("step" in event && event.kind === "step.started" ? [event.step] : []))).toEqual(["ask/1", "slow/1"]);
    expect(second.findLast(({ kind }) => kind === "state.patched")).toEqual({
      kind: "state.patched",
      patch: [{ op: "add", path: "/name", value: "Bob" }],
    });
  });

  it("has reasoning apart from text, tokens where the server counts them, and what stays open ended", () => {
    const said = (content: unknown, more = {}): RemoteChunk => [
      ["a:1"],
      "messages",
      [
        { id: "m", type: "AIMessageChunk", content, ...more },
        { langgraph_node: "a", ls_provider: "openai", ls_model_name: "gpt" },
      ],
    ];
    const usage = { usage_metadata: { input_tokens: 3, output_tokens: 2, input_token_details: { cache_read: 1 } } };
    const events = heard(reader(), [
      said([{ type: "reasoning", reasoning: "Hm.", index: 0 }]),
      said([{ type: "text", text: "Yes", index: 1 }]),
      said([{ type: "text", text: ".", index: 1 }], usage),
    ]);
    expect(events.flatMap((event) => (event.kind === "message.delta" ? [[event.channel, event.part, event.text]] : []))).toEqual([
      ["REASONING", 0, "Hm."],
      ["TEXT", 1, "Yes"],
      ["TEXT", 1, "."],
    ]);
    expect(events.find(({ kind }) => kind === "usage.recorded")).toMatchObject({
      provider: "openai",
      model: "gpt",
      inputTokens: 3,
      outputTokens: 2,
      cachedInputTokens: 1,
    });
    expect(events.at(-1)).toEqual({ kind: "step.finished", step: "a/model/1", status: "SUCCEEDED" });
  });
});

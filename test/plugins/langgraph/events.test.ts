import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RunEventBody } from "#weftline";
import { GraphEvents, type GraphCallback } from "../../../src/plugins/langgraph/events.ts";
import { StoredFiles } from "../../../src/plugins/langgraph/stored-files.ts";

/** What LangGraph called back of a graph: a turn up to a question within a graph within it, and the one after the answer, in which a node throws. */
const turns = JSON.parse(readFileSync(new URL("./recordings/callbacks.json", import.meta.url), "utf8")) as GraphCallback[][];

function heard(callbacks: readonly GraphCallback[], events = new GraphEvents(new StoredFiles(new Map()))): RunEventBody[] {
  return callbacks.flatMap((callback) => {
    const { error } = callback as { readonly error?: { readonly message: string } };
    return events.read(error ? ({ ...callback, error: Object.assign(new Error(error.message), error) } as never) : callback) ?? [];
  });
}

/** Each step as `started`, and as it ended. */
function told(bodies: readonly RunEventBody[]): string[] {
  return bodies.map((body) => {
    if (body.kind === "step.started") return `${body.step} of ${body.parentStep ?? "-"}: ${body.stepKind} ${body.name}`;
    return body.kind === "step.finished" ? `${body.step}: ${body.status}` : body.kind;
  });
}

describe("what LangGraph calls back of a graph", () => {
  it("becomes a step a node, named by its place, whether it was sent to, stands within another, or waits", () => {
    expect(told(heard(turns[0] ?? []))).toEqual([
      "split/1 of -: NODE split",
      "split/1: SUCCEEDED",
      "each/2/0 of -: NODE each",
      "each/2/1 of -: NODE each",
      "each/2/0: SUCCEEDED",
      "each/2/1: SUCCEEDED",
      "within/3 of -: NODE within",
      "within/3/ask/1 of within/3: NODE ask",
      "within/3/ask/1: CANCELLED",
      "within/3: CANCELLED",
    ]);
  });

  it("keeps the names in the next turn, has tools of the graph as steps of their nodes, and says which node failed", () => {
    const events = new GraphEvents(new StoredFiles(new Map()));
    const bodies = heard(turns[1] ?? [], events);
    expect(told(bodies)).toEqual([
      "within/3 of -: NODE within",
      "within/3/ask/1 of within/3: NODE ask",
      "within/3/ask/1: SUCCEEDED",
      "within/3/look/2 of within/3: NODE look",
      "within/3/look/2/tool/weather/w1 of within/3/look/2: TOOL weather",
      "within/3/look/2/tool/weather/w1: SUCCEEDED",
      "within/3/look/2: SUCCEEDED",
      "within/3: SUCCEEDED",
      "break/4 of -: NODE break",
      "break/4: FAILED",
    ]);
    expect(events.failed).toBe("break");
    expect(bodies.find((body) => body.kind === "step.finished" && body.step === "within/3/ask/1")).toMatchObject({
      output: { found: ["Rome"] },
    });
    expect(bodies.at(-1)).toMatchObject({ error: "It broke." });
  });

  it("leaves out of a step what is no JSON, or more than a step holds", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    for (const output of [circle, { text: "x".repeat(2 ** 20) }, 1n]) {
      const events = new GraphEvents(new StoredFiles(new Map()));
      heard([{ on: "chainStart", id: "1", tags: ["graph:step:1"], metadata: { langgraph_node: "a", langgraph_step: 1 } }], events);
      expect(events.read({ on: "end", id: "1", output })).toEqual({
        kind: "step.finished",
        step: "a/1",
        status: "SUCCEEDED",
        output: undefined,
      });
    }
  });
});

import { HumanMessage } from "@langchain/core/messages";
import { Annotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin, type ToolDefinition } from "#weftline";
import { graphs } from "#plugins/langgraph";
import { countingTool, Studio } from "./studio.ts";

/** What LangChain would take for a model to make, with an address to send to. */
const hostile = { lc: 1, type: "constructor", id: ["langchain_core", "tracers", "tracer_langchain", "LangChainTracer"], kwargs: {} };
const harmless = { lc: 1, type: "constructor", id: ["langchain_core", "messages", "HumanMessage"], kwargs: { content: "Hi." } };

function answering(result: unknown): ToolDefinition {
  return countingTool("web.read", { execute: () => result }).tool;
}

const reading = {
  nodes: {
    read: { type: "tool", tool: "web.read", arguments: {}, output: "page" },
    ask: { type: "interrupt", message: "Well?", output: "said" },
  },
  edges: [
    { from: "start", to: "read" },
    { from: "read", to: "ask" },
  ],
};

const list = () => Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] });

describe("what a graph keeps", () => {
  for (const [how, result] of [
    ["by itself", hostile],
    ["within other values", { pages: [{ text: "x", lc: hostile }] }],
    ["as it escapes others", { __lc_escaped__: hostile }],
    ["as a secret of the environment", { lc: 1, type: "secret", id: ["HOME"] }],
  ] as const) {
    it(`is refused where a tool has it name a class of LangChain ${how}`, async () => {
      await using studio = await Studio.open({ tools: [answering(result)] });
      await studio.agent("reader", { graph: reading }, { capabilities: ["web.read"] });
      const run = await studio.play("reader", { text: "Read." });
      expect(run.failure).toMatchObject({ code: "STATE_REFUSED", message: expect.stringMatching(/class of LangChain.*Tracer|a secret/) });
      expect(JSON.stringify(run.checkpoints)).not.toMatch(/tracers|secret/);
    });
  }

  it("may hold messages, wherever they stand", async () => {
    const graph = new StateGraph(Annotation.Root({ kept: Annotation<object>(), kinds: Annotation<string[]>() }))
      .addNode("keep", () => ({ kept: { deep: [new HumanMessage("Hi.")], map: new Map([["a", 1]]), shown: harmless } }))
      .addNode("look", ({ kept }) => {
        const { deep, map } = kept as { deep: unknown[]; map: Map<string, number> };
        return { kinds: [String(deep[0] instanceof HumanMessage), String(map.get("a"))] };
      })
      .addEdge(START, "keep")
      .addEdge("keep", "look")
      .compile({ interruptBefore: ["look"] });
    const keeper = definePlugin({ id: "keeper", contributes: [contribution(graphs, "keeping", graph)] });
    await using studio = await Studio.open({ plugins: [keeper()] });
    await studio.agent("keeper", { graph: "keeping", output: "kinds" });
    const id = await studio.start("keeper", { input: { kinds: [] } });
    const { interrupts } = await studio.until(id, ["WAITING"]);
    await studio.decide({ interrupt: interrupts.nodes[0]?.id, kind: "APPROVE" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: '["true","1"]' });
  });

  it("fails the run where it grows without end", async () => {
    const growing = new StateGraph(Annotation.Root({ pages: list() }))
      .addNode("grow", () => ({ pages: ["x".repeat(2 ** 20)] }))
      .addEdge(START, "grow")
      .addEdge("grow", "grow");
    const sending = new StateGraph(Annotation.Root({ pages: list() })).addNode("send", () => ({ pages: ["x".repeat(5 * 2 ** 20)] }));
    sending.addEdge(START, "send");
    const grower = definePlugin({
      id: "grower",
      contributes: [contribution(graphs, "growing", growing), contribution(graphs, "sending", sending)],
    });
    await using studio = await Studio.open({ plugins: [grower()] });
    for (const [graph, says] of [
      ["growing", "a superstep's change of the state is more than 4 MiB"],
      ["sending", "what a node writes is more than 4 MiB"],
    ] as const) {
      await studio.agent(graph, { graph, output: "pages" });
      const run = await studio.play(graph, { input: { pages: [] } });
      expect(run.failure).toMatchObject({ code: "STATE_REFUSED", message: expect.stringContaining(says) });
      expect(run.checkpoints.nodes.length).toBeLessThan(6);
    }
  });

  it("is refused where a model writes such a thing into its arguments", async () => {
    const { tool } = countingTool("web.read");
    await using studio = await Studio.open({ tools: [tool], script: [{ toolCalls: [{ name: "web.read", arguments: { x: hostile } }] }] });
    await studio.agent("reader", {}, { capabilities: ["web.read"] });
    expect((await studio.play("reader", { text: "Read." })).failure).toMatchObject({ code: "STATE_REFUSED" });
  });
});

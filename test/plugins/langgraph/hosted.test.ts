import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { graphs } from "#plugins/langgraph";
import { builder, visits } from "./graphs/travel.ts";
import { countingTool, stateOf, Studio } from "./studio.ts";

const file = "./test/plugins/langgraph/graphs/travel.ts";

describe("a graph in a file", () => {
  it("runs as it is: its questions go to people, its steps, state and stream to the run, its own tools are steps", async () => {
    await using studio = await Studio.open({ config: { graphs: { travel: `${file}:graph` } } });
    await studio.agent("traveller", { graph: "travel" });
    visits.length = 0;
    const id = await studio.start("traveller", { text: "Plan." });
    const first = await studio.until(id, ["WAITING"]);
    expect(first.interrupts.nodes).toMatchObject([
      { kind: "INPUT", message: "Where to?", arguments: { question: "Where to?", places: ["Rome", "Oslo"] }, allowed: ["ANSWER"] },
    ]);
    await studio.app.restart();
    const [city] = first.interrupts.nodes;
    await studio.decide({ interrupt: city?.id, kind: "ANSWER", argumentsHash: city?.argumentsHash, payload: "Rome" });
    await expect
      .poll(async () => (await studio.see(id)).interrupts.nodes.map(({ message }) => message))
      .toEqual(["How long in Rome?", "Where to?"]);
    const second = await studio.until(id, ["WAITING"]);
    await studio.decide({ interrupt: second.interrupts.nodes[0]?.id, kind: "ANSWER", payload: 3 });
    const run = await studio.until(id);
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "3 days, Rome: sunny", failure: null });
    expect(visits).toEqual(["ask", "ask", "ask"]);
    const log = await studio.log(id);
    expect(stateOf(log, applyPatch as never)).toMatchObject({ city: "Rome", answers: ["3 days", "Rome: sunny"] });
    expect(log.filter(({ kind }) => kind === "custom").map(({ payload }) => payload)).toEqual([
      { name: "langgraph.custom", data: { namespace: [], data: { looking: "Rome" } } },
    ]);
    expect(run.steps.nodes.find(({ key }) => key === "look/2/tool/weather/w1")).toMatchObject({
      status: "SUCCEEDED",
      parent: { key: "look/2" },
    });
  });

  it("that asks several people at once goes on when all have answered", async () => {
    await using studio = await Studio.open({ config: { project: "./test/plugins/langgraph/graphs/langgraph.json" } });
    await studio.agent("both", { graph: "twins", output: "answers" });
    const id = await studio.start("both", { input: { topic: "town" } });
    const { interrupts } = await studio.until(id, ["WAITING"]);
    const [right, left] = ["Right of town?", "Left of town?"].map((message) => interrupts.nodes.find((each) => each.message === message));
    await studio.decide({ interrupt: right?.id, kind: "ANSWER", payload: "yes" });
    await studio.app.restart();
    expect((await studio.until(id, ["WAITING"])).interrupts.nodes).toHaveLength(2);
    await studio.decide({ interrupt: left?.id, kind: "ANSWER", payload: "no" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: '["left no","right yes"]' });
  });

  it("that is a function is given the run's model and tools, whose calls wait for people as any do", async () => {
    const { tool, calls } = countingTool("post.send", { approval: "ALWAYS" });
    await using studio = await Studio.open({
      config: { graphs: { prebuilt: `${file}:agent` } },
      tools: [tool],
      script: [{ match: "Send", toolCalls: [{ name: "post.send", arguments: { to: "Bob" } }] }, { reply: "It is sent." }],
    });
    await studio.agent("sender", { graph: "prebuilt" }, { capabilities: ["post.send"], instructions: "Be brief." });
    const id = await studio.start("sender", { text: "Send it." });
    const { interrupts } = await studio.until(id, ["WAITING"]);
    expect([interrupts.nodes, calls]).toMatchObject([[{ kind: "TOOL_APPROVAL", arguments: { to: "Bob" } }], []]);
    await studio.app.restart();
    const [asked] = interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "APPROVE", argumentsHash: asked?.argumentsHash });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: "It is sent." });
    expect(calls).toEqual([{ to: "Bob" }]);
  });

  it("that was compiled to stop somewhere asks whether to go on", async () => {
    await using studio = await Studio.open({ config: { graphs: { careful: `${file}:careful` } } });
    await studio.agent("careful", { graph: "careful", output: "b" });
    for (const [kind, text, state] of [
      ["APPROVE", "2", { a: 1, b: 2 }],
      ["REJECT", "", { a: 1 }],
    ] as const) {
      const id = await studio.start("careful", { input: { a: 0 } });
      const { interrupts } = await studio.until(id, ["WAITING"]);
      expect(interrupts.nodes).toMatchObject([{ kind: "REVIEW", message: "Go on with two?", allowed: ["APPROVE", "REJECT"] }]);
      await studio.app.restart();
      await studio.decide({ interrupt: interrupts.nodes[0]?.id, kind });
      const run = await studio.until(id);
      expect(run).toMatchObject({ status: "SUCCEEDED", text });
      expect(run.checkpoints.nodes[0]?.state).toEqual(state);
    }
  });

  it("serves many runs at once, each with checkpoints of its own", async () => {
    const plugin = definePlugin({ id: "loom", contributes: [contribution(graphs, "pairs", builder)] });
    await using studio = await Studio.open({ plugins: [plugin()] });
    await studio.agent("pairs", { graph: "pairs", output: "answers" });
    const ids = await Promise.all(Array.from({ length: 20 }, (_, at) => studio.start("pairs", { input: { topic: `t${at}` } })));
    for (const [at, id] of ids.entries()) {
      const { interrupts, checkpoints } = await studio.until(id, ["WAITING"]);
      expect(interrupts.nodes.map(({ message }) => message).toSorted()).toEqual([`Left of t${at}?`, `Right of t${at}?`]);
      expect(checkpoints.nodes[0]?.state).toEqual({ topic: `t${at}` });
    }
  });

  it("that throws fails its run with the node and the reason, without what looks like a key", async () => {
    await using studio = await Studio.open({ config: { graphs: { failing: `${file}:failing`, nothing: `${file}:nothing` } } });
    await studio.agent("failing", { graph: "failing" });
    await studio.agent("nothing", { graph: "nothing" });
    expect((await studio.play("failing", { text: "Go." })).failure).toEqual({
      code: "NODE_FAILED",
      message: 'The node "break" failed: The key [secret] is not one.',
    });
    expect((await studio.play("nothing", { text: "Go." })).failure).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining('exports no graph as "nothing"'),
    });
  });

  it("is refused by name where there is none, and at the start where its file is missing", async () => {
    await using studio = await Studio.open({ config: { graphs: { travel: `${file}:graph` } } });
    expect(await studio.agent("lost", { graph: "elsewhere" })).toMatchObject({
      __typename: "InvalidInputError",
      issues: [{ message: 'There is no graph "elsewhere"; there are travel.' }],
    });
    await expect(Studio.open({ config: { graphs: { lost: "./nowhere.ts:graph" } } })).rejects.toThrow(/there is no file .*nowhere\.ts/);
    await expect(Studio.open({ config: { graphs: { snake: "./agent.py:graph" } } })).rejects.toThrow(/is Python/);
  });
});

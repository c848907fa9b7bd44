import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { countingTool, stateOf, Studio } from "./studio.ts";

const review = {
  state: { score: { reducer: "add" }, seen: { reducer: "append" } },
  nodes: {
    write: { type: "model", prompt: "Write about ${input.topic}.", output: "draft" },
    rate: { type: "set", values: { score: "2", seen: "[state.draft]" } },
    approve: { type: "interrupt", kind: "REVIEW", message: "Send ${state.draft}?", about: "state.draft", output: "review" },
    send: { type: "tool", tool: "post.send", arguments: { text: "${state.review.value}", rank: "${state.score}" }, output: "sent" },
    drop: { type: "set", values: { dropped: "true" } },
  },
  edges: [
    { from: "start", to: "write" },
    { from: "write", to: "rate" },
    { from: "rate", to: "approve", when: "state.score >= 2" },
    { from: "rate", to: "drop", otherwise: true },
    { from: "approve", to: "send", when: 'state.review.decision != "REJECT"' },
    { from: "approve", to: "drop", otherwise: true },
    { from: "send", to: "end" },
    { from: "drop", to: "end" },
  ],
};

async function reviewing(approval: "NEVER" | "ALWAYS" = "NEVER") {
  const { tool, calls } = countingTool("post.send", { approval });
  const studio = await Studio.open({ script: [{ match: "Write about", reply: (said) => `On ${said}` }], tools: [tool] });
  expect(await studio.agent("reviewer", { graph: review, output: "sent" }, { capabilities: ["post.send"] })).toMatchObject({
    __typename: "CreateAgentPayload",
  });
  return { studio, calls };
}

describe("an expression of a declared graph that would hold up the server", () => {
  const through = { from: "start", to: "work" };

  async function failureOf(graph: object, input: object): Promise<string | undefined> {
    await using studio = await Studio.open({ script: [], tools: [] });
    expect(await studio.agent("endless", { graph, output: "x" })).toMatchObject({ __typename: "CreateAgentPayload" });
    return (await studio.until(await studio.start("endless", { input }))).failure?.message;
  }

  it("fails its run where a pattern tries for ever", async () => {
    const work = { type: "set", values: { x: `"${"a".repeat(34)}!".matches("(a+)+$")` } };
    expect(await failureOf({ nodes: { work }, edges: [through, { from: "work", to: "end" }] }, {})).toMatch(/takes too long/);
  });

  it("fails its run where a node would be run for more than a thousand items", async () => {
    const [work, item] = ["x", "y"].map((name) => ({ type: "set", values: { [name]: "1" } }));
    const edges = [through, { from: "work", to: "item", each: "input.items", as: "one" }, { from: "item", to: "end" }];
    const items = Array.from({ length: 1_001 }, (_, at) => at);
    expect(await failureOf({ nodes: { work, item }, edges }, { items })).toMatch(/1001 items, of which a node is run for at most 1000/);
  });
});

describe("a declared graph", () => {
  it("has no node and no value with a name that every object of JavaScript has: none is dropped without a word", async () => {
    await using studio = await Studio.open({ script: [], tools: [] });
    const set = { type: "set", values: { x: "1" } };
    const of = (name: string, value: unknown): object =>
      JSON.parse(JSON.stringify({ at: value }).replace('"at"', JSON.stringify(name))) as object;
    const through = (name: string) => [
      { from: "start", to: name },
      { from: name, to: "end" },
    ];
    for (const name of ["constructor", "toString", "hasOwnProperty", "__proto__"]) {
      const graphs = {
        nodes: { nodes: of(name, set), edges: through(name) },
        state: { state: of(name, {}), nodes: { work: set }, edges: through("work") },
        values: { nodes: { work: { type: "set", values: of(name, "1") } }, edges: through("work") },
        output: { nodes: { work: { type: "model", output: name } }, edges: through("work") },
        within: {
          nodes: { work: { type: "graph", graph: { state: of(name, {}), nodes: { inner: set }, edges: through("inner") } } },
          edges: through("work"),
        },
      };
      for (const [where, graph] of Object.entries(graphs)) {
        const answer = await studio.agent(`odd-${where}`, { graph });
        expect(answer.__typename, `${name} in ${where}`).toBe("InvalidInputError");
        expect(JSON.stringify(answer.issues), `${name} in ${where}`).toMatch(/Choose another name|Begin with a letter|rename it/);
      }
    }
  });

  it("runs models, writes values, asks a person, calls tools and goes where its conditions lead", async () => {
    const { studio, calls } = await reviewing();
    await using _ = studio;
    const id = await studio.start("reviewer", { input: { topic: "looms" } });
    const waiting = await studio.until(id, ["WAITING"]);
    const [asked] = waiting.interrupts.nodes;
    expect(asked).toMatchObject({
      kind: "REVIEW",
      message: "Send On Write about looms.?",
      arguments: "On Write about looms.",
      allowed: ["APPROVE", "EDIT", "REJECT"],
    });
    expect(await studio.decide({ interrupt: asked?.id, kind: "EDIT", argumentsHash: asked?.argumentsHash, arguments: "Better." })).toBe(
      "DecideInterruptPayload",
    );
    const run = await studio.until(id);
    expect(run).toMatchObject({ status: "SUCCEEDED", failure: null });
    expect(calls).toEqual([{ text: "Better.", rank: 2 }]);
    expect(JSON.parse(run.text ?? "")).toEqual({ done: 1 });
    expect(run.steps.nodes.filter(({ parent }) => parent === null).map(({ key, status }) => [key, status])).toEqual([
      ["write/1", "SUCCEEDED"],
      ["rate/2", "SUCCEEDED"],
      ["approve/3", "CANCELLED"],
      ["approve/3", "SUCCEEDED"],
      ["send/4", "SUCCEEDED"],
      ["tool/1", "SUCCEEDED"],
    ]);
    const state = stateOf(await studio.log(id), applyPatch as never) as Record<string, unknown>;
    expect(state).toMatchObject({
      score: 2,
      seen: ["On Write about looms."],
      sent: { done: 1 },
      review: { decision: "EDIT", value: "Better." },
    });
    expect(run.checkpoints.nodes[0]?.state).toEqual(state);
  });

  it("waits for a tool's approval and for a person beside each other, over restarts, and does nothing twice", async () => {
    const { tool, calls } = countingTool("post.send", { approval: "ALWAYS" });
    const other = countingTool("note.add");
    const graph = {
      nodes: {
        send: { type: "tool", tool: "post.send", arguments: { to: "Bob" }, output: "sent" },
        ask: { type: "interrupt", message: "Which colour?", output: "colour" },
        note: { type: "tool", tool: "note.add", arguments: { n: 1 }, output: "noted" },
        join: { type: "set", values: { all: "[state.sent.done, state.noted.done]" } },
      },
      edges: [
        { from: "start", to: "send" },
        { from: "start", to: "ask" },
        { from: "start", to: "note" },
        { from: ["send", "ask", "note"], to: "join" },
      ],
    };
    await using studio = await Studio.open({ tools: [tool, other.tool] });
    await studio.agent("beside", { graph, output: "all" }, { capabilities: ["post.send", "note.add"] });
    const id = await studio.start("beside", { text: "Go." });
    const waiting = await studio.until(id, ["WAITING"]);
    expect(waiting.interrupts.nodes.map(({ kind }) => kind).toSorted()).toEqual(["INPUT", "TOOL_APPROVAL"]);
    expect([calls.length, other.calls.length]).toEqual([0, 1]);
    await studio.app.restart();
    const [input] = waiting.interrupts.nodes.filter(({ kind }) => kind === "INPUT");
    const [approval] = waiting.interrupts.nodes.filter(({ kind }) => kind === "TOOL_APPROVAL");
    await studio.decide({ interrupt: input?.id, kind: "ANSWER", payload: "red" });
    await expect.poll(async () => (await studio.see(id)).status).toBe("WAITING");
    await studio.app.restart();
    await studio.decide({ interrupt: approval?.id, kind: "APPROVE", argumentsHash: approval?.argumentsHash });
    const run = await studio.until(id);
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "[1,1]" });
    expect([calls, other.calls.length]).toEqual([[{ to: "Bob" }], 1]);
    expect(run.checkpoints.nodes[0]?.state).toMatchObject({ colour: { decision: "ANSWER", value: "red" } });
  });

  it("sends the items of a list to a node, side by side, and runs graphs within graphs", async () => {
    const inner = {
      state: { words: { reducer: "append" } },
      nodes: { shout: { type: "set", values: { words: '[item + "!"]' } } },
      edges: [
        { from: "start", to: "shout" },
        { from: "shout", to: "end" },
      ],
    };
    const graph = {
      state: { list: {}, lengths: { reducer: "append" }, words: { reducer: "append" } },
      nodes: {
        split: { type: "set", values: { list: "input.words" } },
        each: { type: "set", values: { lengths: "[word.size()]" } },
        within: { type: "graph", graph: { ...inner, nodes: { shout: { type: "set", values: { words: '["inner"]' } } } } },
      },
      edges: [
        { from: "start", to: "split" },
        { from: "split", to: "each", each: "state.list", as: "word" },
        { from: "each", to: "within" },
        { from: "within", to: "end" },
      ],
    };
    await using studio = await Studio.open();
    expect(await studio.agent("mapper", { graph, output: "lengths" })).toMatchObject({ __typename: "CreateAgentPayload" });
    const run = await studio.play("mapper", { text: "Go.", input: { words: ["a", "bb", "ccc"] } });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "[1,2,3]" });
    expect(run.checkpoints.nodes[0]?.state).toMatchObject({ words: ["a", "bb", "ccc", "inner"] });
    expect(run.steps.nodes.find(({ key }) => key === "within/3/shout/1")?.parent?.key).toBe("within/3");
    expect(run.steps.nodes.map(({ key }) => key)).toEqual(expect.arrayContaining(["each/2/0", "each/2/1", "each/2/2"]));
  });

  it("has agents as nodes, each with tools and words of its own", async () => {
    const { tool, calls } = countingTool("web.search");
    const graph = {
      nodes: {
        find: { type: "agent", prompt: "Find ${input}.", history: "none", tools: ["web.search"], output: "found" },
        tell: { type: "model", prompt: "Tell ${state.found}", output: "told" },
      },
      edges: [
        { from: "start", to: "find" },
        { from: "find", to: "tell" },
        { from: "tell", to: "end" },
      ],
    };
    await using studio = await Studio.open({
      tools: [tool],
      script: [
        { match: "Find", toolCalls: [{ name: "web.search", arguments: { q: "looms" } }] },
        { match: "Find", reply: "Looms weave." },
        { match: "Tell", reply: (said) => `Told: ${said}` },
      ],
    });
    await studio.agent("team", { graph }, { capabilities: ["web.search"] });
    const run = await studio.play("team", { text: "looms" });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "Told: Tell Looms weave.", failure: null });
    expect(calls).toEqual([{ q: "looms" }]);
    expect(run.steps.nodes.find(({ key }) => key === "find/1/tools/2")?.parent?.key).toBe("find/1");
  });

  it("starts again from any of its checkpoints, as a run of its own", async () => {
    const { tool, calls } = countingTool("note.add");
    const graph = {
      nodes: {
        one: { type: "set", values: { a: "1" } },
        two: { type: "tool", tool: "note.add", arguments: { a: "${state.a}" }, output: "noted" },
        three: { type: "set", values: { b: "state.noted.done" } },
      },
      edges: [
        { from: "start", to: "one" },
        { from: "one", to: "two" },
        { from: "two", to: "three" },
      ],
    };
    await using studio = await Studio.open({ tools: [tool] });
    await studio.agent("steps", { graph, output: "b" }, { capabilities: ["note.add"] });
    const first = await studio.play("steps", { text: "Go." });
    expect(first.checkpoints.nodes.map(({ state }) => [state.a, state.noted, state.b])).toEqual([
      [1, { done: 1 }, 1],
      [1, { done: 1 }, undefined],
      [1, undefined, undefined],
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ]);
    const beforeTool = await studio.until(await studio.retry({ run: first.id, checkpoint: first.checkpoints.nodes[2]?.id }));
    expect(beforeTool).toMatchObject({ status: "SUCCEEDED", text: "2" });
    const afterTool = await studio.until(await studio.retry({ run: first.id, checkpoint: first.checkpoints.nodes[1]?.id }));
    expect(afterTool).toMatchObject({ status: "SUCCEEDED", text: "1" });
    expect(calls).toHaveLength(2);
    expect(stateOf(await studio.log(afterTool.id), applyPatch as never)).toEqual(afterTool.checkpoints.nodes[0]?.state);
  });

  it("fails with the node and the reason, and with the limit where it goes in circles", async () => {
    const circle = {
      nodes: { a: { type: "set", values: { n: "1" } } },
      edges: [
        { from: "start", to: "a" },
        { from: "a", to: "a" },
      ],
    };
    const broken = { nodes: { a: { type: "set", values: { n: "state.missing.field" } } }, edges: [{ from: "start", to: "a" }] };
    await using studio = await Studio.open();
    await studio.agent("circle", { graph: circle });
    await studio.agent("broken", { graph: broken });
    expect((await studio.play("circle", { text: "Go.", limits: { maxSteps: 5 } })).failure).toMatchObject({
      code: "RUN_LIMIT",
      message: expect.stringContaining("5 supersteps"),
    });
    expect((await studio.play("broken", { text: "Go." })).failure).toMatchObject({
      code: "NODE_FAILED",
      message: expect.stringContaining('The node "a" failed: state.missing.field'),
    });
  });

  it("is refused with what is wrong and where", async () => {
    await using studio = await Studio.open();
    const a = { type: "set", values: { n: "1" } };
    const cases: [object, string[], RegExp][] = [
      [{ nodes: { a }, edges: [{ from: "start", to: "b" }] }, ["edges", "0", "to"], /no node "b"; there are a/],
      [{ nodes: { a }, edges: [{ from: "a", to: "end" }] }, ["edges"], /No edge leaves "start"/],
      [{ nodes: { a, b: a }, edges: [{ from: "start", to: "a" }] }, ["nodes", "b"], /No edge leads here/],
      [{ nodes: { n: a }, edges: [{ from: "start", to: "n" }] }, ["nodes", "n"], /is a value of the state/],
      [{ nodes: { a }, edges: [{ from: "start", to: "a", when: "1 +" }] }, ["edges", "0", "when"], /./],
      [
        { nodes: { a: { type: "tool", tool: "x", arguments: { q: "${1 +}" } } }, edges: [{ from: "start", to: "a" }] },
        ["nodes", "a", "arguments"],
        /1 \+/,
      ],
      [{ nodes: { a: { type: "dance" } }, edges: [{ from: "start", to: "a" }] }, ["nodes", "a", "type"], /./],
      [{ nodes: { a: { type: "set", values: {}, color: 1 } }, edges: [{ from: "start", to: "a" }] }, ["nodes", "a"], /color/],
    ];
    for (const [graph, path, message] of cases) {
      const answer = await studio.agent("wrong", { graph });
      expect(answer.__typename).toBe("InvalidInputError");
      const issue = answer.issues?.find((each) => each.path.slice(-path.length).join() === path.join());
      expect([path, issue?.message]).toEqual([path, expect.stringMatching(message)]);
    }
  });
});

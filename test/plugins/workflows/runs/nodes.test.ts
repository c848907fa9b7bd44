import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testViewer } from "../../../../src/testing/index.ts";
import { openLoom, statusesOf, type Loom } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });

describe("nodes", () => {
  it("give what they come to, each to those behind it", async () => {
    const run = await loom.play([value("a", "input.n + 1"), value("b", "nodes.a.output * 2", { dependsOn: ["a"] })], { n: 4 });
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 10 });
    expect(run.steps.map(({ key, kind, nodeKey, output }) => [key, kind, nodeKey, output])).toEqual([
      ["a", "NODE", "a", 5],
      ["b", "NODE", "b", 10],
    ]);
  });

  it("call tools by the one way that tools are called: the call is a step within the node's", async () => {
    const run = await loom.play(
      [{ key: "t", kind: "tool", config: { tool: "loom.weave", arguments: { yarn: "{{ input.yarn }}", n: 2 } } }],
      { yarn: "wool" },
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", output: { args: { yarn: "wool", n: 2 } } });
    expect(run.steps).toContainEqual(expect.objectContaining({ kind: "TOOL", status: "SUCCEEDED", parent: { key: "t" } }));
  });

  it("give the whole result of a tool, also where it is more than a model would be shown", async () => {
    const call = { key: "t", kind: "tool", config: { tool: "loom.weave", arguments: { yarn: "{{ input.yarn }}" } } };
    const run = await loom.play([call, value("size", "size(nodes.t.output.args.yarn)", { dependsOn: ["t"] })], {
      yarn: "x".repeat(150_000),
    });
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 150_000 });
  });

  it("run agents below, side by side, each a child run of its step", async () => {
    for (const name of ["writer", "critic"]) {
      await loom.app.graphql(
        "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ... on UserError { message } } }",
        {
          input: { name, framework: name === "writer" ? "openai" : "langchain", instructions: "Write." },
        },
      );
    }
    const run = await loom.play(
      [
        { key: "w", kind: "agent", config: { agent: "writer", text: "Say {{ input.what }}." } },
        { key: "c", kind: "agent", config: { agent: { name: "critic" }, text: "Say no." } },
        value("join", "size(nodes.w.output) > 0 && size(nodes.c.output) > 0", { dependsOn: ["w", "c"] }),
      ],
      { what: "hello" },
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", output: true });
    expect(run.steps.map(({ key, childRun }) => [key, childRun])).toEqual([
      ["w", { targetName: "writer", status: "SUCCEEDED" }],
      ["c", { targetName: "critic", status: "SUCCEEDED" }],
      ["join", null],
    ]);
  });

  it("run other workflows below", async () => {
    const inner = await loom.create([value("double", "input.n * 2")], { inputSchema: { type: "object", required: ["n"] } });
    const run = await loom.play([{ key: "w", kind: "workflow", config: { workflow: { id: inner }, input: { n: "{{ input.n }}" } } }], {
      n: 21,
    });
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 42, children: [{ status: "SUCCEEDED" }] });
  });

  it("that are not chosen by a branch, or whose condition is false, are skipped, and so is what depends on them alone", async () => {
    const run = await loom.play(
      [
        { key: "size", kind: "branch", config: { cases: [{ when: "input.n > 3", to: "big" }], else: "small" } },
        value("big", "'big'", { dependsOn: ["size"] }),
        value("small", "'small'", { dependsOn: ["size"] }),
        value("tiny", "'tiny'", { dependsOn: ["small"] }),
        value("never", "1", { when: "input.n < 0" }),
        value("both", "nodes.big.output", { dependsOn: ["big", "tiny"] }),
      ],
      { n: 5 },
    );
    expect(statusesOf(run)).toEqual({
      size: "SUCCEEDED",
      big: "SUCCEEDED",
      small: "SKIPPED",
      tiny: "SKIPPED",
      never: "SKIPPED",
      both: "SUCCEEDED",
    });
    expect(run.output).toBe("big");
  });

  it("go through a list, in the order of its items, and through nothing where it is empty", async () => {
    const map = (over: string) => [
      {
        key: "m",
        kind: "map",
        config: { over, as: "yarn", concurrency: 2, node: { kind: "transform", config: { expression: "yarn + index" } } },
      },
    ];
    expect(await loom.play(map("input.list"), { list: [1, 2, 3, 4, 5] })).toMatchObject({ status: "SUCCEEDED", output: [1, 3, 5, 7, 9] });
    const run = await loom.play(map("input.list"), { list: [] });
    expect(run).toMatchObject({ status: "SUCCEEDED", output: [] });
  });

  it("repeat while a condition holds, each round with what the last one gave", async () => {
    const loop = {
      key: "l",
      kind: "loop",
      config: {
        while: "item == null || item < 10",
        max: 20,
        node: { kind: "transform", config: { expression: "item == null ? 1 : item * 2" } },
      },
    };
    const run = await loom.play([loop]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 16 });
    expect(
      run.steps.filter(({ iteration }) => iteration !== null).map(({ key, iteration, parent }) => [key, iteration, parent?.key]),
    ).toEqual([0, 1, 2, 3, 4].map((round) => [`l/${round}`, round, "l"]));
    const bounded = { ...loop, config: { ...loop.config, max: 2 } };
    expect(await loom.play([bounded])).toMatchObject({ output: 2 });
  });

  it("wait for a time by the store's clock, holding no worker", async () => {
    const run = await loom.start(
      await loom.create([{ key: "w", kind: "wait", config: { duration: "PT0.05S" } }, value("z", "'after'", { dependsOn: ["w"] })]),
    );
    const events = await loom.follow(run);
    expect(events.map(({ type }) => type)).toContain("run.waiting");
    expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: "after" });
  });

  it("wait for a signal, also one that came before", async () => {
    const nodes = [value("first", "1"), { key: "w", kind: "wait", dependsOn: ["first"], config: { signal: "go" } }];
    const signal = (run: string, payload: unknown) =>
      loom.app.graphql(
        'mutation ($run: ID!, $payload: JSON) { signalRun(run: $run, name: "go", payload: $payload) { __typename ... on UserError { message } } }',
        { run, payload },
      );
    const late = await loom.start(await loom.create(nodes));
    await loom.follow(late, ({ runStatus }) => runStatus === "WAITING");
    await signal(late, { n: 1 });
    await loom.follow(late);
    expect(await loom.look(late)).toMatchObject({ status: "SUCCEEDED", output: { n: 1 } });
    const early = await loom.start(await loom.create(nodes));
    await signal(early, { n: 2 });
    await loom.follow(early);
    expect(await loom.look(early)).toMatchObject({ status: "SUCCEEDED", output: { n: 2 } });
  });

  it("ask people: an approval, an answer, and a tool's own approval are the same interrupts, and each says which node asks", async () => {
    const run = await loom.start(
      await loom.create([
        { key: "ok", kind: "approval", config: { message: "Go on with {{ input.topic }}?" } },
        { key: "colour", kind: "input", config: { message: "Which?", responseSchema: { type: "object", required: ["name"] } } },
        { key: "cut", kind: "tool", config: { tool: "loom.cut", arguments: {} } },
        value("all", "nodes.colour.output.name", { dependsOn: ["ok", "colour", "cut"] }),
      ]),
      { topic: "looms" },
    );
    const messages: string[] = [];
    await loom.follow(run, async ({ interrupt, interruptStatus }) => {
      if (!interrupt || interruptStatus !== "PENDING") return false;
      messages.push(`${interrupt.step?.nodeKey}: ${interrupt.message}`);
      const decision = interrupt.kind === "INPUT" ? { kind: "ANSWER", payload: { name: "red" } } : { kind: "APPROVE" };
      expect(await loom.decide(interrupt, decision)).toBe("DecideInterruptPayload");
      return false;
    });
    expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: "red" });
    expect(messages.toSorted()).toEqual(["colour: Which?", 'cut: Allow "loom.cut"?', "ok: Go on with looms?"]);
  });
});

describe("whom an approval in a run below names", () => {
  it("finds and decides it, and sees of that run id, status and target, and nothing of the run above", async () => {
    const config = { message: "Sure?", approvers: { roles: ["treasurer"] } };
    const below = await loom.create([{ key: "ask", kind: "approval", config }]);
    const run = await loom.start(await loom.create([{ key: "below", kind: "workflow", config: { workflow: { id: below } } }]));
    await loom.follow(run, ({ interruptStatus }) => interruptStatus === "PENDING");
    const tess = testViewer("tess", { roles: ["treasurer"] });
    const query = `query ($run: ID!) { run(id: $run) { id } interrupts { nodes { id canDecide
      run { target { __typename } targetVersion workflowVersion { version } parent { id } steps { totalCount } } } } }`;
    type Seen = { interrupts: { nodes: { id: string }[] } };
    const seen = await loom.app.graphql<Seen>(query, { run }, tess);
    const hidden = { targetVersion: null, workflowVersion: null, parent: null, steps: { totalCount: 0 } };
    expect(seen).toMatchObject({
      run: null,
      interrupts: { nodes: [{ canDecide: true, run: { target: { __typename: "Workflow" }, ...hidden } }] },
    });
    const decide = "mutation ($id: ID!) { decideInterrupt(input: { interrupt: $id, kind: APPROVE }) { __typename } }";
    await loom.app.graphql(decide, { id: seen.interrupts.nodes[0]?.id }, tess);
    await loom.follow(run);
    expect((await loom.look(run)).status).toBe("SUCCEEDED");
  });
});

describe("progress", () => {
  it("counts the nodes that need nothing more, of all that there are", async () => {
    const run = await loom.start(
      await loom.create([value("a", "1"), value("b", "2", { dependsOn: ["a"] }), value("c", "3", { when: "false" })]),
    );
    const events = await loom.follow(run);
    const progress = events.flatMap((event) => event.progress ?? []);
    expect(progress.at(-1)).toEqual({ done: 3, total: 3 });
    expect(progress.map(({ done }) => done)).toEqual(progress.map(({ done }) => done).toSorted((a, b) => a - b));
  });
});

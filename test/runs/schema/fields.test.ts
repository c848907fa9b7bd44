import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import { alice, bootRows, type Rows } from "./fixtures.ts";

let rows: Rows;
beforeAll(async () => {
  rows = await bootRows();
});
afterAll(() => rows.app.close());

async function run(id: string, fields: string): Promise<Record<string, unknown> | null> {
  const data = await rows.app.graphql<{ run: Record<string, unknown> | null }>(
    `query ($id: ID!) { run(id: $id) { ${fields} } }`,
    { id: globalId("Run", id) },
    alice,
  );
  return data.run;
}

const tokens = (inputTokens: number, outputTokens: number) => ({ inputTokens, outputTokens, modelCalls: 1, estimated: false });

describe("a run", () => {
  it("shows its row", async () => {
    await rows.run(
      "full",
      {
        seq: 9,
        provenance: "LIVE",
        status: "FAILED",
        failure: { code: "PROVIDER_TIMEOUT", message: "Too slow.", retryable: true, plugin: "openai" },
        progressDone: 3,
        progressTotal: 2 ** 40,
        createdAt: 1_700_000_000_000,
        startedAt: 1_700_000_001_000,
        finishedAt: 1_700_000_003_500,
      },
      12,
    );
    expect(
      await run(
        "full",
        `seq lastSeq status target { __typename id name } targetName targetVersion owner { id self } trigger provenance parent { id } root { id } retryOf { id }
         blockedBy { id } failure { code message retryable plugin } progress { done total } createdAt startedAt finishedAt durationMs events { type }`,
      ),
    ).toEqual({
      seq: 9,
      lastSeq: 12,
      status: "FAILED",
      target: { __typename: "LoomPattern", id: globalId("LoomPattern", "herringbone"), name: "Pattern herringbone" },
      targetName: "Herringbone",
      targetVersion: 2,
      owner: { id: globalId("Actor", "test/alice"), self: true },
      trigger: "API",
      provenance: "LIVE",
      parent: null,
      root: { id: globalId("Run", "full") },
      retryOf: null,
      blockedBy: null,
      failure: { code: "PROVIDER_TIMEOUT", message: "Too slow.", retryable: true, plugin: "openai" },
      progress: { done: 3, total: 2 ** 40 },
      createdAt: "2023-11-14T22:13:20.000Z",
      startedAt: "2023-11-14T22:13:21.000Z",
      finishedAt: "2023-11-14T22:13:23.500Z",
      durationMs: 2_500,
      events: [],
    });
  });

  it("knows its relations", async () => {
    await rows.run("top");
    await rows.run("old", { parentId: "top", rootId: "top" });
    await rows.run("new", { parentId: "top", rootId: "top", retryOfId: "old", blockedById: "top" });
    expect(await run("new", "parent { id } root { id } retryOf { id } blockedBy { id }")).toEqual({
      parent: { id: globalId("Run", "top") },
      root: { id: globalId("Run", "top") },
      retryOf: { id: globalId("Run", "old") },
      blockedBy: { id: globalId("Run", "top") },
    });
    expect(await run("top", "children { nodes { id } }")).toEqual({
      children: { nodes: [{ id: globalId("Run", "old") }, { id: globalId("Run", "new") }] },
    });
  });

  it.each<[string, unknown, unknown]>([
    ["nothing", null, null],
    ["text", { text: "Weave." }, "Weave."],
    ["input", { data: { colour: "red" } }, { colour: "red" }],
    ["an input of null and false", { data: false }, false],
    ["both", { text: "Weave.", data: [1] }, { text: "Weave.", input: [1] }],
  ])("shows what it was given: %s", async (name, input, shown) => {
    await rows.run(`given-${name}`, { input });
    expect(await run(`given-${name}`, "input")).toEqual({ input: shown });
  });

  it("has no target where that, or its plugin, is gone", async () => {
    await rows.run("lost", { targetId: "lost" });
    await rows.run("unplugged", { targetType: "Spindle" });
    expect(await run("lost", "target { id } targetName")).toEqual({ target: null, targetName: "Herringbone" });
    expect(await run("unplugged", "target { id }")).toEqual({ target: null });
  });
});

describe("the usage of a run", () => {
  const usage =
    "usage { inputTokens outputTokens totalTokens cachedInputTokens reasoningTokens modelCalls unpricedCalls estimated cost { amount currency priceSource } }";

  it("has no cost where the price is unknown", async () => {
    await rows.run("live", { provenance: "LIVE", usage: { ...tokens(2 ** 40, 7), cachedInputTokens: 0, reasoningTokens: null } });
    expect(await run("live", usage)).toEqual({
      usage: {
        inputTokens: 2 ** 40,
        outputTokens: 7,
        totalTokens: 2 ** 40 + 7,
        cachedInputTokens: 0,
        reasoningTokens: null,
        modelCalls: 1,
        unpricedCalls: 1,
        estimated: false,
        cost: null,
      },
    });
  });

  it("costs nothing where every answer was simulated", async () => {
    await rows.run("simulated", { provenance: "SIMULATED", usage: tokens(1, 1) });
    await rows.usage("simulated.u1", "simulated", { provenance: "SIMULATED" });
    expect(await run("simulated", usage)).toMatchObject({
      usage: { unpricedCalls: 0, cost: { amount: "0", currency: "USD", priceSource: "simulated" } },
    });
  });

  it("costs what has a price, and counts what has none, where a real answer was among simulated ones", async () => {
    await rows.run("mixed", { provenance: "SIMULATED", usage: { ...tokens(1, 1), modelCalls: 2 } });
    await rows.usage("mixed.u1", "mixed", { provenance: "SIMULATED" });
    await rows.usage("mixed.u2", "mixed", { provenance: "LIVE" });
    expect(await run("mixed", usage)).toMatchObject({ usage: { unpricedCalls: 1, cost: { amount: "0", priceSource: "simulated" } } });
  });

  it("is nothing before the first model call", async () => {
    await rows.run("quiet");
    expect(await run("quiet", usage)).toMatchObject({ usage: { totalTokens: 0, modelCalls: 0, unpricedCalls: 0, cost: null } });
  });
});

describe("the steps of a run", () => {
  it("are listed oldest first, with the tokens of their own calls", async () => {
    await rows.run("stepped");
    await rows.step("stepped.s1", "stepped", { num: 1, key: "node/1", finishedAt: 1_250 });
    await rows.step("stepped.s2", "stepped", {
      num: 2,
      key: "tool/1",
      kind: "TOOL",
      name: "loom.weave",
      parentId: "stepped.s1",
      status: "RUNNING",
    });
    await rows.toolCall("stepped.c1", "stepped");
    await rows.usage("stepped.u1", "stepped", { stepId: "stepped.s1", reasoningTokens: 2 });
    await rows.usage("stepped.u2", "stepped", { stepId: "stepped.s1" });
    expect(
      await run(
        "stepped",
        "steps { nodes { id run { id } provider model toolCallId key kind status attempt parent { id } durationMs usage { inputTokens reasoningTokens cachedInputTokens modelCalls } childRun { id } } }",
      ),
    ).toEqual({
      steps: {
        nodes: [
          {
            id: globalId("Step", "stepped.s1"),
            run: { id: globalId("Run", "stepped") },
            provider: expect.any(String),
            model: expect.any(String),
            toolCallId: null,
            key: "node/1",
            kind: "MODEL",
            status: "SUCCEEDED",
            attempt: 1,
            parent: null,
            durationMs: 250,
            usage: { inputTokens: 6, reasoningTokens: 2, cachedInputTokens: null, modelCalls: 2 },
            childRun: null,
          },
          {
            id: globalId("Step", "stepped.s2"),
            run: { id: globalId("Run", "stepped") },
            provider: null,
            model: null,
            toolCallId: "stepped.c1",
            key: "tool/1",
            kind: "TOOL",
            status: "RUNNING",
            attempt: 1,
            parent: { id: globalId("Step", "stepped.s1") },
            durationMs: null,
            usage: null,
            childRun: null,
          },
        ],
      },
    });
  });
});

describe("the steps of a run by kind and status", () => {
  it.each<[string, string[]]>([
    ["", ["f.s1", "f.s2", "f.s3"]],
    ["(kind: [TOOL])", ["f.s2", "f.s3"]],
    ["(kind: [TOOL, MODEL], status: [SUCCEEDED])", ["f.s1", "f.s2"]],
    ["(status: [FAILED])", []],
    ["(kind: [])", []],
  ])("are those of steps%s", async (args, ids) => {
    if (!(await run("f", "id"))) {
      await rows.run("f");
      await rows.step("f.s1", "f", { num: 1 });
      await rows.step("f.s2", "f", { num: 2, kind: "TOOL", key: "tool/9" });
      await rows.step("f.s3", "f", { num: 3, kind: "TOOL", key: "tool/a", status: "RUNNING" });
    }
    const nodes = ids.map((id) => ({ id: globalId("Step", id), toolCallId: null }));
    expect(await run("f", `steps${args} { nodes { id toolCallId } totalCount }`)).toEqual({ steps: { nodes, totalCount: ids.length } });
  });
});

describe("a message", () => {
  const message = async (id: string, fields: string) =>
    (await rows.app.graphql<{ node: unknown }>(`query ($id: ID!) { node(id: $id) { ... on Message { ${fields} } } }`, { id }, alice)).node;
  const parts = `parts { __typename ... on TextPart { text } ... on ReasoningPart { text } ... on DataPart { name data }
    ... on ToolCallPart { toolCallId name arguments result error status interrupt { id } } } text status seq`;

  it("holds parts of every kind, in order, and the text of some", async () => {
    await rows.run("talk");
    await rows.toolCall("talk.c1", "talk", { arguments: { n: 1 }, result: [2], messageId: "talk.1" });
    await rows.interrupt("talk-asked", "talk", { toolCallId: "talk.c1", createdAt: 1 });
    const newest = await rows.interrupt("talk-asked-again", "talk", { toolCallId: "talk.c1", createdAt: 2 });
    const id = await rows.message("talk.1", "talk", {
      parts: [
        { type: "reasoning", text: "Hm." },
        { type: "text", text: "One " },
        { type: "toolCall", call: 1 },
        { type: "text", text: "two" },
        { type: "data", name: "chart", data: { x: [1] } },
      ],
    });
    expect(await message(id, parts)).toEqual({
      parts: [
        { __typename: "ReasoningPart", text: "Hm." },
        { __typename: "TextPart", text: "One " },
        {
          __typename: "ToolCallPart",
          toolCallId: "talk.c1",
          name: "loom.weave",
          arguments: { n: 1 },
          result: [2],
          error: null,
          status: "SUCCESS",
          interrupt: { id: newest },
        },
        { __typename: "TextPart", text: "two" },
        { __typename: "DataPart", name: "chart", data: { x: [1] } },
      ],
      text: "One two",
      status: "COMPLETE",
      seq: 5,
    });
  });

  it("shows who said it, for which run, and what took its place", async () => {
    await rows.run("again");
    const answer = await rows.message("again.2", "again", { provenance: "SIMULATED" });
    const id = await rows.message("again.1", "again", { role: "USER", authorId: "alice", supersededById: "again.2" });
    expect(await message(id, "role author { id } run { id } supersededBy { id provenance author { id } } createdAt")).toEqual({
      role: "USER",
      author: { id: globalId("Actor", "test/alice") },
      run: { id: globalId("Run", "again") },
      supersededBy: { id: answer, provenance: "SIMULATED", author: null },
      createdAt: "1970-01-01T00:00:01.000Z",
    });
  });

  it("that streams shows what was said so far, at the seq up to which it was folded", async () => {
    await rows.run("open", { status: "RUNNING" });
    await rows.toolCall("open.c1", "open", { messageId: "open.1", part: 1, status: "REQUESTED" });
    const id = await rows.message("open.1", "open", { status: "STREAMING", parts: [], seq: 3 });
    await rows.events("open", [
      ["run.queued", {}],
      ["run.started", {}],
      ["message.started", { m: 1, role: "ASSISTANT", attempt: 1 }],
      ["message.delta", [1, 0, "He"]],
      ["message.delta", [1, 0, "llo"]],
      ["tool.requested", { c: 1, name: "loom.weave", m: 1, part: 1 }],
    ]);
    expect(await message(id, parts)).toEqual({
      parts: [
        { __typename: "TextPart", text: "Hello" },
        {
          __typename: "ToolCallPart",
          toolCallId: "open.c1",
          name: "loom.weave",
          arguments: null,
          result: null,
          error: null,
          status: "REQUESTED",
          interrupt: null,
        },
      ],
      text: "Hello",
      status: "STREAMING",
      seq: 6,
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId, type Viewer } from "#weftline";
import { collect } from "../../../src/testing/index.ts";
import { admin, alice, auditor, bootRows, strangers, type Rows } from "./fixtures.ts";

let rows: Rows;
let ids: { run: string; step: string; message: string; interrupt: string };

beforeAll(async () => {
  rows = await bootRows();
  ids = {
    run: await rows.run("r", {
      status: "WAITING",
      input: { text: "secret question" },
      output: "secret output",
      text: "secret answer",
      usage: { inputTokens: 5, outputTokens: 7, modelCalls: 1, estimated: false },
    }),
    step: await rows.step("r.s1", "r", { input: "secret in", output: "secret out", error: "secret error" }),
    message: await rows.message("r.1", "r"),
    interrupt: await rows.interrupt("i", "r", {
      message: "secret question",
      responseSchema: { title: "secret title" },
      decision: { kind: "EDIT", by: alice.actorId, at: 5, reason: "secret reason", payload: "secret payload" },
    }),
  };
  await rows.events("r", [
    ["run.queued", {}],
    ["message.delta", [1, 0, "secret delta"]],
  ]);
});
afterAll(() => rows.app.close());

const everything = `
  fragment Everything on Run {
    id status targetName input output text usage { totalTokens cost { amount } } owner { id }
    events { type ... on MessageDeltaEvent { text } }
    steps { nodes { id status input output error } }
    interrupts { nodes { id status message arguments argumentsHash responseSchema canDecide decision { kind reason payload } } }
  }`;

interface Everything {
  readonly status: string;
  readonly input: unknown;
  readonly events: unknown;
  readonly usage: { readonly totalTokens: number };
  readonly steps: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly input: unknown }[] };
  readonly interrupts: { readonly nodes: readonly Record<string, unknown>[] };
}

async function read(viewer: Viewer): Promise<{ run: Everything | null; node: Everything | null; nodes: (object | null)[] }> {
  return rows.app.graphql(
    `query ($run: ID!, $ids: [ID!]!) { run(id: $run) { ...Everything } node(id: $run) { ...Everything } nodes(ids: $ids) { __typename id } } ${everything}`,
    { run: ids.run, ids: Object.values(ids) },
    viewer,
  );
}

describe("a run and what belongs to it", () => {
  it("is shown to its owner with all that it holds", async () => {
    const { run, node, nodes } = await read(alice);
    expect(node).toEqual(run);
    expect(nodes).toEqual([
      { __typename: "Run", id: ids.run },
      { __typename: "Step", id: ids.step },
      { __typename: "Message", id: ids.message },
      { __typename: "Interrupt", id: ids.interrupt },
    ]);
    expect(run).toMatchObject({ input: "secret question", output: "secret output", text: "secret answer" });
    expect(run?.events).toEqual([{ type: "run.queued" }, { type: "message.delta", text: "secret delta" }]);
    expect(run?.steps.nodes).toEqual([
      { id: ids.step, status: "SUCCEEDED", input: "secret in", output: "secret out", error: "secret error" },
    ]);
    expect(run?.interrupts.nodes).toMatchObject([
      { arguments: { colour: "secret red" }, canDecide: true, decision: { payload: "secret payload" } },
    ]);
  });

  it.each(strangers)("is not there for %s", async (_, viewer) => {
    expect(await read(viewer)).toEqual({ run: null, node: null, nodes: [null, null, null, null] });
  });

  it("shows an admin that it is there, its status and its cost, and nothing of its content", async () => {
    const { run, nodes } = await read(admin);
    expect(run).toMatchObject({ status: "WAITING", usage: { totalTokens: 12 }, input: null, events: null });
    expect(run?.steps.nodes).toMatchObject([{ id: ids.step, status: "SUCCEEDED", input: null }]);
    expect(run?.interrupts.nodes).toMatchObject([
      { id: ids.interrupt, status: "PENDING", arguments: null, argumentsHash: null, canDecide: false },
    ]);
    expect(JSON.stringify({ run, nodes })).not.toContain("secret");
    expect(nodes[2]).toBeNull();
  });

  it("shows an admin who may audit its content too, and logs that", async () => {
    const logged: unknown[] = [];
    const { log } = rows.app.platform.host;
    const info = log.info.bind(log);
    log.info = (...args: unknown[]) => void logged.push(args[0]);
    const { run, nodes } = await read(auditor);
    log.info = info;
    expect(run).toMatchObject({ input: "secret question", output: "secret output", events: [{}, { text: "secret delta" }] });
    expect(run?.interrupts.nodes).toMatchObject([{ arguments: { colour: "secret red" }, canDecide: false }]);
    expect(nodes[2]).toEqual({ __typename: "Message", id: ids.message });
    expect(logged).toContainEqual({ audit: { tenantId: alice.tenantId, actorId: auditor.actorId, runIds: ["r"] } });
  });

  it.each(["", "r", "%%%", globalId("Run", "missing"), globalId("Agent", "r"), globalId("Nothing", "r"), `${globalId("Run", "r")}=`])(
    "is not found by %j, and nothing else is",
    async (id) => {
      expect(await rows.app.graphql("query ($id: ID!) { run(id: $id) { id } }", { id }, alice)).toEqual({ run: null });
      expect(await rows.app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id }, alice)).toEqual({ node: null });
    },
  );
});

describe("the events of a run", () => {
  const follow = (run: string, viewer: Viewer, after: number | null = null) =>
    rows.app.subscribe<{ runEvents: { type: string } }>(
      "subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) { type } }",
      { run, after },
      viewer,
    );

  it.each([...strangers, ["an admin without the role audit", admin] as const])("cannot be followed by %s", async (_, viewer) => {
    await expect(follow(ids.run, viewer)).rejects.toThrow("There is no such run.");
  });

  it("can be followed by its owner and by an auditor", async () => {
    for (const viewer of [alice, auditor]) {
      const events = await collect(follow(ids.run, viewer), { until: () => true });
      expect(events).toEqual([{ runEvents: { type: "snapshot" } }]);
    }
  });

  it.each(["r", "%%%", globalId("Run", "missing"), globalId("Agent", "r")])("cannot be followed by the id %j", async (id) => {
    await expect(follow(id, alice)).rejects.toThrow("There is no such run.");
  });

  it.each([-1, 3, 2_000_000_000])("cannot be followed from %i, which was never given", async (after) => {
    await expect(follow(ids.run, alice, after)).rejects.toThrow(/cursor/);
    await expect(
      rows.app.graphql(
        "query ($run: ID!, $after: Int) { run(id: $run) { events(after: $after) { type } } }",
        { run: ids.run, after },
        alice,
      ),
    ).rejects.toThrow(/cursor/);
  });
});

describe("what a stranger tries to change", () => {
  const attempts: readonly (readonly [string, string, () => object])[] = [
    ["cancelRun", "mutation ($id: ID!) { result: cancelRun(run: $id) { __typename ... on UserError { code } } }", () => ({ id: ids.run })],
    [
      "retryRun",
      "mutation ($id: ID!) { result: retryRun(input: { run: $id }) { __typename ... on UserError { code } } }",
      () => ({ id: ids.run }),
    ],
    [
      "decideInterrupt",
      'mutation ($id: ID!) { result: decideInterrupt(input: { interrupt: $id, kind: APPROVE, argumentsHash: "abc" }) { __typename ... on UserError { code } } }',
      () => ({ id: ids.interrupt }),
    ],
  ];
  for (const [name, mutation, variables] of attempts) {
    it.each(strangers)(`is not found: ${name} by %s`, async (_, viewer) => {
      expect(await rows.app.graphql(mutation, variables() as never, viewer)).toEqual({
        result: { __typename: "NotFoundError", code: "NOT_FOUND" },
      });
    });
    it(`is not found: ${name} by an admin, but for cancelRun`, async () => {
      const expected = name === "cancelRun" ? { __typename: "CancelRunPayload" } : { __typename: "NotFoundError", code: "NOT_FOUND" };
      expect(await rows.app.graphql(mutation, variables() as never, admin)).toEqual({ result: expected });
    });
    it(`is an invalid input: ${name} of a malformed id`, async () => {
      expect(await rows.app.graphql(mutation, { id: "r" }, alice)).toEqual({
        result: { __typename: "InvalidInputError", code: "INVALID_ID" },
      });
    });
  }
});

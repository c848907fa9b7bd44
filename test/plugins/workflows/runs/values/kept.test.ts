import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin, type Viewer } from "#weftline";
import { faultInjections } from "../../../../../src/core/runs/failpoint.ts";
import { chat } from "../../../../../src/plugins/index.ts";
import { defaultViewer, scriptModel } from "../../../../../src/testing/index.ts";
import { openLoom, type Loom } from "../loom.ts";
import { boltOf, boltTools, countValues, occurrences } from "./bolts.ts";

/** Fails at a place of the store's work, once. */
let failsAt: string | undefined;
const faults = definePlugin({
  id: "faults",
  contributes: [
    contribution(faultInjections, "suite", {
      failpoint: (name: string) => {
        if (name !== failsAt) return;
        failsAt = undefined;
        throw new Error("the store broke");
      },
    }),
  ],
});

const model = scriptModel([
  { match: "bring", toolCalls: [{ name: "bolts.bring", arguments: { mark: "talked", kib: 80 } }] },
  { match: "bring", reply: "There it is." },
  { match: "long", toolCalls: [{ name: "bolts.echo", arguments: { cloth: boltOf("asked", 80) } }] },
  { match: "long", reply: "Done." },
]);

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ tools: boltTools, plugins: [chat(), model, faults()] });
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });
const bring = (mark: string) => ({ key: "a", kind: "tool", config: { tool: "bolts.bring", arguments: { mark, kib: 80 } } });
const flow = (mark: string) => loom.create([bring(mark), value("b", "nodes.a.output", { dependsOn: ["a"] })]);

async function thread(agent?: string): Promise<string> {
  const { createThread } = await loom.app.graphql<{ createThread: { thread: { id: string } } }>(
    "mutation ($input: CreateThreadInput!) { createThread(input: $input) { ... on CreateThreadPayload { thread { id } } } }",
    { input: { title: "Bolts", ...(agent === undefined ? {} : { agent: { name: agent } }) } },
  );
  return createThread.thread.id;
}

async function inThread(id: string, mark: string): Promise<string> {
  const run = await loom.start(await flow(mark), {}, { thread: id });
  expect((await loom.follow(run)).at(-1)?.runStatus).toBe("SUCCEEDED");
  return run;
}

const contents = `query ($id: ID!) { run(id: $id) { status output text input steps(first: 20) { nodes { output input } } } }`;
const byThread = (mutation: string, id: string) =>
  loom.app.graphql(`mutation ($id: ID!) { ${mutation}(thread: $id) { __typename } }`, { id });

describe("a large value of a thread", () => {
  it("is shared by its runs, and nobody else reads it", async () => {
    const id = await thread();
    const first = await inThread(id, "shared");
    const second = await inThread(id, "shared");
    expect(await occurrences(loom, "<shared>")).toEqual({ "runs_value.value": 1 });
    for (const run of [first, second]) expect((await loom.look(run)).output).toEqual({ bolt: boltOf("shared", 80) });

    const others: Viewer[] = [
      { tenantId: "elsewhere", actorId: "mallory", name: "Mallory", roles: ["admin", "audit"] },
      { tenantId: defaultViewer.tenantId, actorId: "mallory", name: "Mallory", roles: [] },
    ];
    for (const viewer of others) expect(await loom.app.graphql(contents, { id: first }, viewer)).toEqual({ run: null });
  });

  it("goes when the thread is cleared or deleted, and the runs that are left answer nothing", async () => {
    const [cleared, deleted] = [await thread(), await thread()];
    const run = await inThread(cleared, "cleared");
    await inThread(deleted, "deleted");
    await byThread("clearThread", cleared);
    expect(await occurrences(loom, "<cleared>")).toEqual({});
    expect(await loom.app.graphql(contents, { id: run })).toEqual({
      run: { status: "SUCCEEDED", output: null, text: null, input: null, steps: { nodes: [] } },
    });
    await byThread("deleteThread", deleted);
    expect(await occurrences(loom, "<deleted>")).toEqual({});
  });
});

describe("a large result of a call", () => {
  it("is shown whole to the model, in the conversation and in a fork of it", async () => {
    await loom.app.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", {
      input: { name: "porter", framework: "openai", model: "script/default", capabilities: ["bolts.bring", "bolts.echo"] },
    });
    const id = await thread("porter");
    const said = async (text: string): Promise<string> => {
      const { sendMessage } = await loom.app.graphql<{ sendMessage: { run: { id: string } } }>(
        "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }",
        { input: { thread: id, text } },
      );
      expect((await loom.follow(sendMessage.run.id)).at(-1)?.runStatus).toBe("SUCCEEDED");
      return sendMessage.run.id;
    };
    await said("bring");
    await said("long");
    interface Told {
      readonly thread: { readonly messages: { readonly nodes: { readonly id: string; readonly parts: readonly unknown[] }[] } };
    }
    const parts = `thread(id: $id) { messages(first: 20) { nodes { id parts { __typename
      ... on ToolCallPart { arguments result } ... on DataPart { data } } } } }`;
    const told = await loom.app.graphql<Told>(`query ($id: ID!) { ${parts} }`, { id });
    const calls = told.thread.messages.nodes
      .flatMap((message) => message.parts)
      .filter((part) => JSON.stringify(part).includes("ToolCallPart"));
    const cloth = { cloth: boltOf("asked", 80) };
    expect(calls).toEqual([
      { __typename: "ToolCallPart", arguments: { mark: "talked", kib: 80 }, result: { bolt: boltOf("talked", 80) } },
      { __typename: "ToolCallPart", arguments: cloth, result: cloth },
    ]);
    expect(await occurrences(loom, "<talked>")).toEqual({ "runs_value.value": 1 });

    const { forkThread } = await loom.app.graphql<{ forkThread: { thread: { id: string } } }>(
      "mutation ($id: ID!, $at: ID!) { forkThread(thread: $id, at: $at) { ... on ForkThreadPayload { thread { id } } } }",
      { id, at: told.thread.messages.nodes.at(-1)?.id },
    );
    const fork = await loom.app.graphql<Told>(`query ($id: ID!) { ${parts} }`, { id: forkThread.thread.id });
    const copied = fork.thread.messages.nodes.flatMap((message) => message.parts) as { readonly data?: { readonly result?: unknown } }[];
    expect(copied.flatMap(({ data }) => data?.result ?? [])).toEqual([{ bolt: boltOf("talked", 80) }, cloth]);
  });
});

describe("a large value that is not committed", () => {
  it("is not kept without the event that names it, nor the event without it", async () => {
    const before = await countValues(loom);
    const run = await loom.start(await loom.create([bring("lost"), value("b", "nodes.a.output", { dependsOn: ["a"] })]));
    await loom.follow(run, ({ type }) => {
      if (type === "tool.started") failsAt = "append.inside";
      return false;
    });
    expect((await loom.look(run)).status).toBe("FAILED");
    expect([await countValues(loom), await occurrences(loom, "<lost>")]).toEqual([before, {}]);
  });
});

describe("a run that waits with large values", () => {
  it("reads those alone that what is left names", async () => {
    const nodes = [
      bring("named"),
      { ...bring("unnamed"), key: "u" },
      { key: "ask", kind: "approval", dependsOn: ["a", "u"], config: { message: "On?" } },
      value("b", "size(nodes.a.output.bolt)", { dependsOn: ["ask"] }),
    ];
    const run = await loom.start(await loom.create(nodes));
    let asked: Parameters<Loom["decide"]>[0] | undefined;
    await loom.follow(run, ({ interrupt }) => (asked = interrupt) !== undefined);
    await loom.app.restart();
    // What is not there cannot have been read.
    await loom.app.platform.database.commit(({ sql }) => sql.run("delete from runs_value where value like '%<unnamed>%'"), "test");
    if (asked) await loom.decide(asked, { kind: "APPROVE" });
    expect((await loom.follow(run)).at(-1)?.runStatus).toBe("SUCCEEDED");
    expect((await loom.app.graphql<{ run: object }>("query ($id: ID!) { run(id: $id) { output } }", { id: run })).run).toEqual({
      output: boltOf("named", 80).length,
    });
  });

  it("goes on with them after a restart", async () => {
    const nodes = [
      bring("waited"),
      { key: "ask", kind: "approval", dependsOn: ["a"], config: { message: "On?" } },
      {
        key: "m",
        kind: "map",
        dependsOn: ["ask"],
        config: {
          over: "[nodes.a.output, nodes.a.output]",
          node: { kind: "tool", config: { tool: "loom.cut", arguments: { cloth: "{{ item.bolt }}" } } },
        },
      },
    ];
    const run = await loom.start(await loom.create(nodes));
    const bolt = boltOf("waited", 80);
    let asked = 0;
    await loom.follow(run, async ({ interrupt, interruptStatus }) => {
      if (!interrupt || interruptStatus !== "PENDING") return false;
      asked++;
      if (asked === 1) await loom.decide(interrupt, { kind: "APPROVE" });
      return asked === 3;
    });
    await loom.app.restart();
    await loom.follow(run, async ({ interrupt }) => {
      if (interrupt?.kind === "TOOL_APPROVAL") await loom.decide(interrupt, { kind: "APPROVE" });
      return false;
    });
    expect((await loom.look(run)).output).toEqual([{ args: { cloth: bolt } }, { args: { cloth: bolt } }]);
  });
});

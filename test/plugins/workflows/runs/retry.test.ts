import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { faultInjections } from "../../../../src/core/runs/failpoint.ts";
import { openLoom, type Loom } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });
const weave = (key: string, more: object = {}) => ({ key, kind: "tool", config: { tool: "loom.weave", arguments: { key } }, ...more });
const send = (key: string, more: object = {}) => ({ key, kind: "tool", config: { tool: "loom.send", arguments: { key } }, ...more });
const snap = (key: string, times: number, more: object = {}) => ({
  key,
  kind: "tool",
  config: { tool: "loom.snap", arguments: { thread: `retry ${key} {{ input.id }}`, times } },
  ...more,
});

async function retry(input: object, on = loom): Promise<{ run?: { id: string }; message?: string; issues?: { path: string[] }[] }> {
  const { retryRun } = await on.app.graphql<{ retryRun: { run?: { id: string }; message?: string } }>(
    `mutation ($input: RetryRunInput!) { retryRun(input: $input) {
      ... on RetryRunPayload { run { id retryOf { id } } } ... on InvalidInputError { issues { path } } ... on UserError { message } } }`,
    { input },
  );
  return retryRun;
}

async function finishedRetry(input: object) {
  const { run, message } = await retry(input);
  if (!run) throw new Error(message);
  await loom.follow(run.id);
  return loom.look(run.id);
}

async function finishedFork(input: object): Promise<string> {
  const { run, message } = await retry(input);
  if (!run) throw new Error(message);
  await loom.follow(run.id);
  return run.id;
}

async function preview(input: object, on = loom) {
  const { retryPreview } = await on.app.graphql<{ retryPreview: Record<"repeats" | "sideEffects", { key: string }[]> | null }>(
    "query ($input: RetryRunInput!) { retryPreview(input: $input) { repeats { key } sideEffects { key } } }",
    { input },
  );
  return (
    retryPreview && { repeats: retryPreview.repeats.map(({ key }) => key), sideEffects: retryPreview.sideEffects.map(({ key }) => key) }
  );
}

async function failed(nodes: readonly (object & { key: string; kind: string })[], input: object): Promise<string> {
  const run = await loom.start(await loom.create(nodes as never), input);
  await loom.follow(run);
  expect((await loom.look(run)).status).toBe("FAILED");
  return run;
}

describe("a retry from a node", () => {
  it("takes over what does not come behind it, and does that and what comes behind it again", async () => {
    const nodes = [
      weave("a"),
      snap("t", 1, { dependsOn: ["a"] }),
      value("after", "nodes.a.output.args.key + string(nodes.t.output)", { dependsOn: ["t"] }),
    ];
    const run = await failed(nodes, { id: "1" });
    loom.woven.length = 0;
    const again = await finishedRetry({ run, fromNode: "t" });
    expect(again).toMatchObject({ status: "SUCCEEDED", output: "a2" });
    expect(loom.woven.map(({ name }) => name)).toEqual(["loom.snap"]);
    expect(again.steps.filter(({ nodeKey }) => nodeKey !== null).map(({ key, provenance }) => [key, provenance])).toEqual([
      ["a", "REPLAYED"],
      ["t", null],
      ["after", null],
    ]);
  });

  it("does again what was undone", async () => {
    const nodes = [weave("a", { undo: "undoA" }), value("b", "1"), snap("t", 1, { dependsOn: ["a", "b"] }), weave("undoA")];
    const run = await failed(nodes, { id: "2" });
    loom.woven.length = 0;
    expect(await finishedRetry({ run, fromNode: "t" })).toMatchObject({ status: "SUCCEEDED" });
    expect(loom.woven.map(({ args }) => (args as { key?: string }).key ?? "snap")).toEqual(["a", "snap"]);
  });

  it("that fails undoes what it did itself, and nothing of the run that it took over", async () => {
    const gate = (key: string, dependsOn: readonly string[]) => ({ key, kind: "approval", dependsOn, config: { message: key } });
    const nodes = [
      weave("a", { undo: "undoA" }),
      gate("first", ["a"]),
      weave("b", { undo: "undoB", dependsOn: ["first"] }),
      gate("second", ["b"]),
      weave("undoA"),
      weave("undoB"),
    ];
    const decided = async (run: string, decisions: Readonly<Record<string, object>>): Promise<string> => {
      await loom.follow(run, async ({ interrupt, interruptStatus }) => {
        if (interrupt && interruptStatus === "PENDING") await loom.decide(interrupt, decisions[interrupt.message] ?? { kind: "APPROVE" });
        return false;
      });
      return (await loom.look(run)).status;
    };
    const run = await loom.start(await loom.create(nodes as never));
    expect(await decided(run, {})).toBe("SUCCEEDED");
    loom.woven.length = 0;
    const fork = await retry({ run, fromNode: "first" });
    expect(await decided(fork.run?.id ?? "", { second: { kind: "REJECT", reason: "No." } })).toBe("FAILED");
    expect(loom.woven.map(({ args }) => (args as { key: string }).key)).toEqual(["b", "undoB"]);
  });

  it("of a run that succeeded is a fork of it, and a retry of a retry takes over what that came to", async () => {
    const run = await loom.start(await loom.create([weave("a"), weave("b", { dependsOn: ["a"] }), weave("c", { dependsOn: ["b"] })]));
    await loom.follow(run);
    const first = await retry({ run, fromNode: "b" });
    await loom.follow(first.run?.id ?? "");
    loom.woven.length = 0;
    expect(await finishedRetry({ run: first.run?.id, fromNode: "c" })).toMatchObject({ status: "SUCCEEDED" });
    expect(loom.woven).toHaveLength(1);
    loom.woven.length = 0;
    expect(await finishedRetry({ run: first.run?.id })).toMatchObject({ status: "SUCCEEDED" });
    expect(loom.woven).toHaveLength(3);
  });

  it("that handled the failure of an error node does again what depends on the first that failed", async () => {
    const routed = { onError: "ROUTE" };
    const nodes = [
      snap("a", 9, { ...routed, errorNode: "first" }),
      snap("first", 9, { ...routed, errorNode: "second" }),
      snap("second", 0),
      value("after", "nodes.a.output", { dependsOn: ["a"] }),
    ];
    const run = await loom.start(await loom.create(nodes), { id: "4" });
    await loom.follow(run);
    expect((await loom.look(run)).output).toBe(1);
    expect((await preview({ run, fromNode: "second" }))?.repeats).toEqual(["second", "after"]);
    expect((await finishedRetry({ run, fromNode: "second" })).output).toBe(2);
  });

  it("that there is not is refused, and nothing is started", async () => {
    const run = await failed([snap("t", 9)], { id: "3" });
    expect(await retry({ run, fromNode: "other" })).toMatchObject({ issues: [{ path: ["input", "fromNode"] }] });
  });
});

describe("checkpoints", () => {
  it("stand behind every node, tell what it came to, and a retry begins at one of them", async () => {
    const run = await loom.start(await loom.create([weave("a"), weave("b", { dependsOn: ["a"] }), weave("c", { dependsOn: ["b"] })]));
    await loom.follow(run);
    const { run: seen } = await loom.app.graphql<{
      run: {
        checkpoints: {
          nodes: { id: string; state: { nodes: Record<string, unknown> }; step: { key: string }; parent: { id: string } | null }[];
        };
      };
    }>("query ($id: ID!) { run(id: $id) { checkpoints { nodes { id state step { key } parent { id } } } } }", { id: run });
    const { nodes } = seen.checkpoints;
    expect(nodes.map(({ step, state }) => [step.key, Object.keys(state.nodes)])).toEqual([
      ["c", ["a", "b", "c"]],
      ["b", ["a", "b"]],
      ["a", ["a"]],
    ]);
    expect(nodes.map(({ parent }) => parent?.id ?? null)).toEqual([nodes[1]?.id, nodes[2]?.id, null]);
    loom.woven.length = 0;
    expect(await finishedRetry({ run, checkpoint: nodes[2]?.id })).toMatchObject({ status: "SUCCEEDED" });
    expect(loom.woven.map(({ args }) => (args as { key: string }).key)).toEqual(["b", "c"]);
  });
});

describe("a preview of a retry", () => {
  it("names what would be done again, and what of it acts outside", async () => {
    const nodes = [send("mail"), weave("a", { dependsOn: ["mail"] }), send("again", { dependsOn: ["a"] })];
    const run = await loom.start(await loom.create(nodes));
    await loom.follow(run);
    expect(await preview({ run })).toEqual({ repeats: ["mail", "a", "again"], sideEffects: ["mail", "again"] });
    expect(await preview({ run, fromNode: "a" })).toEqual({ repeats: ["a", "again"], sideEffects: ["again"] });
  });

  it("looks into the runs below", async () => {
    const inner = await loom.create([send("mail")]);
    const run = await loom.start(
      await loom.create([{ key: "below", kind: "workflow", config: { workflow: { id: inner } } }, value("v", "1")]),
    );
    await loom.follow(run);
    expect(await preview({ run })).toEqual({ repeats: ["v", "below"], sideEffects: ["below"] });
  });

  it("names what was taken over from another run, where that acts outside, and not what only undoes others", async () => {
    const nodes = [
      send("mail", { undo: "recall" }),
      value("v", "1", { dependsOn: ["mail"] }),
      snap("t", 9, { dependsOn: ["v"] }),
      send("recall"),
    ];
    const run = await failed(nodes, { id: "5" });
    expect(await preview({ run, fromNode: "t" })).toEqual({ repeats: ["mail", "v", "t"], sideEffects: ["mail", "t"] });
    const done = await loom.start(
      await loom.create([send("mail"), value("v", "1", { dependsOn: ["mail"] }), send("last", { dependsOn: ["v"] })]),
    );
    await loom.follow(done);
    const first = await finishedFork({ run: done, fromNode: "v" });
    const second = await finishedFork({ run: first, fromNode: "last" });
    expect(await preview({ run: second })).toEqual({ repeats: ["mail", "v", "last"], sideEffects: ["mail", "last"] });
    expect(await preview({ run: second, fromNode: "v" })).toEqual({ repeats: ["v", "last"], sideEffects: ["last"] });
  });

  it("names what acted in an earlier attempt than the last", async () => {
    const late = { key: "late", kind: "wait", config: { duration: "PT0.05S" } };
    const ends = value("ends", "[1][int(input.id)]", { dependsOn: ["late"] });
    const run = await failed([snap("t", 9, { retry: { attempts: 2, delay: "PT1H" } }), late, ends], { id: "6" });
    expect((await loom.look(run)).steps.filter(({ key }) => key === "t")).toMatchObject([{ status: "FAILED" }, { status: "CANCELLED" }]);
    expect((await preview({ run }))?.sideEffects).toEqual(["t"]);
  });

  it("is null for a run that there is not", async () => {
    expect(await preview({ run: "UnVuOjE=" })).toBeNull();
  });
});

it("a retry of one that was cancelled before it began takes over what that was to take over, and no more", async () => {
  const onePlace = { failpoint: () => undefined, engine: { concurrency: 1 } };
  const narrow = definePlugin({ id: "narrow", contributes: [contribution(faultInjections, "suite", onePlace)] });
  await using own = await openLoom({ plugins: [narrow()] });
  const run = await own.start(await own.create([send("a"), send("b", { dependsOn: ["a"] }), send("c", { dependsOn: ["b"] })]));
  await own.follow(run);
  const hung = await own.start(await own.create([{ key: "t", kind: "tool", config: { tool: "loom.hang", arguments: {} } }]));
  await own.follow(hung, ({ key }) => key === "tool/1");
  const { run: { id: unbegun } = { id: "" } } = await retry({ run, fromNode: "b" }, own);
  await own.cancel(unbegun);
  expect(await own.look(unbegun)).toMatchObject({ status: "CANCELLED", steps: [] });
  await own.cancel(hung);
  expect(await preview({ run: unbegun }, own)).toEqual({ repeats: ["a"], sideEffects: ["a"] });
  own.woven.length = 0;
  const { run: again } = await retry({ run: unbegun, fromNode: "c" }, own);
  await own.follow(again?.id ?? "");
  expect((await own.look(again?.id ?? "")).status).toBe("SUCCEEDED");
  expect(own.woven.map(({ args }) => (args as { key: string }).key)).toEqual(["b", "c"]);
});

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openLoom, statusesOf, type Loom, type RunEventSeen } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });
const snap = (key: string, times: number, more: object = {}) => ({
  key,
  kind: "tool",
  config: { tool: "loom.snap", arguments: { thread: `${key} {{ input.id }}`, times } },
  ...more,
});
let ids = 0;
const fresh = () => ({ id: `${++ids}` });

describe("a node that fails", () => {
  it("is tried again as often as it says, after a delay by the store's clock", async () => {
    const run = await loom.play([snap("t", 2, { retry: { attempts: 4, delay: "PT0.01S" } })], fresh());
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 3 });
    expect(run.steps.filter(({ nodeKey }) => nodeKey === "t").map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, "FAILED"],
      [2, "FAILED"],
      [3, "SUCCEEDED"],
    ]);
  });

  it("fails the run when its attempts are used up, and the failure names it", async () => {
    const run = await loom.play(
      [snap("t", 9, { retry: { attempts: 2, delay: "PT0.01S" } }), value("after", "1", { dependsOn: ["t"] })],
      fresh(),
    );
    expect(run).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED", message: expect.stringContaining('"t"') as string } });
    expect(statusesOf(run)).toEqual({ t: "FAILED" });
  });

  it("is let be with CONTINUE: it gives null", async () => {
    const run = await loom.play(
      [snap("t", 9, { onError: "CONTINUE" }), value("after", "nodes.t.output == null", { dependsOn: ["t"] })],
      fresh(),
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", output: true });
  });

  it("is taken over for with ROUTE, and what takes over gives its output; else that is skipped", async () => {
    const nodes = (times: number) => [
      snap("t", times, { onError: "ROUTE", errorNode: "rescue" }),
      value("rescue", "'saved from ' + nodes.t.error"),
      value("after", "nodes.t.output", { dependsOn: ["t"] }),
    ];
    const failed = await loom.play(nodes(9), fresh());
    expect(failed).toMatchObject({ status: "SUCCEEDED", output: expect.stringMatching(/^saved from .*snapped/) as string });
    const held = await loom.play(nodes(0), fresh());
    expect(held).toMatchObject({ status: "SUCCEEDED", output: 1 });
    expect(statusesOf(held)).toMatchObject({ rescue: "SKIPPED" });
  });

  it("has what succeeded before it undone, the last first, and what is at work stopped", async () => {
    loom.woven.length = 0;
    const undo = (key: string) => ({ key, kind: "tool", config: { tool: "loom.weave", arguments: { undo: key } } });
    const run = await loom.play(
      [
        value("a", "1", { undo: "undoA" }),
        value("b", "2", { dependsOn: ["a"], undo: "undoB" }),
        { key: "hang", kind: "tool", config: { tool: "loom.hang", arguments: {} } },
        snap("t", 9, { dependsOn: ["b"], undo: "undoT" }),
        undo("undoA"),
        undo("undoB"),
        undo("undoT"),
      ],
      fresh(),
    );
    expect(run.status).toBe("FAILED");
    expect(loom.woven.filter(({ name }) => name === "loom.weave").map(({ args }) => args)).toEqual([{ undo: "undoB" }, { undo: "undoA" }]);
    expect(statusesOf(run)).toMatchObject({ hang: "CANCELLED", undoA: "SUCCEEDED", undoB: "SUCCEEDED" });
    expect(run.steps.filter(({ compensates }) => compensates !== null).map(({ key, compensates }) => [key, compensates?.key])).toEqual([
      ["undoB", "b"],
      ["undoA", "a"],
    ]);
  });

  it("within a map fails the map, or gives null for its item with CONTINUE", async () => {
    const map = (onError: string) => [
      {
        key: "m",
        kind: "map",
        config: {
          over: "[1, 2, 3]",
          node: {
            kind: "tool",
            onError,
            config: { tool: "loom.snap", arguments: { thread: "{{ input.id }}/{{ item }}", times: "{{ item == 2 ? 9 : 0 }}" } },
          },
        },
      },
    ];
    expect(await loom.play(map("CONTINUE"), fresh())).toMatchObject({ status: "SUCCEEDED", output: [1, null, 1] });
    const failed = await loom.play(map("FAIL"), fresh());
    expect(failed).toMatchObject({ status: "FAILED", failure: { message: expect.stringContaining("m/1") as string } });
  });

  it("does what failed within a map again when the map is tried again, and nothing else", async () => {
    loom.woven.length = 0;
    const run = await loom.play(
      [
        {
          key: "m",
          kind: "map",
          retry: { attempts: 3, delay: "PT0.01S" },
          config: {
            over: "[1, 2, 3]",
            concurrency: 1,
            node: {
              kind: "tool",
              config: { tool: "loom.snap", arguments: { thread: "{{ input.id }}/{{ item }}", times: "{{ item == 3 ? 1 : 0 }}" } },
            },
          },
        },
      ],
      fresh(),
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", output: [1, 1, 2] });
    expect(loom.woven).toHaveLength(4);
  });
});

describe("time", () => {
  it("ends an attempt that takes longer than the node's timeout", async () => {
    const run = await loom.play([{ key: "h", kind: "tool", timeout: "PT0.05S", config: { tool: "loom.hang", arguments: {} } }]);
    expect(run).toMatchObject({ status: "FAILED", failure: { message: expect.stringContaining('"h"') as string } });
  });

  it("ends an approval that nobody gives within the node's timeout, and the run goes its other way", async () => {
    const run = await loom.play([
      { key: "ok", kind: "approval", timeout: "PT0.05S", onError: "ROUTE", errorNode: "late", config: { message: "Go?" } },
      value("late", "'too late'"),
    ]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "too late" });
  });

  it("of the whole run, when it is over, has it undone and EXPIRED", async () => {
    loom.woven.length = 0;
    const run = await loom.play(
      [
        value("a", "1", { undo: "undoA" }),
        { key: "w", kind: "wait", dependsOn: ["a"], config: { duration: "PT10M" } },
        { key: "undoA", kind: "tool", config: { tool: "loom.weave", arguments: {} } },
      ],
      {},
      { limits: { deadline: "PT0.2S" } },
    );
    expect(run.status).toBe("EXPIRED");
    expect(loom.woven.map(({ name }) => name)).toEqual(["loom.weave"]);
  });
});

describe("a cancel", () => {
  it("stops what is at work below, undoes what succeeded, and ends the run last", async () => {
    loom.woven.length = 0;
    const run = await loom.start(
      await loom.create([
        value("a", "1", { undo: "undoA" }),
        { key: "hang", kind: "tool", dependsOn: ["a"], config: { tool: "loom.hang", arguments: {} } },
        { key: "ok", kind: "approval", dependsOn: ["a"], config: { message: "Go?" } },
        { key: "undoA", kind: "tool", config: { tool: "loom.weave", arguments: { undo: true } } },
      ]),
    );
    await loom.follow(run, ({ key }) => key === "tool/1");
    await loom.cancel(run);
    const events = await loom.follow(run);
    expect(events.at(-1)).toMatchObject({ type: "run.cancelled" });
    expect(loom.woven.map(({ args }) => args)).toContainEqual({ undo: true });
    expect(statusesOf(await loom.look(run))).toMatchObject({ a: "SUCCEEDED", hang: "CANCELLED", ok: "CANCELLED", undoA: "SUCCEEDED" });
  });
});

describe("a cancel of a run that waits", () => {
  it("undoes nothing above before the runs below have undone what they did", async () => {
    await loom.create(
      [
        value("c", "1", { undo: "undoC" }),
        { key: "ok", kind: "approval", dependsOn: ["c"], config: { message: "Go?" } },
        { key: "undoC", kind: "wait", config: { duration: "PT0.1S" } },
      ],
      {
        name: "below the cancel",
      },
    );
    const run = await loom.start(
      await loom.create([
        value("a", "1", { undo: "undoA" }),
        { key: "child", kind: "workflow", dependsOn: ["a"], config: { workflow: "below the cancel", input: {} } },
        { key: "undoA", kind: "tool", config: { tool: "loom.weave", arguments: {} } },
      ]),
    );
    await loom.follow(run, ({ interruptStatus }) => interruptStatus === "PENDING");
    await vi.waitFor(async () => expect((await loom.look(run)).status).toBe("WAITING"));
    await loom.cancel(run);
    const events = await loom.follow(run);
    const ended = events.findIndex(({ type, runId }) => type === "run.cancelled" && runId !== run);
    const undone = events.findIndex(({ key }) => key === "undoA");
    expect([ended >= 0, undone > ended]).toEqual([true, true]);
    expect(events.at(-1)).toMatchObject({ type: "run.cancelled", runId: run });
  });

  it("waits for a person where what undoes something asks one, and for nobody about what was asked before", async () => {
    const run = await loom.start(
      await loom.create([
        value("a", "1", { undo: "undoA" }),
        { key: "before", kind: "approval", dependsOn: ["a"], config: { message: "Before?" } },
        { key: "undoA", kind: "approval", config: { message: "Undo?" } },
      ]),
    );
    const ask = async (message: string) => {
      let asked: RunEventSeen["interrupt"];
      await loom.follow(run, ({ interrupt }) => {
        if (interrupt?.message === message) asked = interrupt;
        return asked !== undefined;
      });
      return asked as NonNullable<typeof asked>;
    };
    const before = await ask("Before?");
    await loom.cancel(run);
    const undo = await ask("Undo?");
    expect(await loom.decide(before, { kind: "APPROVE" })).toBe("ConflictError");
    expect(await loom.decide(undo, { kind: "APPROVE" })).toBe("DecideInterruptPayload");
    await loom.follow(run);
    expect(statusesOf(await loom.look(run))).toEqual({ a: "SUCCEEDED", before: "CANCELLED", undoA: "SUCCEEDED" });
  });
});

describe("bad values", () => {
  it("fail the node with words for people, and nothing else breaks", async () => {
    const run = await loom.play([value("x", "input.missing.deep")]);
    expect(run).toMatchObject({
      status: "FAILED",
      failure: { code: "NODE_FAILED", message: expect.stringContaining("missing") as string },
    });
    const notAList = await loom.play(
      [{ key: "m", kind: "map", config: { over: "input.n", node: { kind: "transform", config: { expression: "item" } } } }],
      { n: 3 },
    );
    expect(notAList.failure?.message).toContain("list");
    const tooMany = await loom.play(
      [
        value("l", "input.list"),
        {
          key: "m",
          kind: "map",
          dependsOn: ["l"],
          config: { over: "nodes.l.output", node: { kind: "transform", config: { expression: "1" } } },
        },
      ],
      { list: Array.from({ length: 10_001 }, () => 0) },
    );
    expect(tooMany.failure?.message).toContain("10000 items");
  });
});

describe("a pause", () => {
  it("lets what is at work come to its end and starts nothing more until the run is resumed", async () => {
    const run = await loom.start(
      await loom.create([
        { key: "slow", kind: "tool", config: { tool: "loom.slow", arguments: {} } },
        value("after", "nodes.slow.output", { dependsOn: ["slow"] }),
      ]),
    );
    const finish = await loom.held.promise;
    const change = (name: string) =>
      loom.app.graphql(`mutation ($run: ID!) { ${name}(run: $run) { __typename ... on UserError { message } } }`, { run });
    await change("pauseRun");
    finish();
    await loom.follow(run, ({ type }) => type === "run.paused");
    expect(statusesOf(await loom.look(run))).toEqual({ slow: "SUCCEEDED" });
    await change("resumeRun");
    await loom.follow(run);
    expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: "done" });
  });

  it("leaves the items of a map that were not begun for later", async () => {
    await using other = await openLoom();
    const map = { over: "[1, 2, 3]", concurrency: 1, node: { kind: "tool", config: { tool: "loom.slow", arguments: {} } } };
    const run = await other.start(await other.create([{ key: "m", kind: "map", config: map }]));
    const finish = await other.held.promise;
    await other.app.graphql("mutation ($run: ID!) { pauseRun(run: $run) { __typename ... on UserError { message } } }", { run });
    finish();
    await other.follow(run, ({ type }) => type === "run.paused");
    expect(statusesOf(await other.look(run))).toEqual({ m: "RUNNING", "m/0": "SUCCEEDED" });
    await other.cancel(run);
    await other.follow(run);
    expect(await other.look(run)).toMatchObject({ status: "CANCELLED" });
  });
});

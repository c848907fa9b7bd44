import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { localId } from "#weftline";
import { crashCopy } from "../../../../src/testing/conformance/crash-copy.ts";
import { tool } from "../../capabilities/play.ts";
import { openLoom, statusesOf, type Loom, type NodeInput, type RunEventSeen } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  let knots = 0;
  const knot = tool("loom.knot", {
    approval: { when: "args.ask" },
    execute: () => {
      if (++knots === 1) throw new Error("it came loose");
      return "tied";
    },
  });
  loom = await openLoom({ tools: [knot] });
});
afterAll(() => loom.app.close());

const hang = { kind: "tool", config: { tool: "loom.hang", arguments: {} } };
const ask = { kind: "approval", config: { message: "Go on?" } };
const snap = { kind: "tool", config: { tool: "loom.snap", arguments: { thread: "timeout {{ input.id }}", times: 1 } } };

describe("a map that is tried again", () => {
  it("ends once and begins once more where an item fails while another waits for a person", async () => {
    const node = { kind: "tool", config: { tool: "loom.knot", arguments: { ask: "{{ item == 1 }}" } } };
    const run = await loom.start(await loom.create([{ key: "m", kind: "map", retry, config: { over: "[1, 2]", node } }]));
    let asked = 0;
    await loom.follow(run, async ({ interrupt, interruptStatus }) => {
      if (interrupt && interruptStatus === "PENDING" && ++asked === 2) await loom.decide(interrupt, { kind: "APPROVE" });
      return false;
    });
    const seen = await loom.look(run);
    expect(seen).toMatchObject({ status: "SUCCEEDED", output: ["tied", "tied"] });
    expect(seen.steps.filter(({ key }) => key === "m").map(({ status }) => status)).toEqual(["FAILED", "SUCCEEDED"]);
  });
});

const retry = { attempts: 2, delay: "PT0.01S" };
const hour = { key: "w", kind: "wait", config: { duration: "PT1H" } };

describe.each([
  ["over its time", {}],
  ["over its time and tried again", { retry }],
])("a node of runs below that is %s", (_, more) => {
  it.each([
    ["map", { over: "[1, 2]" }],
    ["loop", { while: "true", max: 2 }],
  ])("cancels those that wait, and ends with them for its time: a %s", async (kind, config) => {
    const node = { kind: "workflow", config: { workflow: { id: await loom.create([hour]) } } };
    const run = await loom.play([{ key: "m", kind, timeout: "PT0.05S", ...more, config: { ...config, node } }]);
    expect(run.failure).toMatchObject({ code: "NODE_FAILED", message: expect.stringContaining("50 ms") as string });
    expect(new Set(run.children.map(({ status }) => status))).toEqual(new Set(["CANCELLED"]));
    const nodes = run.steps.filter(({ key }) => key === "m");
    expect(nodes.map(({ status, error }) => [status, error?.includes("50 ms")])).toEqual(nodes.map(() => ["FAILED", true]));
    const items = run.steps.filter(({ key }) => key !== "m");
    expect(new Set(items.map(({ status }) => status))).toEqual(new Set(["CANCELLED"]));
  });

  it("ends for its time where the process is lost before the runs below have ended", async () => {
    const below = await loom.create([
      { key: "a", kind: "transform", undo: "undo", config: { expression: "1" } },
      { ...hour, dependsOn: ["a"] },
      { key: "undo", kind: "approval", config: { message: "Undo?" } },
    ]);
    const config = { over: "[1]", node: { kind: "workflow", config: { workflow: { id: below } } } };
    const run = await loom.start(await loom.create([{ key: "m", kind: "map", timeout: "PT0.3S", ...more, config }]));
    await loom.follow(run, ({ interruptStatus }) => interruptStatus === "PENDING");
    const dueAt = async () => {
      const [row] = await loom.app.platform.database.read.all<object>(
        "select status, lease_owner, due_at from runs_run where id = ?",
        localId("Run", run),
      );
      return row;
    };
    // It waits for the end of the run below, and for no time that is over.
    await vi.waitFor(async () => expect(await dueAt()).toEqual({ status: "WAITING", lease_owner: null, due_at: null }));
    const dataDir = crashCopy(loom.app.dataDir);
    await using other = await openLoom({ dataDir });
    await other.follow(run, async ({ interrupt, interruptStatus }) => {
      if (interrupt && interruptStatus === "PENDING") await other.decide(interrupt, { kind: "APPROVE" });
      return false;
    });
    const seen = await other.look(run);
    expect(seen.failure?.message).toContain("300 ms");
    expect(new Set(seen.steps.filter(({ key }) => key !== "m").map(({ status }) => status))).toEqual(new Set(["CANCELLED"]));
    await loom.cancel(run);
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe("an item that fails", () => {
  const asks = { key: "asks", kind: "approval", config: { message: "Go on?" } };
  const workflow = (id: string) => ({ kind: "workflow", config: { workflow: { id }, input: { waits: "{{ item == 1 }}" } } });
  const below: readonly (readonly [what: string, at: string, waiting: () => Promise<readonly NodeInput[]>])[] = [
    ["a wait", "w", async () => [hour]],
    [
      "a map of runs below",
      "w/1",
      async () => [{ ...hour, kind: "map", config: { over: "[1, 2]", node: workflow(await loom.create([hour])) } }],
    ],
    [
      "a loop of runs below",
      "w/0",
      async () => [{ ...hour, kind: "loop", config: { while: "true", max: 2, node: workflow(await loom.create([hour])) } }],
    ],
  ];
  it.each(
    below.flatMap(([what, ...rest]) => [
      [what, "", {}, ...rest] as const,
      [what, ", also where the map is tried again", { retry }, ...rest] as const,
    ]),
  )("cancels the run of another that is at %s, and its run ends%s", async (_, __, more, at, waiting) => {
    const nodes = await waiting();
    const id = await loom.create([...nodes.map((node) => ({ ...node, when: "input.waits" })), { ...asks, when: "!input.waits" }]);
    const run = await loom.start(await loom.create([{ key: "m", kind: "map", ...more, config: { over: "[1, 2]", node: workflow(id) } }]));
    let waits = 0;
    const asked: NonNullable<RunEventSeen["interrupt"]>[] = [];
    await loom.follow(run, async ({ interrupt, interruptStatus, runId, key }) => {
      if (runId !== run && key === at) waits++;
      if (interrupt && interruptStatus === "PENDING") asked.push(interrupt);
      const [question] = asked;
      if (!question || waits < 1) return false;
      asked.shift();
      waits = 0;
      await loom.decide(question, { kind: "REJECT", reason: "It tears." });
      return false;
    });
    const seen = await loom.look(run);
    expect(seen.failure?.message).toContain("m/1: ");
    expect(seen.failure?.message).toContain("It tears.");
    expect(statusesOf(seen)).toEqual({ m: "FAILED", "m/0": "CANCELLED", "m/1": "FAILED" });
    expect(new Set(seen.children.map(({ status }) => status))).toEqual(new Set(["CANCELLED", "FAILED"]));
  });
});

describe("the timeout of a map or a loop", () => {
  it.each<readonly [what: string, kind: string, config: object]>([
    ["items are at work", "map", { over: "[1, 2, 3]", concurrency: 2, node: hang }],
    ["items wait for a person", "map", { over: "[1, 2]", node: ask }],
    ["an item waits to be tried again", "map", { over: "[1]", node: { ...snap, retry: { attempts: 2, delay: "PT1H" } } }],
    ["its round is at work", "loop", { while: "true", max: 2, node: hang }],
    ["its round waits", "loop", { while: "true", max: 2, node: { kind: "wait", config: { duration: "PT1H" } } }],
  ])("ends it and what it has begun, while %s", async (what, kind, config) => {
    const run = await loom.play([{ key: "m", kind, timeout: "PT0.02S", config }], { id: what });
    expect(run).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED", message: expect.stringContaining("20 ms") as string } });
    const { m, ...items } = statusesOf(run);
    expect(m).toBe("FAILED");
    expect(new Set(Object.values(items))).toEqual(new Set(["CANCELLED"]));
  });

  it("is of one attempt: the next has its own", async () => {
    const wait = { kind: "wait", config: { duration: "PT1H" } };
    const run = await loom.play([{ key: "m", kind: "map", timeout: "PT0.02S", retry, config: { over: "[1]", node: wait } }]);
    expect(run.status).toBe("FAILED");
    expect(run.steps.filter(({ key }) => key === "m").map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, "FAILED"],
      [2, "FAILED"],
    ]);
  });

  it("does nothing where it ends in time", async () => {
    const config = { over: "[1, 2]", node: { kind: "transform", config: { expression: "item" } } };
    expect(await loom.play([{ key: "m", kind: "map", timeout: "PT1H", config }])).toMatchObject({ status: "SUCCEEDED", output: [1, 2] });
  });
});

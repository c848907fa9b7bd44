import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tool } from "../../capabilities/play.ts";
import { openLoom, statusesOf, type Loom } from "./loom.ts";

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
    const retry = { attempts: 2, delay: "PT0.01S" };
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

it.each([
  ["that is over its time", {}],
  ["that is over its time and tried again", { retry: { attempts: 2, delay: "PT0.01S" } }],
])("a map of runs below %s cancels those that wait, and ends with them", async (_, more) => {
  const workflow = await loom.create([{ key: "w", kind: "wait", config: { duration: "PT1H" } }]);
  const node = { kind: "workflow", config: { workflow: { id: workflow } } };
  const run = await loom.play([{ key: "m", kind: "map", timeout: "PT0.05S", ...more, config: { over: "[1, 2]", node } }]);
  expect(run).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED" } });
  expect(new Set(run.children.map(({ status }) => status))).toEqual(new Set(["CANCELLED"]));
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
    const retry = { attempts: 2, delay: "PT0.01S" };
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

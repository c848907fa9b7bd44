import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeDefinition, WorkflowDefinition } from "../../../../src/plugins/workflows/definition/types.ts";
import { runOutput, toCompensate } from "../../../../src/plugins/workflows/state/outcome.ts";
import { planOf } from "../../../../src/plugins/workflows/state/plan.ts";
import { Scheduler } from "../../../../src/plugins/workflows/state/scheduler.ts";
import { foldUnits, takeRecord, type UnitRecord, type UnitStatus } from "../../../../src/plugins/workflows/state/units.ts";
import { anyNodes, chosenBy, expectedOf, type Scripted } from "./reference.ts";

/** Numbers from 0 to 1 by a seed (mulberry32), which a failing case can name in a word. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const outputOf = (node: Scripted): unknown => (node.kind === "branch" ? (chosenBy(node) ?? null) : `output of ${node.key}`);

/** Plays a run: what is started ends in any order, and at any time the state is lost and folded anew from the records. */
function play(
  nodes: readonly Scripted[],
  order: () => number,
): { readonly units: Map<string, UnitRecord>; readonly failed: string | undefined } {
  const definition: WorkflowDefinition = { nodes };
  const plan = planOf(definition);
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const records: UnitRecord[] = [];
  let num = 0;
  const end = (units: Map<string, UnitRecord>, key: string, status: UnitStatus, output?: unknown): void => {
    const record = { num: ++num, stepId: `s${num}`, key, attempt: 1, status, output, hasDue: false, finishedAt: num };
    records.push(record);
    takeRecord(units, record);
  };
  for (;;) {
    const units = foldUnits(records.toSorted(() => order() - 0.5));
    const scheduler = new Scheduler(plan, units);
    let decision = scheduler.begin();
    const running: string[] = [];
    for (;;) {
      if (decision.failed !== undefined) return { units, failed: decision.failed };
      for (const key of decision.skip) end(units, key, "SKIPPED");
      running.push(...decision.start);
      if (running.length === 0) {
        expect(scheduler.hasWaiting).toBe(false);
        return { units, failed: undefined };
      }
      // The process is lost: what was at work is started again by the next.
      if (order() < 0.1) break;
      const [key = ""] = running.splice(Math.floor(order() * running.length), 1);
      const node = byKey.get(key);
      if (node?.skips) end(units, key, "SKIPPED");
      else if (node?.fails) end(units, key, "FAILED");
      else end(units, key, "SUCCEEDED", node && outputOf(node));
      decision = scheduler.next([key]);
    }
  }
}

describe("what is done next in a workflow", () => {
  it("comes to the same end whatever the order of events and however often the process is lost", () => {
    fc.assert(
      fc.property(anyNodes(), fc.integer(), (nodes, seed) => {
        const expected = expectedOf(nodes);
        const { units, failed } = play(nodes, randomOf(seed));
        if (failed !== undefined) return void expect(expected.failed).toContain(failed);
        expect(expected.failed.size).toBe(0);
        expect(Object.fromEntries([...units].map(([key, { status }]) => [key, status]))).toEqual(Object.fromEntries(expected.statuses));
      }),
      { numRuns: 500 },
    );
  });

  it("looks at a thousand nodes that wait for one another in a time that grows with them alone", () => {
    const looks = (count: number): number => {
      const nodes = Array.from({ length: count }, (_, at): NodeDefinition => ({
        ...plain(`n${at}`),
        dependsOn: at === 0 ? [] : [`n${at - 1}`],
      }));
      let read = 0;
      const units = new Map<string, UnitRecord>();
      const counted = new Proxy(units, {
        get: (target, name) => {
          if (name === "get" || name === "has") read++;
          const value = Reflect.get(target, name) as unknown;
          return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
        },
      });
      const scheduler = new Scheduler(planOf({ nodes }), counted);
      let decision = scheduler.begin();
      while (decision.start.length > 0) {
        const [key = ""] = decision.start;
        takeRecord(units, { num: units.size + 1, stepId: "", key, attempt: 1, status: "SUCCEEDED", hasDue: false });
        decision = scheduler.next([key]);
      }
      expect(units.size).toBe(count);
      return read;
    };
    expect(looks(1_000) / looks(100)).toBeLessThan(12);
  });
});

it("names the node that failed a run, and not one that was stopped since it had", () => {
  const nodes = [plain("a"), plain("b"), plain("c", { onError: "ROUTE", errorNode: "e" }), plain("e"), plain("d")];
  const records = [
    ended("a", { num: 1, status: "CANCELLED" }),
    ended("b", { num: 2, status: "CANCELLED" }),
    ended("c", { num: 3, status: "FAILED" }),
    ended("e", { num: 4, status: "CANCELLED" }),
    ended("d", { num: 5, status: "FAILED" }),
  ];
  expect(new Scheduler(planOf({ nodes }), foldUnits(records)).begin().failed).toBe("d");
});

function plain(key: string, more: Partial<NodeDefinition> = {}): NodeDefinition {
  return { key, name: key, kind: "transform", dependsOn: [], config: {}, join: "ALL", onError: "FAIL", ...more };
}

const ended = (key: string, more: Partial<UnitRecord> = {}): UnitRecord => ({
  num: 1,
  stepId: key,
  key,
  attempt: 1,
  status: "SUCCEEDED",
  hasDue: false,
  ...more,
});

describe("records of units", () => {
  it("fold to the same units in any order and however often they come: what is done stays done", () => {
    const anyRecord = fc.record({
      num: fc.integer({ min: 1, max: 6 }),
      status: fc.constantFrom<UnitStatus>("RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"),
      key: fc.constantFrom("a", "b/0"),
    });
    const uniqueByNum = fc.uniqueArray(anyRecord, { selector: ({ num, key }) => `${key}#${num}`, maxLength: 8 });
    fc.assert(
      fc.property(uniqueByNum, fc.integer(), (raw, seed) => {
        const random = randomOf(seed);
        const records = raw.flatMap(({ num, status, key }) => {
          const record = ended(key, { num, attempt: num, status, stepId: `${key}#${num}` });
          return status === "RUNNING" ? [record] : [ended(key, { ...record, status: "RUNNING" }), record];
        });
        const shuffled = [...records, ...records].toSorted(() => random() - 0.5);
        expect(Object.fromEntries(foldUnits(shuffled))).toEqual(Object.fromEntries(foldUnits(records)));
        const done = records.filter(({ status }) => status === "SUCCEEDED" || status === "SKIPPED");
        for (const { key } of done) expect(["SUCCEEDED", "SKIPPED"]).toContain(foldUnits(shuffled).get(key)?.status);
      }),
    );
  });
});

describe("what a run gives", () => {
  it("is the value of its one last node, an object by key of several, and nothing of skipped ones", async () => {
    const one = planOf({ nodes: [plain("a"), plain("b", { dependsOn: ["a"] })] });
    const two = planOf({ nodes: [plain("a"), plain("b")] });
    const units = new Map([ended("a", { output: 1 }), ended("b", { output: 2 })].map((unit) => [unit.key, unit]));
    expect(await runOutput(one, units)).toBe(2);
    expect(await runOutput(two, units)).toEqual({ a: 1, b: 2 });
    expect(await runOutput(two, new Map([...units, ["b", ended("b", { status: "SKIPPED" })]]))).toBe(1);
  });

  it("of a node that failed is what took over for it", async () => {
    const plan = planOf({ nodes: [plain("a", { onError: "ROUTE", errorNode: "rescue" }), plain("rescue")] });
    const units = new Map([ended("a", { status: "FAILED" }), ended("rescue", { output: "saved" })].map((unit) => [unit.key, unit]));
    expect(await runOutput(plan, units)).toBe("saved");
  });
});

describe("what is undone", () => {
  it("are the nodes that succeeded and name what undoes them, the last that ended first", () => {
    const plan = planOf({
      nodes: [
        plain("a", { undo: "undoA" }),
        plain("b", { undo: "undoB" }),
        plain("c", { undo: "undoC" }),
        plain("undoA"),
        plain("undoB"),
        plain("undoC"),
      ],
    });
    const units = new Map(
      [ended("a", { finishedAt: 1 }), ended("b", { finishedAt: 5 }), ended("c", { status: "FAILED" })].map((unit) => [unit.key, unit]),
    );
    expect(toCompensate(plan, units).map(({ key }) => key)).toEqual(["b", "a"]);
  });
});

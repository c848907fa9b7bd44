import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderByDependency, type Orderable } from "../../src/core/kernel/order.ts";

const graph = (edges: Record<string, string[]>): Orderable[] => Object.entries(edges).map(([id, after]) => ({ id, after }));

function orderOf(items: readonly Orderable[]): string[] {
  const sorted = orderByDependency(items);
  if ("circles" in sorted) return expect.fail(`circles: ${JSON.stringify(sorted.circles)}`);
  return sorted.order;
}

function circlesOf(items: readonly Orderable[]): string[][] {
  const sorted = orderByDependency(items);
  return "circles" in sorted ? sorted.circles : [];
}

/** Edges point to lower numbers only, so there is no circle; then the list is shuffled. */
const acyclic = fc
  .integer({ min: 1, max: 25 })
  .chain((size) =>
    fc.record({
      edges: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 60 }),
      list: fc.shuffledSubarray(
        Array.from({ length: size }, (_, at) => at),
        { minLength: size, maxLength: size },
      ),
    }),
  )
  .map(({ edges, list }) => {
    const after = new Map(list.map((at) => [at, new Set<number>()]));
    for (const [a, b] of edges) if (a !== b) after.get(Math.max(a, b))?.add(Math.min(a, b));
    return list.map((at) => ({ id: `p${at}`, after: [...(after.get(at) ?? [])].map((other) => `p${other}`) }));
  });

describe("orderByDependency", () => {
  it("puts each behind what it needs", () => {
    expect(orderOf(graph({ chat: ["runs", "agents"], agents: ["runs"], runs: [] }))).toEqual(["runs", "agents", "chat"]);
  });

  it("keeps the order of the list among the free ones", () => {
    expect(orderOf(graph({ c: [], a: [], b: [] }))).toEqual(["c", "a", "b"]);
    expect(orderOf(graph({ c: ["z"], a: [], z: [], b: [] }))).toEqual(["z", "c", "a", "b"]);
  });

  it("leaves a list alone that is in order", () => {
    fc.assert(
      fc.property(acyclic, (items) => {
        const order = orderOf(items);
        const byId = new Map(items.map((item) => [item.id, item]));
        expect(orderOf(order.map((id) => byId.get(id) as Orderable))).toEqual(order);
      }),
    );
  });

  it("ignores ids that are not in the list", () => {
    expect(orderOf(graph({ a: ["host"], b: ["a", "host"] }))).toEqual(["a", "b"]);
  });

  it("sorts any graph without a circle, each item once", () => {
    fc.assert(
      fc.property(acyclic, (items) => {
        const order = orderOf(items);
        expect(order.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
        for (const { id, after } of items) for (const before of after) expect(order.indexOf(before)).toBeLessThan(order.indexOf(id));
      }),
    );
  });

  it("moves nothing without need: whoever passed another is needed by one that was listed no later", () => {
    fc.assert(
      fc.property(acyclic, (items) => {
        const needs = reachable(items);
        const order = orderOf(items);
        for (const [at, passed] of items.entries()) {
          const early = new Set(items.slice(0, at + 1).flatMap(({ id }) => [...(needs.get(id) ?? [])]));
          for (const { id } of items.slice(at + 1)) if (order.indexOf(id) < order.indexOf(passed.id)) expect(early).toContain(id);
        }
      }),
    );
  });

  it("reports a circle in any graph that has one, as a walk along its edges", () => {
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat()), (items, random) => {
        const next = (below: number): number => (random.next().value as number) % below;
        const from = items[next(items.length)] as Orderable;
        const needs = [...(reachable(items).get(from.id) ?? []), from.id];
        const to = needs[next(needs.length)] as string;
        // An edge back from what `from` needs, or from itself, closes a circle.
        const circular = items.map((item) => (item.id === to ? { ...item, after: [...item.after, from.id] } : item));
        const circles = circlesOf(circular);
        expect(circles.length).toBeGreaterThan(0);
        const edges = new Map(circular.map(({ id, after }) => [id, after]));
        for (const circle of circles) {
          expect(circle.length).toBeGreaterThan(1);
          expect(circle[0]).toBe(circle.at(-1));
          for (const [at, id] of circle.slice(0, -1).entries()) expect(edges.get(id)).toContain(circle[at + 1]);
        }
      }),
    );
  });

  it("names one that needs itself, and two circles apart", () => {
    expect(circlesOf(graph({ a: ["a"] }))).toEqual([["a", "a"]]);
    expect(circlesOf(graph({ a: ["b"], b: ["a"], c: ["d"], d: ["c"], e: [] }))).toEqual([
      ["a", "b", "a"],
      ["c", "d", "c"],
    ]);
  });

  it("takes a deep chain and a dense graph in its stride", () => {
    const chain = Array.from({ length: 2_000 }, (_, at) => ({ id: `p${at}`, after: at === 1_999 ? [] : [`p${at + 1}`] }));
    expect(orderOf(chain)[0]).toBe("p1999");
    const dense = Array.from({ length: 300 }, (_, at) => ({
      id: `p${at}`,
      after: Array.from({ length: at }, (__, before) => `p${before}`),
    }));
    expect(orderOf(dense.toReversed())).toEqual(dense.map(({ id }) => id));
  });
});

function reachable(items: readonly Orderable[]): Map<string, Set<string>> {
  const byId = new Map(items.map((item) => [item.id, item]));
  const walk = (id: string, seen: Set<string>): Set<string> => {
    for (const before of byId.get(id)?.after ?? []) {
      if (seen.has(before)) continue;
      seen.add(before);
      walk(before, seen);
    }
    return seen;
  };
  return new Map(items.map(({ id }) => [id, walk(id, new Set())]));
}

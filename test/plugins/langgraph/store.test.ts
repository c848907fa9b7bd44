import * as checkpointing from "@langchain/langgraph-checkpoint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run, type Viewer } from "#weftline";
import { LangGraphItem } from "../../../src/plugins/langgraph/entities.ts";
import { createStore, storeLimits } from "../../../src/plugins/langgraph/store.ts";
import { testViewer } from "../../../src/testing/index.ts";
import { Studio } from "./studio.ts";

let studio: Studio;
beforeAll(async () => {
  studio = await Studio.open({ config: { graphs: { remembering: "./test/plugins/langgraph/graphs/travel.ts:remembering" } } });
  for (const viewer of [undefined, testViewer("bob"), { ...testViewer("bob"), tenantId: "elsewhere" }])
    await studio.app.graphql(
      `mutation { createAgent(input: { name: "mind", framework: "langgraph", options: { graph: "remembering", output: "known" } }) { __typename } }`,
      {},
      viewer,
    );
});
afterAll(() => studio.app.close());

async function remember(fact: string, viewer?: Viewer): Promise<string> {
  const { startRun } = await studio.app.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
    { input: { target: { agent: { name: "mind" } }, input: { fact } } },
    viewer,
  );
  const see = async () => {
    const query = "query ($id: ID!) { run(id: $id) { status text } }";
    const { run } = await studio.app.graphql<{ run: { status: string; text: string } }>(query, { id: startRun.run.id }, viewer);
    return run;
  };
  await expect.poll(see).toMatchObject({ status: "SUCCEEDED" });
  return (await see()).text;
}

/** The store as a graph of somebody has it, by one of their runs. */
async function storeOf(where: { readonly ownerId: string; readonly tenantId: string }) {
  const { database } = studio.app.platform;
  const [run] = await database.em("SYSTEM").find(Run, where);
  return createStore({ checkpointing }, database, run?.id ?? "");
}

describe("what graphs store", () => {
  it("is there in later runs of the same owner, after a restart too, and for nobody else", async () => {
    expect(await remember("looms")).toBe('["looms"]');
    expect(await remember("no")).toBe('["looms"]');
    await studio.app.restart();
    expect(await remember("yarn")).toBe('["looms","yarn"]');
    expect(await remember("silk", testViewer("bob"))).toBe('["silk"]');
    expect(await remember("hemp", { ...testViewer("bob"), tenantId: "elsewhere" })).toBe('["hemp"]');
    const bob = testViewer("bob");
    const here = await storeOf({ ownerId: bob.actorId, tenantId: bob.tenantId });
    const there = await storeOf({ ownerId: bob.actorId, tenantId: "elsewhere" });
    await here.put(["shared"], "k", { from: "here" });
    await there.put(["shared"], "k", { from: "there" });
    await there.delete(["facts", "all"], "silk");
    expect(await here.get(["shared"], "k")).toMatchObject({ value: { from: "here" } });
    expect((await here.search([])).map(({ key }) => key).toSorted()).toEqual(["k", "silk"]);
    expect(await there.listNamespaces()).toEqual([["facts", "all"], ["shared"]]);
  });

  it("does what LangGraph's own store does with the same operations", async () => {
    const bob = testViewer("bob");
    const ours = await storeOf({ ownerId: bob.actorId, tenantId: bob.tenantId });
    for (const { namespace, key } of await ours.search([], { limit: 100 })) await ours.delete(namespace, key);
    const theirs = new checkpointing.InMemoryStore();
    const both = async (operations: checkpointing.Operation[]): Promise<void> => {
      const [mine, wanted] = [await ours.batch(operations), await theirs.batch(operations)].map(comparable);
      expect([operations, mine]).toEqual([operations, wanted]);
    };
    const names = [["a"], ["a", "b"], ["a", "b", "c"], ["a_b"], ["A", "b"], ["ab"], ["a", "bc"], ["ä", "b%"], ["z", "b"]];
    for (const [at, namespace] of names.entries())
      for (const key of ["one", "two.dots", "Three"])
        await both([{ namespace, key, value: { at, key, deep: { n: at }, tag: at % 2 === 0 ? "even" : "odd", none: null } }]);
    await both([
      { namespace: ["a"], key: "one", value: { replaced: true } },
      { namespace: ["a"], key: "new", value: { n: 1 } },
      { namespace: ["a"], key: "new" },
    ]);
    await both([{ namespace: ["a"], key: "one" }]);
    await both([{ namespace: ["a"], key: "new", value: null }]);
    await both([{ namespace: ["a", "b"], key: "one", value: null }]);
    await both([{ namespace: ["a", "b"], key: "one" }]);
    await both([{ namespace: ["a"], key: "nothing", value: null }]);
    await both([
      { namespace: ["twice"], key: "k", value: { n: 1 } },
      { namespace: ["twice"], key: "k", value: { n: 2 } },
    ]);
    await both([
      { namespace: ["twice"], key: "k" },
      { namespace: ["twice"], key: "K" },
    ]);
    for (const namespacePrefix of [[], ["a"], ["a", "b"], ["A"], ["ä"], ["none"]])
      for (const filter of [
        undefined,
        { tag: "even" },
        { at: { $gte: 2, $lt: 6 } },
        { at: { $ne: 1 } },
        { at: { $in: [1, 5] } },
        { at: { $nin: [1, 5] } },
        { at: { $eq: 3 }, key: "one" },
        { none: null },
        { missing: "x" },
      ])
        await both([{ namespacePrefix, limit: 100, ...(filter ? { filter } : {}) }]);
    for (const matchConditions of [
      [],
      [{ matchType: "prefix" as const, path: ["a"] }],
      [{ matchType: "prefix" as const, path: ["*", "b"] }],
      [{ matchType: "suffix" as const, path: ["b"] }],
      [
        { matchType: "prefix" as const, path: ["a"] },
        { matchType: "suffix" as const, path: ["c"] },
      ],
    ])
      for (const maxDepth of [1, 2, 9]) await both([{ matchConditions, maxDepth, limit: 100, offset: 0 }]);
    const pages = await Promise.all([0, 4, 8].map((offset) => ours.search(["a"], { limit: 4, offset })));
    expect(pages.map(({ length }) => length)).toEqual([4, 4, 3]);
    expect(new Set(pages.flat().map(({ namespace, key }) => [...namespace, key].join())).size).toBe(11);
  });

  it("has limits, and what is beyond them changes nothing", async () => {
    const bob = testViewer("bob");
    const store = await storeOf({ ownerId: bob.actorId, tenantId: bob.tenantId });
    const before = (await store.search([], { limit: 1_000 })).length;
    const large = { text: "x".repeat(storeLimits.valueBytes) };
    const refusal = (problem: RegExp) => ({ code: "STATE_REFUSED", message: expect.stringMatching(problem) });
    const both = store.batch([
      { namespace: ["fits"], key: "k", value: {} },
      { namespace: ["fits"], key: "l", value: large },
    ]);
    await expect(both).rejects.toMatchObject(refusal(/256 KiB/));
    await expect(store.put(["n".repeat(1_000)], "k".repeat(100), {})).rejects.toMatchObject(refusal(/1024 characters/));
    await expect(store.batch([{ namespace: ["a.b"], key: "k", value: {} }])).rejects.toMatchObject(refusal(/labels/));
    await expect(store.search([], { limit: 1_001 })).rejects.toMatchObject(refusal(/1000 at most/));
    await expect(store.search([], { filter: { at: { $like: "x" } } })).rejects.toMatchObject(refusal(/no comparison \$like/));
    expect(await store.search([], { limit: 1_000 })).toHaveLength(before);

    const { database } = studio.app.platform;
    const { tenantId, actorId: ownerId } = bob;
    await database.write(bob, async ({ em }) => {
      for (let n = before; n < storeLimits.items; n++)
        em.persist(
          em.create(LangGraphItem, {
            id: `i${n}`,
            tenantId,
            ownerId,
            namespace: "m",
            key: `${n}`,
            value: { n },
            createdAt: 0,
            updatedAt: 0,
          }),
        );
    });
    await expect(store.put(["m"], "more", {})).rejects.toMatchObject(refusal(/10000 items/));
    await store.put(["m"], `${before}`, { replaced: true });
    await store.delete(["m"], `${before}`);
    await store.put(["m"], "more", {});
    expect(await store.search(["m"], { filter: { n: 9_000 } })).toHaveLength(1);
  });
});

/** Results without the times, and without an order where theirs is that of insertion. */
function comparable(results: unknown): unknown {
  return (results as readonly unknown[]).map((result) => {
    if (!Array.isArray(result)) return itemOf(result);
    return result.map(itemOf).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  });
}

function itemOf(each: unknown): unknown {
  if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
  const { namespace, key, value } = each as checkpointing.Item;
  return { namespace, key, value };
}

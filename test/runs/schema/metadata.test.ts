import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { admin, alice, auditor, bob, bootLoom } from "./fixtures.ts";
import { eventsOf, startRun } from "./verbs.ts";

const list = `query ($filter: RunFilter, $scope: ListScope) { runs(filter: $filter, scope: $scope) { nodes { id metadata } totalCount } }`;

interface Listed {
  readonly runs: { readonly nodes: readonly { readonly id: string; readonly metadata: object }[]; readonly totalCount: number };
}

let app: TestPlatform;
const runs: Record<string, string> = {};
beforeAll(async () => {
  app = await bootLoom({ turn: async function* () {} });
  const all = {
    none: {},
    shop: { metadata: { app: "shop", order: 7, tags: ["a", { b: 1 }] } },
    other: { metadata: { app: "shop", order: 8, constructor: "x" } },
  };
  for (const [name, input] of Object.entries(all)) runs[name] = await startRun(app, input);
});
afterAll(() => app.close());

const find = async (metadata: object, viewer = alice, scope = "MINE"): Promise<(string | undefined)[]> => {
  const { runs: page } = await app.graphql<Listed>(list, { filter: { metadata }, scope }, viewer);
  expect(page.totalCount).toBe(page.nodes.length);
  return page.nodes.map(({ id }) => Object.keys(runs).find((name) => runs[name] === id));
};

describe("the metadata of a run", () => {
  it("is shown as it was given, and is empty where there is none", async () => {
    const metadata = async (id: string | undefined) =>
      (await app.graphql<{ run: { metadata: object } }>("query ($id: ID!) { run(id: $id) { metadata } }", { id }, alice)).run.metadata;
    expect(await metadata(runs["shop"])).toEqual({ app: "shop", order: 7, tags: ["a", { b: 1 }] });
    expect(await metadata(runs["none"])).toEqual({});
  });

  it.each<[string, object, string[]]>([
    ["one member", { app: "shop" }, ["other", "shop"]],
    ["two members", { app: "shop", order: 7 }, ["shop"]],
    ["a value whole, however its members are ordered", { tags: ["a", { b: 1 }] }, ["shop"]],
    ["no part of a value", { tags: ["a"] }, []],
    ["no number as text", { order: "7" }, []],
    ["a member whose name every object knows", { constructor: "x" }, ["other"]],
    ["no member that only objects have", { toString: "x" }, []],
    ["all where no member is named", {}, ["other", "shop", "none"]],
  ])("finds its run by %s", async (_, metadata, names) => {
    expect(await find(metadata)).toEqual(names);
  });

  it("finds and shows runs of others only to admins who may audit", async () => {
    expect(await find({ app: "shop" }, bob)).toEqual([]);
    expect(await find({ app: "shop" }, admin, "TENANT")).toEqual([]);
    expect(await find({ app: "shop" }, auditor, "TENANT")).toEqual(["other", "shop"]);
    const { runs: page } = await app.graphql<Listed>(list, { filter: {}, scope: "TENANT" }, admin);
    expect(page.nodes.map(({ metadata }) => metadata)).toEqual([{}, {}, {}]);
  });

  it("goes with a retry", async () => {
    await eventsOf(app, runs["shop"] ?? "");
    const retry = "mutation ($run: ID!) { retryRun(input: { run: $run }) { ... on RetryRunPayload { run { metadata } } } }";
    const { retryRun } = await app.graphql<{ retryRun: { run: { metadata: object } } }>(retry, { run: runs["shop"] }, alice);
    expect(retryRun.run.metadata).toMatchObject({ app: "shop", order: 7 });
  });

  const nested = (levels: number): object => (levels === 0 ? {} : { in: nested(levels - 1) });
  it.each<[string, unknown, RegExp]>([
    ["a list", [1], /JSON object/],
    ["text", "shop", /JSON object/],
    ["too many members", Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`m${at}`, at])), /at most 32 members/],
    ["a name that is too long", { ["n".repeat(101)]: 1 }, /1 to 100 characters/],
    ["a name of nothing", { "": 1 }, /1 to 100 characters/],
    ["too much depth", nested(9), /at most 8 levels/],
    ["too many bytes", { text: "ä".repeat(9_000) }, /at most 16 KiB/],
  ])("refuses %s, when a run is started and in a filter", async (_, metadata, says) => {
    const start = `mutation ($input: StartRunInput!) { startRun(input: $input) { __typename ... on InvalidInputError { issues { path message } } } }`;
    const { startRun: refused } = await app.graphql<{ startRun: { __typename: string; issues: object[] } }>(
      start,
      { input: { target: { pattern: "twill" }, metadata } },
      alice,
    );
    expect(refused).toEqual({
      __typename: "InvalidInputError",
      issues: [{ path: ["input", "metadata"], message: expect.stringMatching(says) }],
    });
    await expect(app.graphql(list, { filter: { metadata } }, alice)).rejects.toThrow(says);
  });

  it("takes what is just within", async () => {
    const run = await startRun(app, { metadata: { ...nested(7), text: "x".repeat(15_000) } });
    expect(await app.graphql("query ($id: ID!) { run(id: $id) { id } }", { id: run }, alice)).toEqual({ run: { id: run } });
  });
});

it("an actor is found by its id within its tenant, and filters the runs of admins", async () => {
  const owner = globalId("Actor", `test/${alice.actorId}`);
  const node = "query ($id: ID!) { node(id: $id) { ... on Actor { id name kind self } } }";
  expect(await app.graphql(node, { id: owner }, alice)).toEqual({ node: { id: owner, name: alice.name, kind: "USER", self: true } });
  expect(await app.graphql(node, { id: owner }, bob)).toMatchObject({ node: { self: false } });
  expect(await app.graphql(node, { id: globalId("Actor", "test/nobody") }, alice)).toEqual({ node: null });
  const count = async (viewer: typeof alice, scope: string, of: string) =>
    (await app.graphql<Listed>(list, { filter: { owner: globalId("Actor", `test/${of}`) }, scope }, viewer)).runs.totalCount;
  expect(await count(admin, "TENANT", alice.actorId)).toBeGreaterThan(2);
  expect(await count(admin, "TENANT", bob.actorId)).toBe(0);
  expect(await count(bob, "MINE", alice.actorId)).toBe(0);
});

it("an actor that is a service says so once it acted", async () => {
  const service = { ...bob, actorId: "ci", name: "CI", kind: "SERVICE" } as const;
  const start = `mutation { startRun(input: { target: { pattern: "twill" } }) { ... on StartRunPayload { run { owner { id kind } } } } }`;
  const id = globalId("Actor", "test/ci");
  expect(await app.graphql(start, {}, service)).toEqual({ startRun: { run: { owner: { id, kind: "SERVICE" } } } });
  expect(await app.graphql("query ($id: ID!) { node(id: $id) { ... on Actor { kind } } }", { id }, alice)).toEqual({
    node: { kind: "SERVICE" },
  });
});

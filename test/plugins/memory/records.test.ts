import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definePlugin } from "../../../src/core/index.ts";
import { memory } from "../../../src/plugins/index.ts";
import { embedders, type Embedder } from "../../../src/plugins/memory/contract.ts";
import { admin, ada, bob, eve, remembering, type Remembering } from "./world.ts";

let world: Remembering;
beforeAll(async () => void (world = await remembering(memory({ embedder: "lexical-hash-384", sweepMs: 100 }))));
afterAll(() => world.app.close());

describe("a fact", () => {
  it("is remembered, listed, found by its words with the reason, changed, and forgotten with what it superseded", async () => {
    const kept = await world.keep("The customer resets her password every Monday.", undefined, { metadata: { about: "customer" } });
    expect(kept).toMatchObject({
      scope: "USER",
      scopeId: null,
      metadata: { about: "customer" },
      embedder: "lexical-hash-384",
      supersededBy: null,
    });
    expect((await world.search("When does the customer reset passwords?"))?.[0]).toMatchObject({
      record: { id: kept.id },
      matchedBy: expect.arrayContaining(["VECTOR", "KEYWORD"]),
    });
    const changed = await world.update(kept.id, { text: "The customer resets her password every Friday." });
    expect(changed.record?.text).toContain("Friday");
    expect((await world.node(kept.id))?.supersededBy).toEqual({ id: changed.record?.id });
    const found = (await world.search("customer password")) ?? [];
    expect(found.map(({ record }) => record.id)).toContain(changed.record?.id);
    expect(found.map(({ record }) => record.id)).not.toContain(kept.id);
    expect(await world.update(kept.id, { text: "Another" })).toMatchObject({ code: "CONFLICT" });
    expect(await world.forget(changed.record?.id ?? "")).toMatchObject({ deletedRecordId: changed.record?.id });
    expect(await world.node(kept.id)).toBeNull();
    expect(await world.search("customer password")).toEqual([]);
  });

  it("that says the same as another of its scope is one with it", async () => {
    const first = await world.keep("Tea is preferred.", undefined, { metadata: { a: 1 }, ttl: "PT1H" });
    const second = await world.keep("  the tea is  PREFERRED! ", undefined, { metadata: { b: 2 } });
    expect(second).toMatchObject({ id: first.id, text: "Tea is preferred.", metadata: { a: 1, b: 2 }, expiresAt: null });
    const elsewhere = await world.keep("Tea is preferred.", undefined, {}, bob);
    expect(elsewhere.id).not.toBe(first.id);
  });

  it("is remembered once by a request that is sent again", async () => {
    const input = { idempotencyKey: "once" };
    const first = await world.keep("Sent once.", undefined, input);
    expect((await world.keep("Sent once.", undefined, input)).id).toBe(first.id);
    expect(await world.remember("Something else.", undefined, input)).toMatchObject({ __typename: "ConflictError" });
  });

  it("is gone when its time is over, and its row soon after", async () => {
    const kept = await world.keep("Here for a moment.", undefined, { ttl: "PT0.3S" });
    expect(await world.node(kept.id)).not.toBeNull();
    await expect.poll(() => world.node(kept.id)).toBeNull();
    const rows = () => world.app.platform.database.read.get("select 1 from memory_record where text = 'Here for a moment.'");
    await expect.poll(rows, { timeout: 5_000 }).toBeUndefined();
  });

  it("is found by what stands in its metadata, and left out below a score", async () => {
    await world.keep("Blue loom in hall one.", undefined, { metadata: { hall: 1, tags: ["x"] } });
    const two = await world.keep("Blue loom in hall two.", undefined, { metadata: { hall: 2 } });
    const hits = await world.search("blue loom", { metadata: { hall: 2 } });
    expect(hits?.map(({ record }) => record.id)).toEqual([two.id]);
    expect(await world.search("blue loom", { minScore: 1.1 })).toEqual([]);
  });

  it.each([
    ["nothing to say", "", undefined, {}, ["input", "text"]],
    ["too much", "x".repeat(8_001), undefined, {}, ["input", "text"]],
    ["metadata that is no object", "a", undefined, { metadata: [1] }, ["input", "metadata"]],
    ["a scope without its id", "a", { scope: "THREAD" }, {}, ["input", "scope", "id"]],
    ["an id where none is taken", "a", { scope: "USER", id: "x" }, {}, ["input", "scope", "id"]],
  ])("with %s is refused by its field", async (_, text, scope, more, path) => {
    expect(await world.remember(text, scope, more)).toMatchObject({ __typename: "InvalidInputError", issues: [{ path }] });
  });
});

describe("scopes", () => {
  it("of the tenant are written by admins and read by its members alone", async () => {
    expect(await world.remember("House rule.", { scope: "TENANT" })).toMatchObject({ code: "FORBIDDEN" });
    const rule = await world.keep("Visitors sign in at the gate.", { scope: "TENANT" }, {}, admin);
    const where = { scopes: [{ scope: "TENANT" }] };
    expect((await world.search("visitors gate", where, bob))?.[0]?.record.id).toBe(rule.id);
    expect(await world.search("visitors gate", where, eve)).toEqual([]);
    expect(await world.forget(rule.id, bob)).toMatchObject({ code: "FORBIDDEN" });
    expect(await world.forget(rule.id, eve)).toMatchObject({ code: "NOT_FOUND" });
  });

  it("of others answer as those that are missing", async () => {
    const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
      "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
      {},
      ada,
    );
    const scope = { scope: "THREAD", id: createThread.thread.id };
    const kept = await world.keep("In this thread alone.", scope);
    expect(kept.scopeId).toBe(scope.id);
    expect(await world.remember("Mine now.", scope, {}, bob)).toMatchObject({ code: "NOT_FOUND" });
    expect(await world.search("thread alone", { scopes: [scope] }, bob)).toBeNull();
    expect(await world.list(scope, bob)).toBeUndefined();
    expect(await world.node(kept.id, bob)).toBeNull();
    expect(await world.update(kept.id, { text: "x" }, bob)).toMatchObject({ code: "NOT_FOUND" });
    await world.app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread: scope.id }, ada);
    expect(await world.node(kept.id)).toBeNull();
    const left = await world.app.platform.database.read.get("select 1 from memory_text where memory_text match 'alone'");
    expect(left).toBeUndefined();
  });

  it("of a thread that is deleted while a fact is embedded take no record that nobody would purge", async () => {
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow: Embedder = {
      id: "slow-2",
      dimensions: 2,
      version: "1",
      kind: "LEXICAL",
      embed: async (texts) => {
        asked.resolve();
        await gate.promise;
        return texts.map(() => Float32Array.of(1, 0));
      },
    };
    const bringer = definePlugin({
      id: "slow",
      kind: "CAPABILITY",
      description: "An embedder that waits.",
      setup: ({ contribute }) => contribute(embedders, slow.id, slow),
    });
    await using other = await remembering(memory({ embedder: slow.id }), [bringer()]);
    const { createThread } = await other.app.graphql<{ createThread: { thread: { id: string } } }>(
      "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
      {},
      ada,
    );
    const { id } = createThread.thread;
    const remembered = other.remember("Said too late.", { scope: "THREAD", id });
    await asked.promise;
    await other.app.graphql("mutation ($thread: ID!) { deleteThread(thread: $thread) { __typename } }", { thread: id }, ada);
    gate.resolve();
    expect(await remembered).toMatchObject({ code: "NOT_FOUND" });
    expect(await other.app.platform.database.read.get("select 1 from memory_record")).toBeUndefined();
  });

  it("are forgotten whole, and only by whom they belong to", async () => {
    await world.keep("One of bob.", undefined, {}, bob);
    await world.keep("Two of bob.", undefined, {}, bob);
    const mine = (await world.list())?.length ?? 0;
    expect((await world.forgetAll({ scope: "USER" }, bob)).count).toBeGreaterThanOrEqual(2);
    expect(await world.list(undefined, bob)).toEqual([]);
    expect(await world.list()).toHaveLength(mine);
    expect(await world.forgetAll({ scope: "TENANT" }, bob)).toMatchObject({ code: "FORBIDDEN" });
  });
});

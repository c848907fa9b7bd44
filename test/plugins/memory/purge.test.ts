import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { legalHolds, localId } from "#weftline";
import { memory } from "../../../src/plugins/index.ts";
import { ada, remembering, type Remembering } from "./world.ts";

const facts = 450;
let world: Remembering;
beforeAll(async () => void (world = await remembering(memory({ embedder: "lexical-hash-384" }))));
afterAll(() => world.app.close());

async function threadWithFacts(): Promise<{ readonly scope: string; readonly id: string }> {
  const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
    "mutation { createThread(input: {}) { ... on CreateThreadPayload { thread { id } } } }",
    {},
    ada,
  );
  const scope = { scope: "THREAD", id: createThread.thread.id };
  await Promise.all(Array.from({ length: facts }, (_, n) => world.keep(`Fact ${n} of this thread.`, scope)));
  return scope;
}

const end = async (name: "clearThread" | "deleteThread", thread: string): Promise<string | undefined> =>
  (
    await world.app.graphql<{ result: { code?: string } }>(
      `mutation ($thread: ID!) { result: ${name}(thread: $thread) { ... on UserError { code } } }`,
      { thread },
      ada,
    )
  ).result.code;

const rows = async (table: string): Promise<unknown> =>
  Object.values((await world.app.platform.database.read.get<object>(`select count(*) as n from ${table}`)) ?? {})[0];

describe("much memory of a thread", () => {
  it.each(["clearThread", "deleteThread"] as const)("is gone after %s, with its index", async (name) => {
    const before = await rows("memory_vector");
    const other = await world.keep("Of another scope.");
    const { id } = await threadWithFacts();
    expect(await end(name, id)).toBeUndefined();
    expect(await rows("memory_record where scope = 'THREAD'")).toBe(0);
    expect(await rows("memory_text where memory_text match 'thread'")).toBe(0);
    expect(Number(await rows("memory_vector")) - Number(before)).toBeLessThanOrEqual(1);
    expect(await world.node(other.id)).not.toBeNull();
  });

  it("stays whole where the thread is held", async () => {
    const scope = await threadWithFacts();
    const { database, host } = world.app.platform;
    await database.commit((tx) => host.use(legalHolds).set(tx, localId("Thread", scope.id), "HELD"), "test");
    for (const name of ["clearThread", "deleteThread"] as const) expect(await end(name, scope.id)).toBe("LEGAL_HOLD");
    expect(await rows("memory_record where scope = 'THREAD'")).toBe(facts);
  });
});

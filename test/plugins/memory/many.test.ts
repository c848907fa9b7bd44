import { expect, test } from "vitest";
import { databaseService, definePlugin, type Database } from "../../../src/core/index.ts";
import { unit } from "../../../src/plugins/memory/embedders/lexical.ts";
import type { NewRecord, StoreQuery } from "../../../src/plugins/memory/store/store.ts";
import { createSqliteStore } from "../../../src/plugins/memory/store/sqlite/store.ts";
import { remembering } from "./world.ts";

const dimensions = 64;
const records = 9_000;
const now = 1_000;

test("among many thousands the nearest are found, rare words count before common ones, and what is forgotten makes room", async () => {
  const captured: Database[] = [];
  const capture = definePlugin({
    id: "capture",
    requires: { database: databaseService },
    setup: ({ deps }) => void captured.push(deps.database),
  });
  await using world = await remembering(undefined, [capture()]);
  expect(world.app).toBeDefined();
  const [database] = captured as [Database];
  const store = createSqliteStore(database);
  const next = random();
  const vector = (): Float32Array => unit(Float32Array.from({ length: dimensions }, () => next() - 0.5));
  const embedder = await database.commit((tx) => store.embedder(tx, { id: "test", dimensions, version: "1" }), "memory.embedder");
  const recordOf = (tenantId: string, at: number): NewRecord => ({
    id: `${tenantId}-${at}`,
    place: { tenantId, scope: "TENANT", scopeId: tenantId, ownerId: "" },
    ownerId: "ada",
    text: `The customer with number ${at} pays ${at === 77 ? "by zeppelin" : "by card"}.`,
    digest: `${at}`,
    metadata: {},
    sourceRunId: null,
    at: now,
    expiresAt: null,
    vector: { embedder, values: vector() },
  });
  const add = async (made: readonly NewRecord[]): Promise<void> => {
    for (let at = 0; at < made.length; at += 500) await database.commit((tx) => store.add(tx, made.slice(at, at + 500)), "memory.remember");
  };
  const own = Array.from({ length: records }, (_, at) => recordOf("here", at));
  await add(own);
  await add(Array.from({ length: 100 }, (_, at) => recordOf("elsewhere", at)));
  const [space = 0] = await store.spaces([{ tenantId: "here", scope: "TENANT", scopeId: "here", ownerId: "" }]);
  const query: StoreQuery = { tenantId: "here", caller: "ada", spaces: [space], keywords: [], limit: 10, now };
  const nearest = async (values: Float32Array): Promise<readonly string[]> =>
    (await store.search({ ...query, vector: { embedder, values } })).map(({ id }) => id);

  await store.open();
  try {
    await expect.poll(async () => (await nearest(vector())).length).toBe(10);
    let found = 0;
    for (let asked = 0; asked < 20; asked++) {
      const values = vector();
      const ids = new Set(await nearest(values));
      found += exact(values, own).filter((id) => ids.has(id)).length;
    }
    expect(found / 200).toBeGreaterThanOrEqual(0.95);

    const words = await store.search({ ...query, keywords: ["customer", "pays", "zeppelin"] });
    expect(words.map(({ id }) => id)).toEqual(["here-77"]);
    expect(await store.search({ ...query, keywords: ["customer"] })).toHaveLength(10);

    const shards = (): Promise<readonly { rows: number }[]> =>
      database.read.all("select rows from memory_shard where tenant = ? and rows > 0", "here");
    const before = await shards();
    expect(before.reduce((sum, { rows }) => sum + rows, 0)).toBe(records);
    const nums = await database.read.all<{ num: number }>("select num from memory_record where space = ? order by num limit 1000", space);
    await database.commit(
      (tx) =>
        store.remove(
          tx,
          nums.map(({ num }) => num),
        ),
      "memory.forget",
    );
    await add(Array.from({ length: 1_000 }, (_, at) => recordOf("here", records + at)));
    expect(await shards()).toEqual(before);
    expect(await nearest(own[5]?.vector?.values ?? vector())).not.toContain("here-5");
  } finally {
    store.close();
  }
}, 60_000);

function exact(to: Float32Array, among: readonly NewRecord[]): string[] {
  const ranked = among.map(({ id, vector }) => ({ id, dot: to.reduce((sum, value, at) => sum + value * (vector?.values[at] ?? 0), 0) }));
  return ranked
    .toSorted((a, b) => b.dot - a.dot)
    .slice(0, 10)
    .map(({ id }) => id);
}

function random(): () => number {
  let state = 7;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

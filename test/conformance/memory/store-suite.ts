import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LegalHolds, SqlTx } from "../../../src/core/index.ts";
import type { MemoryStore, NewRecord, Place, StoreHit, StoreQuery } from "../../../src/plugins/memory/store/store.ts";

/** A store with the database that it is on. Suites share it with others: nothing is told by how many rows there are. */
export interface OpenStore {
  readonly store: MemoryStore;
  readonly holds: LegalHolds;
  /** Makes a thread that is held. @returns its local id. */
  heldThread(): Promise<string>;
  /** One transaction; it is taken back where the work throws. */
  write<T>(work: (tx: SqlTx) => Promise<T>): Promise<T>;
  close(): void;
}

/** A store that is put to the test. */
export interface StoreUnderTest {
  readonly open: () => Promise<OpenStore>;
}

const now = Date.now();
const dimensions = 8;

/** A vector of length 1 that points along an axis, or between two of them. */
function towards(axis: number, other = axis): Float32Array {
  const values = new Float32Array(dimensions);
  values[axis] = 1;
  if (other !== axis) values.set([Math.SQRT1_2], axis);
  if (other !== axis) values.set([Math.SQRT1_2], other);
  return values;
}

/** What every store of the memory has to do, so that what holds on one holds on all. */
export function memoryStoreConformance(name: string, subject: StoreUnderTest): void {
  describe(`a memory on ${name}`, () => {
    let opened: OpenStore;
    let store: MemoryStore;
    let embedder: number;
    let place: Place;
    beforeEach(async () => {
      opened = await subject.open();
      ({ store } = opened);
      embedder = await opened.write((tx) => store.embedder(tx, { id: "axes", dimensions, version: randomUUID() }));
      place = placeOf();
    });
    afterEach(() => opened.close());

    const placeOf = (other: Partial<Place> = {}): Place => ({
      tenantId: randomUUID(),
      scope: "USER",
      scopeId: randomUUID(),
      ownerId: randomUUID(),
      ...other,
    });

    const record = (text: string, other: Partial<NewRecord> = {}): NewRecord => ({
      id: randomUUID(),
      place,
      ownerId: place.ownerId,
      text,
      digest: text.toLowerCase(),
      metadata: {},
      sourceRunId: null,
      at: now,
      expiresAt: null,
      ...other,
    });

    async function add(...records: readonly NewRecord[]): Promise<readonly string[]> {
      await opened.write((tx) => store.add(tx, records));
      return records.map(({ id }) => id);
    }

    async function find(asked: Partial<StoreQuery> = {}, at: Place = place): Promise<readonly StoreHit[]> {
      const spaces = await store.spaces([at]);
      return store.search({ tenantId: at.tenantId, caller: "suite", spaces, keywords: [], limit: 100, now, ...asked });
    }

    const idsOf = (hits: readonly { readonly id: string }[]): string[] => hits.map(({ id }) => id);
    const numsOf = async (at: Place = place, limit = 1_000): Promise<readonly { num: number; id: string }[]> =>
      opened.write((tx) => store.some(tx, at, limit));
    const numOf = async (id: string, at: Place = place): Promise<number> => (await numsOf(at)).find((each) => each.id === id)?.num ?? 0;

    it("keeps apart places that differ in a single part", async () => {
      const others = [
        { ...place, tenantId: randomUUID() },
        { ...place, scope: "AGENT" as const },
        { ...place, scopeId: randomUUID() },
        { ...place, ownerId: randomUUID() },
        { ...place, ownerId: "" },
      ];
      const places = [place, ...others];
      const vector = { embedder, values: towards(0) };
      for (const each of places) await add(record("The vault opens with indigo.", { place: each, ownerId: each.ownerId, vector }));
      const seen = new Set<string>();
      for (const each of places) {
        const hits = await find({ vector, keywords: ["vault", "indigo"] }, each);
        expect(hits).toHaveLength(1);
        for (const { id } of hits) seen.add(id);
        expect(await opened.write((tx) => store.size(tx, each))).toBe(1);
      }
      expect(seen.size).toBe(places.length);
      expect(await store.spaces([{ ...place, scopeId: randomUUID() }])).toEqual([]);
      expect(await find({ vector, keywords: ["vault"], spaces: [] })).toEqual([]);
      const [first, second] = [await store.spaces([place]), await store.spaces(others)];
      expect(await find({ vector, spaces: [...first, ...second] })).not.toHaveLength(0);
    });

    it("compares no vectors of embedders that differ in id, dimensions or version", async () => {
      const keys = [
        { id: "axes", dimensions, version: "one" },
        { id: "axes", dimensions, version: "two" },
        { id: "other-axes", dimensions, version: "one" },
        { id: "axes", dimensions: 4, version: "one" },
      ];
      const numbers = await opened.write(async (tx) => {
        const made: number[] = [];
        for (const key of keys) made.push(await store.embedder(tx, key));
        return made;
      });
      expect(new Set(numbers).size).toBe(keys.length);
      for (const [at, key] of keys.entries()) {
        expect(await store.knownEmbedder(key)).toBe(numbers[at]);
        expect(await opened.write((tx) => store.embedder(tx, key))).toBe(numbers[at]);
      }
      expect(await store.knownEmbedder({ id: randomUUID(), dimensions, version: "one" })).toBeUndefined();
      const ids = await add(
        ...numbers.map((number, at) =>
          record(`Fact ${at}.`, { vector: { embedder: number, values: towards(0).subarray(0, keys[at]?.dimensions) } }),
        ),
      );
      for (const [at, number] of numbers.entries()) {
        const hits = await find({ vector: { embedder: number, values: towards(0).slice(0, keys[at]?.dimensions) } });
        expect(idsOf(hits)).toEqual([ids[at]]);
      }
    });

    it("ranks first what both ways find, and says by which it was found and how near it is", async () => {
      const [both, near, worded] = await add(
        record("The harbour freezes.", { vector: { embedder, values: towards(0) } }),
        record("Nothing alike.", { vector: { embedder, values: towards(0, 1) } }),
        record("A harbour far away."),
      );
      const hits = await find({ vector: { embedder, values: towards(0) }, keywords: ["harbour", "freezes"] });
      expect(hits[0]).toEqual({ id: both, score: 1, similarity: expect.closeTo(1, 5), matchedBy: ["VECTOR", "KEYWORD"] });
      const rest = new Map(hits.map((hit) => [hit.id, hit]));
      expect(rest.get(near ?? "")).toMatchObject({ matchedBy: ["VECTOR"], similarity: expect.closeTo(Math.SQRT1_2, 5) });
      expect(rest.get(worded ?? "")).toMatchObject({ matchedBy: ["KEYWORD"], similarity: null });
      for (const { score } of hits.slice(1)) expect(score).toBeLessThan(1);
      expect(idsOf(await find({ vector: { embedder, values: towards(0) } }))).toEqual([both, near]);
      expect(idsOf(await find({ keywords: ["harbour"] })).toSorted()).toEqual([both ?? "", worded ?? ""].toSorted());
      expect(await find({ vector: { embedder, values: towards(0) }, keywords: ["harbour"], limit: 2 })).toHaveLength(2);
    });

    it.each([`"`, `""`, "AND", "NEAR", "a*", "text:", "(", "'; drop", "\u0000", "🧶", "-"])(
      "takes the keyword %j for a word",
      async (keyword) => {
        await add(record("The harbour freezes."));
        expect(idsOf(await find({ keywords: [keyword] }))).toEqual([]);
        expect(await find({ keywords: [keyword, "harbour"] })).toHaveLength(1);
      },
    );

    it("finds by the values of metadata, and by none of a key that looks like a path", async () => {
      const [one, two] = await add(
        record("Blue loom.", { metadata: { hall: 1, "a.b": "x", tags: ["y"] } }),
        record("Blue loom too.", { metadata: { hall: 2, a: { b: "x" } } }),
      );
      const where = async (metadata: Readonly<Record<string, unknown>>) => idsOf(await find({ keywords: ["loom"], metadata }));
      expect(await where({ hall: 1 })).toEqual([one]);
      expect(await where({ "a.b": "x" })).toEqual([one]);
      expect(await where({ hall: "1" })).toEqual([]);
      expect(await where({ hall: 2, missing: 1 })).toEqual([]);
      expect(await where({ a: { b: "x" } })).toEqual([two]);
      expect(await where({ tags: ["y"] })).toEqual([one]);
      expect(await where({ '"]': 1 })).toEqual([]);
    });

    it("finds a superseded record no more, keeps it to be read, and knows its line", async () => {
      const vector = { embedder, values: towards(0) };
      const [first, second, third] = await add(record("One.", { vector }), record("Two.", { vector }), record("Three.", { vector }));
      const nums = new Map((await numsOf()).map(({ id, num }) => [id, num]));
      await opened.write((tx) => store.supersede(tx, nums.get(first ?? "") ?? 0, { id: second ?? "", now }));
      await opened.write((tx) => store.supersede(tx, nums.get(second ?? "") ?? 0, { id: third ?? "", now }));
      expect(idsOf(await find({ vector, keywords: ["one", "two", "three"] }))).toEqual([third]);
      const line = await opened.write((tx) => store.lineage(tx, nums.get(third ?? "") ?? 0));
      expect(idsOf(line)).toEqual([third, second, first]);
      expect(await numsOf()).toHaveLength(3);
      expect(await opened.write((tx) => store.twin(tx, { place, digest: "one.", now, but: "" }))).toBeUndefined();
      await opened.write((tx) => store.embed(tx, [{ num: nums.get(first ?? "") ?? 0, vector }]));
      expect(idsOf(await find({ vector }))).toEqual([third]);
    });

    it("shows nothing from the moment on that it expires, and removes as many as it is asked to", async () => {
      const vector = { embedder, values: towards(0) };
      const [brief, lasting] = await add(
        record("Brief.", { vector, expiresAt: now - 1 }),
        record("Lasting.", { vector, expiresAt: now + 60_000 }),
      );
      expect(idsOf(await find({ vector, keywords: ["brief", "lasting"] }))).toEqual([lasting]);
      expect(idsOf(await find({ vector, now: now - 2 }))).toContain(brief);
      expect(await opened.write((tx) => store.twin(tx, { place, digest: "brief.", now, but: "" }))).toBeUndefined();
      await add(...Array.from({ length: 4 }, (_, at) => record(`Gone ${at}.`, { expiresAt: now - 1 })));
      while ((await opened.write((tx) => store.removeExpired(tx, 2))) === 2);
      expect(idsOf(await numsOf())).toEqual([lasting]);
      expect(await opened.write((tx) => store.size(tx, place))).toBe(1);
    });

    it("gives pages of what waits for a vector, each record once, and counts no further than it is asked to", async () => {
      const ids = await add(...Array.from({ length: 7 }, (_, at) => record(`Waiting ${at}.`)));
      const nums = (await numsOf()).map(({ num }) => num).toSorted((a, b) => a - b);
      const before = (nums[0] ?? 0) - 1;
      const seen: number[] = [];
      for (let after = before, page; (page = await store.unembedded({ embedder, which: "none", after, limit: 3 })).length > 0;) {
        expect(page.length).toBeLessThanOrEqual(3);
        seen.push(...page.map(({ num }) => num));
        after = page.at(-1)?.num ?? 0;
      }
      expect(seen).toEqual(nums);
      const missing = { embedder, after: before };
      expect(await store.countUnembedded({ ...missing, which: "none", most: 5 })).toBe(5);
      expect(await store.countUnembedded({ ...missing, which: "none", most: 100 })).toBe(7);
      const vector = { embedder, values: towards(0) };
      await opened.write((tx) =>
        store.embed(
          tx,
          nums.map((num) => ({ num, vector })),
        ),
      );
      expect(await find({ vector })).toHaveLength(7);
      expect(await store.countUnembedded({ ...missing, which: "none", most: 100 })).toBe(0);
      const next = await opened.write((tx) => store.embedder(tx, { id: "axes", dimensions, version: randomUUID() }));
      expect(await store.countUnembedded({ embedder: next, after: before, which: "other", most: 100 })).toBe(7);
      expect(await store.countUnembedded({ ...missing, which: "other", most: 100 })).toBe(0);
      await opened.write((tx) => store.embed(tx, [{ num: nums[0] ?? 0, vector: { embedder: next, values: towards(1) } }]));
      expect(await store.unembedded({ embedder: next, which: "other", after: before, limit: 100 })).toHaveLength(6);
      expect(await find({ vector })).toHaveLength(6);
      expect(idsOf(await find({ vector: { embedder: next, values: towards(1) } }))).toEqual([ids[0]]);
    });

    it("is as before where a transaction is taken back, and shows within one what that wrote", async () => {
      const vector = { embedder, values: towards(0) };
      const work = opened.write(async (tx) => {
        await store.add(tx, [record("Taken back.", { vector })]);
        expect(await store.size(tx, place)).toBe(1);
        expect(await store.twin(tx, { place, digest: "taken back.", now, but: "" })).toBeDefined();
        throw new Error("no");
      });
      await expect(work).rejects.toThrow("no");
      expect(await find({ vector, keywords: ["taken"] })).toEqual([]);
      expect(await opened.write((tx) => store.size(tx, place))).toBe(0);
    });

    it("changes metadata and expiry, and leaves no trace in the index of what is removed", async () => {
      const vector = { embedder, values: towards(0) };
      const [id] = await add(record("The vault opens with indigo.", { vector }));
      const num = await numOf(id ?? "");
      await opened.write((tx) => store.change(tx, num, { metadata: { a: 1 }, expiresAt: now + 5_000, now }));
      expect(idsOf(await find({ keywords: ["vault"], metadata: { a: 1 } }))).toEqual([id]);
      expect(await opened.write((tx) => store.twin(tx, { place, digest: "the vault opens with indigo.", now, but: "" }))).toEqual({
        num,
        id,
        metadata: { a: 1 },
        expiresAt: now + 5_000,
      });
      await opened.write((tx) => store.remove(tx, [num]));
      expect(await find({ vector, keywords: ["vault", "indigo"] })).toEqual([]);
      await opened.write((tx) => store.embed(tx, [{ num, vector }]));
      expect(await find({ vector, keywords: ["vault"] })).toEqual([]);
      expect(await opened.write((tx) => store.size(tx, place))).toBe(0);
      await opened.write((tx) => store.remove(tx, [num]));
      expect(await opened.write((tx) => store.size(tx, place))).toBe(0);
    });

    it("purges what a thread and runs remember, of one tenant, and nothing beside it", async () => {
      const { tenantId, ownerId } = place;
      const [threadId, runId] = [randomUUID(), randomUUID()];
      const thread = { tenantId, scope: "THREAD" as const, scopeId: threadId, ownerId };
      const run = { tenantId, scope: "WORKFLOW" as const, scopeId: runId, ownerId };
      const kept = [
        { ...thread, tenantId: randomUUID() },
        { ...thread, scopeId: randomUUID() },
        { ...thread, scope: "USER" as const },
        { ...run, scopeId: randomUUID() },
      ];
      for (const each of [thread, run, ...kept]) await add(record("Kept or purged.", { place: each }));
      const what = { tenantId, threadIds: [threadId], runIds: [runId] };
      await add(...Array.from({ length: 5 }, (_, at) => record(`Purged ${at}.`, { place: thread })));
      expect(await opened.write((tx) => store.removeSomeOf(tx, what, 4))).toBe(4);
      expect(await opened.write((tx) => store.removeSomeOf(tx, what, 2))).toBe(2);
      expect((await opened.write((tx) => store.size(tx, thread))) + (await opened.write((tx) => store.size(tx, run)))).toBe(1);
      await opened.write((tx) => store.removeOf(tx, what));
      for (const each of [thread, run]) expect(await find({ keywords: ["purged"] }, each)).toEqual([]);
      for (const each of kept) expect(await find({ keywords: ["purged"] }, each)).toHaveLength(1);
    });

    it("keeps by policies so many of each place and none that is too old, and all of a thread that is held", async () => {
      const { tenantId } = place;
      const held = { ...place, scope: "THREAD" as const, scopeId: await opened.heldThread() };
      const removed: number[] = [];
      const rest = async (count: number): Promise<void> => void removed.push(count);
      const work = { signal: new AbortController().signal, rest };
      const retained = store.retained(opened.holds);
      await add(...Array.from({ length: 130 }, (_, at) => record(`Fact ${at}.`, { at: now - 200 + at })));
      await add(...Array.from({ length: 9 }, (_, at) => record(`Held fact ${at}.`, { place: held, at: now - 90_000_000 })));
      await add(record("Long ago.", { place: { ...place, scopeId: randomUUID() }, at: now - 90_000_000 }));
      expect(await retained.preview({ tenantId, maxCount: 5 })).toMatchObject({ rows: 125 });
      expect(await retained.prune({ tenantId, maxCount: 5 }, work)).toBe(125);
      expect(Math.max(...removed)).toBeLessThanOrEqual(50);
      expect(await find({ keywords: ["fact"] })).toHaveLength(5);
      expect(await find({ keywords: ["129"] })).toHaveLength(1);
      expect(await retained.preview({ tenantId, maxAgeMs: 80_000_000 })).toMatchObject({ rows: 1 });
      expect(await retained.prune({ tenantId, maxAgeMs: 80_000_000 }, work)).toBe(1);
      expect(await retained.prune({ tenantId, maxAgeMs: 80_000_000 }, work)).toBe(0);
      expect(await find({ keywords: ["held"] }, held)).toHaveLength(9);
    });

    it("reads all facts of a place in their order, or none where there is too much", async () => {
      await add(...Array.from({ length: 3 }, (_, at) => record(`Fact ${at}.`, { at: now + at })));
      const bounds = { records: 10, characters: 1_000 };
      const read = await store.facts(place, bounds);
      expect("facts" in read && read.facts.map(({ text }) => text)).toEqual(["Fact 0.", "Fact 1.", "Fact 2."]);
      expect(await store.facts(place, { ...bounds, records: 2 })).toEqual({ excess: "records" });
      expect(await store.facts(place, { ...bounds, characters: 10 })).toEqual({ excess: "characters" });
    });
  });
}

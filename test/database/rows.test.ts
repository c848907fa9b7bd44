import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/core/database/database.ts";
import type { RowQuery } from "../../src/core/database/rows.ts";
import type { Reach, Viewer } from "../../src/core/database/viewer.ts";
import { admin, alice, bob, Book, entities, strangeAdmin, stranger } from "./entities.ts";
import { stores, type Place } from "./stores.ts";

const CardSchema = defineEntity({
  name: "Card",
  tableName: "library_card",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    num: p.integer(),
    valid: p.boolean().default(true),
    stamps: p.json<readonly string[]>(),
    note: p.string().nullable(),
  }),
});

/** Its owner sees it; all of its columns are plain. */
class Card extends CardSchema.class {
  title(): string {
    return `Card ${this.num}`;
  }
}
CardSchema.setClass(Card);

const PosterSchema = defineEntity({
  name: "Poster",
  tableName: "library_poster",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
});

/** Every member of the tenant sees it. */
class Poster extends PosterSchema.class {}
PosterSchema.setClass(Poster);

const SafeSchema = defineEntity({
  name: "Safe",
  tableName: "library_safe",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
});

/** Nobody sees it. */
class Safe extends SafeSchema.class {}
SafeSchema.setClass(Safe);

const plain = [owned(CardSchema, { rule: "PRIVATE" }), owned(PosterSchema, { rule: "SHARED" }), owned(SafeSchema, { rule: "INTERNAL" })];
const all = { where: "1 = 1", params: [] };

describe.each(stores)("rows by prepared SQL on $name", (store) => {
  let place: Place;
  let database: Database;

  beforeAll(async () => {
    place = store.place();
    database = place.open({ entities: [...entities, ...plain] });
    await database.orm.schema.create();
    await database.write("SYSTEM", async ({ em }) => {
      for (const [num, owner] of [alice, bob, stranger].entries()) {
        const row = { id: `${owner.actorId}-${owner.tenantId}`, tenantId: owner.tenantId, ownerId: owner.actorId };
        em.create(Card, { ...row, num, valid: num !== 1, stamps: [`stamp ${num}`], note: null });
        em.create(Poster, row);
        em.create(Safe, row);
      }
    });
  });
  afterAll(() => place.remove());

  const as = (reader: Viewer | "SYSTEM", reach: Reach = "MINE") => ({ reader, reach });
  const ids = async (entity: typeof Card | typeof Poster, viewer: ReturnType<typeof as>, query: RowQuery = all): Promise<string[]> =>
    (await database.rows.all(entity as typeof Card, viewer, query)).map(({ id }) => id).toSorted();

  it("are under the rule PRIVATE those that the entity manager shows", async () => {
    for (const [viewer, reach] of [[alice], [bob], [stranger], [admin], [admin, "TENANT"], [strangeAdmin, "TENANT"], ["SYSTEM"]] as const) {
      const shown = (await database.em(viewer, reach).find(Card, {})).map(({ id }) => id).toSorted();
      expect(await ids(Card, as(viewer, reach))).toEqual(shown);
      expect(await database.rows.count(Card, as(viewer, reach), all)).toBe(shown.length);
    }
    expect(await ids(Card, as(alice))).toEqual(["alice-test"]);
    expect(await ids(Card, as(admin, "TENANT"))).toEqual(["alice-test", "bob-test"]);
  });

  it("are under the rule SHARED those of the tenant", async () => {
    expect(await ids(Poster, as(alice))).toEqual(["alice-test", "bob-test"]);
    expect(await ids(Poster, as(stranger))).toEqual(["alice-elsewhere"]);
  });

  it("are no more for whoever asks for more than may be asked for", async () => {
    expect(await ids(Card, as(alice, "TENANT"))).toEqual(["alice-test"]);
    expect(await ids(Card, as(bob), { where: "e.owner_id = ? or 1 = 1", params: ["alice"] })).toEqual(["bob-test"]);
    expect(await ids(Card, as(bob), { where: "1 = 0) or (1 = 1", params: [] })).toEqual(["bob-test"]);
  });

  it("by their ids are those of the ids that the viewer may see, however many are asked for", async () => {
    const found = async (wanted: readonly string[], viewer = as(alice)) =>
      (await database.rows.byIds(Card, viewer, wanted)).map(({ id }) => id).toSorted();
    expect(await found([])).toEqual([]);
    expect(await found(["bob-test"])).toEqual([]);
    expect(await found(["bob-test", "alice-test", "alice-elsewhere", "nobody"])).toEqual(["alice-test"]);
    expect(await found(Array.from({ length: 300 }, (_, at) => (at === 170 ? "alice-test" : `none-${at}`)))).toEqual(["alice-test"]);
  });

  it("are of their class, with the values that the entity manager gives", async () => {
    const [card] = await database.rows.all(Card, as(bob), all);
    const managed = await database.em(bob).findOneOrFail(Card, "bob-test");
    expect(card).toBeInstanceOf(Card);
    expect(card?.title()).toBe("Card 1");
    expect({ ...card }).toEqual({
      id: "bob-test",
      tenantId: "test",
      ownerId: "bob",
      num: 1,
      valid: false,
      stamps: ["stamp 1"],
      note: null,
    });
    expect({ ...card }).toEqual({ ...managed });
  });

  it("come in the order and number that is asked for", async () => {
    const rows = await database.rows.all(Card, as("SYSTEM"), { ...all, orderBy: "e.num desc", limit: 2 });
    expect(rows.map(({ num }) => num)).toEqual([2, 1]);
  });

  it("show outside of a write what is committed only, and within it what was written", async () => {
    const noteOf = async (): Promise<unknown> => (await database.rows.all(Card, as(bob), all))[0]?.note;
    const [written, seen] = [Promise.withResolvers<unknown>(), Promise.withResolvers<void>()];
    const undone = database.write("SYSTEM", async ({ em }) => {
      await em.nativeUpdate(Card, { id: "bob-test" }, { note: "open" });
      written.resolve(await noteOf());
      await seen.promise;
      throw new Error("undo");
    });
    expect(await written.promise).toBe("open");
    expect(await noteOf()).toBeNull();
    seen.resolve();
    await expect(undone).rejects.toThrow("undo");
    expect(await noteOf()).toBeNull();
  });

  it("of other entities are refused: relations and other rules need the entity manager", async () => {
    expect(database.rows.reads(Card)).toBe(true);
    expect(database.rows.reads(Poster)).toBe(true);
    for (const entity of [Book, Safe] as (typeof Safe)[]) {
      expect(database.rows.reads(entity)).toBe(false);
      await expect(database.rows.all(entity, as(alice), all)).rejects.toThrow("with the entity manager only");
      await expect(database.rows.count(entity, as(alice), all)).rejects.toThrow("with the entity manager only");
      await expect(database.rows.byIds(entity, as(alice), ["a"])).rejects.toThrow("with the entity manager only");
    }
    await expect(database.rows.all(Book, as("SYSTEM"), all)).rejects.toThrow("with the entity manager only");
    expect(await database.rows.count(Safe, as("SYSTEM"), all)).toBe(3);
  });

  it("that are inserted are what an entity manager would have written, in the same transaction", async () => {
    const card = { id: "new", tenantId: "test", ownerId: "bob", num: 7, stamps: ["a", "b"], note: null };
    await database.write(bob, async (tx) => {
      const inserted = await tx.insert(Card, card as never);
      expect(inserted).toBeInstanceOf(Card);
      expect({ ...inserted }).toEqual({ ...card, valid: true });
      expect(await tx.em.findOneOrFail(Card, "new")).toMatchObject({ num: 7, valid: true, stamps: ["a", "b"] });
      await tx.insert(Poster, { id: "of-bob", tenantId: "test", ownerId: "bob" });
      await tx.em.nativeDelete(Card, { id: "new" });
      await tx.em.nativeDelete(Poster, { id: "of-bob" });
    });
  });

  it("of another tenant or owner than the writer's are not inserted", async () => {
    const insert = (writer: Viewer | "SYSTEM", entity: typeof Poster, tenantId: string, ownerId: string): Promise<unknown> =>
      database.write(writer, async (tx) => {
        await tx.insert(entity, { id: "foreign", tenantId, ownerId, num: 1, stamps: [] } as never);
        throw new Error("was inserted");
      });
    await expect(insert(alice, Card as never, "test", "bob")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(insert(alice, Card as never, "elsewhere", "alice")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(insert(alice, Poster, "test", "bob")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(insert(alice, Poster, "elsewhere", "alice")).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(insert(alice, Safe as never, "test", "alice")).rejects.toThrow("could not read");
    await expect(insert("SYSTEM", Safe as never, "elsewhere", "bob")).rejects.toThrow("was inserted");
  });
});

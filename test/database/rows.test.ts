import { defineEntity } from "@mikro-orm/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owned } from "#weftline";
import type { Database } from "../../src/core/database/database.ts";
import type { RowQuery } from "../../src/core/database/rows.ts";
import type { Reach, Viewer } from "../../src/core/database/viewer.ts";
import { admin, alice, bob, Book, entities, Ledger, Loan, stranger } from "./entities.ts";
import { stores, type Place } from "./stores.ts";

const PageSchema = defineEntity({
  name: "Page",
  tableName: "library_page",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    lineCount: p.integer(),
    printed: p.boolean(),
    printedAt: p.bigint("number").nullable(),
    notes: p.json<unknown>().nullable(),
    doubled: p.integer().formula((columns) => `${columns.lineCount} * 2`),
  }),
});

class Page extends PageSchema.class {}
PageSchema.setClass(Page);

const ShelfmarkSchema = defineEntity({
  name: "Shelfmark",
  tableName: "library_shelfmark",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
});

class Shelfmark extends ShelfmarkSchema.class {}
ShelfmarkSchema.setClass(Shelfmark);

const all: RowQuery = { where: "1 = 1", params: [], orderBy: "e.id" };

describe.each(stores)("rows by prepared SQL on $name", (store) => {
  let place: Place;
  let database: Database;
  beforeAll(async () => {
    place = store.place();
    database = place.open({ entities: [...entities, owned(PageSchema, { rule: "PRIVATE" }), owned(ShelfmarkSchema, { rule: "SHARED" })] });
    await database.orm.schema.create();
    await database.write("SYSTEM", async ({ em }) => {
      for (const [n, { tenantId, actorId }] of [alice, bob, stranger].entries()) {
        const row = { id: `${n}`, tenantId, ownerId: actorId };
        em.create(Page, {
          ...row,
          lineCount: n,
          printed: n > 0,
          printedAt: n > 0 ? 2 ** 40 + n : null,
          notes: n > 0 ? { "it's": ["a", n, null] } : null,
        });
        em.create(Shelfmark, row);
      }
    });
  });
  afterAll(() => place.remove());

  const ids = async (
    entity: typeof Page | typeof Shelfmark,
    reader: Viewer | "SYSTEM",
    query = all,
    reach: Reach = "MINE",
  ): Promise<string[]> => (await database.rows.all(entity as typeof Page, { reader, reach }, query)).map(({ id }) => id);

  it("are what the entity manager gives, to whom it gives them", async () => {
    for (const reader of [alice, bob, stranger, admin, "SYSTEM"] as const) {
      for (const entity of [Page, Shelfmark]) {
        const managed = await database.em(reader).find(entity as typeof Page, {}, { orderBy: { id: "asc" } });
        const rows = await database.rows.all(entity as typeof Page, { reader, reach: "MINE" }, all);
        expect(rows.map((row) => ({ ...row }))).toEqual(managed.map((row) => ({ ...row })));
      }
    }
    expect(await ids(Page, admin, all, "TENANT")).toEqual(["0", "1"]);
    expect(await ids(Page, bob, all, "TENANT")).toEqual(["1"]);
  });

  it("are of their class, with their own types", async () => {
    const [row] = await database.rows.all(Page, { reader: bob, reach: "MINE" }, all);
    expect(row).toBeInstanceOf(Page);
    expect({ ...row }).toMatchObject({
      lineCount: 1,
      printed: true,
      printedAt: 2 ** 40 + 1,
      notes: { "it's": ["a", 1, null] },
      doubled: 2,
    });
    const [other] = await database.rows.all(Page, { reader: alice, reach: "MINE" }, all);
    expect({ ...other }).toMatchObject({ printed: false, printedAt: null, notes: null, doubled: 0 });
  });

  it("stay within the rule whatever the condition says", async () => {
    expect(await ids(Page, alice, { where: "1 = 1 or 1 = 1", params: [] })).toEqual(["0"]);
    expect(await ids(Page, alice, { where: "e.owner_id = ?", params: ["bob"] })).toEqual([]);
    expect(await database.rows.count(Page, { reader: alice, reach: "MINE" }, { where: "0 = 1 or 1 = 1", params: [] })).toBe(1);
  });

  it("come by their ids, as many as one asks for", async () => {
    const reader = { reader: "SYSTEM", reach: "MINE" } as const;
    for (const wanted of [[], ["1"], ["0", "1", "2"], ["2", "x", "y", "z", "0"]]) {
      const found = await database.rows.byIds(Page, reader, wanted);
      expect(found.map(({ id }) => id).toSorted()).toEqual(wanted.filter((id) => ["0", "1", "2"].includes(id)).toSorted());
    }
    expect(await database.rows.byIds(Page, { reader: alice, reach: "MINE" }, ["0", "1", "2"])).toHaveLength(1);
  });

  it("are refused for entities that ask for more than an owner, or point at others", async () => {
    expect([Page, Shelfmark].map((entity) => database.rows.reads(entity as typeof Page))).toEqual([true, true]);
    for (const entity of [Loan, Ledger, Book] as (typeof Book)[]) {
      expect(database.rows.reads(entity)).toBe(false);
      await expect(database.rows.all(entity, { reader: alice, reach: "MINE" }, all)).rejects.toThrow("entity manager");
    }
  });
});

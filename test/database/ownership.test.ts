import type { EntityManager } from "@mikro-orm/sqlite";
import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/core/database/database.ts";
import type { Reach, Viewer } from "../../src/core/database/viewer.ts";
import { admin, alice, bob, Book, entities, Ledger, Loan, Shelf, strangeAdmin, stranger } from "./entities.ts";
import { fillLibrary } from "./library.ts";
import { stores, type Place } from "./stores.ts";

/** A schema of a class of its own. */
function agentSchema(name: string, tableName: string) {
  const schema = defineEntity({
    name,
    tableName,
    properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
  });
  class Agent extends schema.class {}
  schema.setClass(Agent);
  return schema;
}

describe.each(stores)("ownership on $name", (store) => {
  let place: Place;
  let database: Database;

  beforeAll(async () => {
    place = store.place();
    database = place.open({ entities });
    await fillLibrary(database);
  });
  afterAll(() => place.remove());

  const ids = async (
    entity: typeof Book | typeof Shelf | typeof Loan | typeof Ledger,
    viewer: Viewer | "SYSTEM",
    reach: Reach = "MINE",
  ): Promise<string[]> => (await database.em(viewer, reach).find(entity as typeof Book, {})).map(({ id }) => id).toSorted();

  describe("the rule SHARED", () => {
    it("shows rows to every member of the tenant, and to nobody else", async () => {
      expect(await ids(Shelf, alice)).toEqual(["alice", "bob"]);
      expect(await ids(Shelf, bob)).toEqual(["alice", "bob"]);
      expect(await ids(Shelf, admin)).toEqual(["alice", "bob"]);
      expect(await ids(Shelf, admin, "TENANT")).toEqual(["alice", "bob"]);
      expect(await ids(Shelf, stranger)).toEqual(["alice-elsewhere"]);
      expect(await ids(Shelf, "SYSTEM")).toEqual(["alice", "alice-elsewhere", "bob"]);
    });
  });

  describe("the rule PRIVATE", () => {
    it("shows rows to their owner only, also to an admin, and tells equal ids of two tenants apart", async () => {
      expect(await ids(Book, alice)).toEqual(["alice", "alice-after-bob"]);
      expect(await ids(Book, bob)).toEqual(["bob", "bob-on-alice"]);
      expect(await ids(Book, admin)).toEqual([]);
      expect(await ids(Book, stranger)).toEqual(["alice-elsewhere"]);
    });

    it("shows those of the tenant to an admin who reaches for it", async () => {
      expect(await ids(Book, admin, "TENANT")).toEqual(["alice", "alice-after-bob", "bob", "bob-on-alice"]);
      expect(await ids(Book, strangeAdmin, "TENANT")).toEqual(["alice-elsewhere"]);
    });
  });

  describe("the rule GRANTED", () => {
    it("shows rows to their owner and to whom the grant names, within the tenant", async () => {
      expect(await ids(Loan, alice)).toEqual(["alice"]);
      expect(await ids(Loan, bob)).toEqual(["alice", "bob"]);
      expect(await ids(Loan, admin)).toEqual([]);
      expect(await ids(Loan, admin, "TENANT")).toEqual(["alice", "bob"]);
      expect(await ids(Loan, { ...bob, tenantId: "elsewhere" })).toEqual([]);
    });
  });

  describe("the rule INTERNAL", () => {
    it("shows rows to the platform alone", async () => {
      expect(await ids(Ledger, alice)).toEqual([]);
      expect(await ids(Ledger, admin, "TENANT")).toEqual([]);
      expect(await ids(Ledger, "SYSTEM")).toHaveLength(3);
    });
  });

  it("finds an entity's rule by its class, whatever other classes are called", async () => {
    const DeskSchema = defineEntity({
      name: "DeskAgent",
      tableName: "desk_agent",
      properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
    });
    class Agent extends DeskSchema.class {}
    DeskSchema.setClass(Agent);
    for (const order of ["before", "after"]) {
      const elsewhere = store.place();
      const shared = owned(agentSchema(`Agent`, `agents_${order}`), { rule: "SHARED" });
      const desk = owned(DeskSchema, { rule: "PRIVATE" });
      const other = elsewhere.open({ entities: order === "before" ? [desk, shared] : [shared, desk] });
      await other.orm.schema.create();
      await other.write(alice, async ({ em }) => void em.create(Agent, { id: "1", tenantId: "test", ownerId: "alice" }));
      expect(await other.em(bob).count(Agent)).toBe(0);
      expect(await other.rows.all(Agent, { reader: bob, reach: "MINE" }, { where: "1 = 1", params: [] })).toEqual([]);
      expect(await other.em(alice).count(Agent)).toBe(1);
      await elsewhere.remove();
    }
  });

  it("refuses the reach TENANT to whoever is no admin", () => {
    expect(() => database.em(alice, "TENANT")).toThrow(
      expect.objectContaining({ code: "FORBIDDEN", details: expect.objectContaining({ path: ["scope"] }) }),
    );
  });

  it("refuses a query without a reader", async () => {
    for (const entity of [Shelf, Book, Loan, Ledger]) {
      await expect(database.orm.em.fork().find(entity as typeof Book, {})).rejects.toThrow("without a reader");
      await expect(database.orm.em.fork().count(entity as typeof Book, {})).rejects.toThrow("without a reader");
    }
  });

  const unfiltered: readonly (readonly [what: string, (em: EntityManager) => unknown])[] = [
    ["finds without filters", (em) => em.find(Book, {}, { filters: false })],
    ["finds with the rule switched off by its name", (em) => em.find(Book, {}, { filters: { ownership: false } })],
    ["passes a reader of its own", (em) => em.find(Book, {}, { filters: { ownership: { reader: "SYSTEM", reach: "MINE" } } })],
    ["finds one", (em) => em.findOne(Book, "alice", { filters: false })],
    ["counts", (em) => em.count(Book, {}, { filters: false })],
    ["counts by a column", (em) => em.countBy(Book, "ownerId", { filters: false })],
    ["finds all", (em) => em.findAll(Book, { filters: false })],
    ["pages", (em) => em.findByCursor(Book, { first: 1, orderBy: { id: "asc" }, filters: false })],
    ["streams", async (em) => em.stream(Book, { filters: false }).next()],
    ["populates later", async (em) => em.populate(await em.find(Shelf, {}), ["books"], { filters: false })],
    ["loads a collection", async (em) => (await em.findOneOrFail(Shelf, "alice")).books.loadItems({ filters: false })],
    ["matches in a collection", async (em) => (await em.findOneOrFail(Shelf, "alice")).books.matching({ filters: false })],
    ["builds a query", (em) => em.qb(Book).applyFilters({ ownership: false })],
    ["forks", (em) => em.fork({ clear: false }).find(Book, {}, { filters: false })],
    ["reads by SQL", (em) => em.execute("select * from library_book")],
    ["reads by the connection", (em) => em.getConnection().execute("select * from library_book")],
    ["reads by the query builder below", (em) => em.getKysely()],
  ];

  it.each(unfiltered)("refuses to pass by the filter where a viewer %s", async (_, read) => {
    const refusal = { code: "INTERNAL" };
    await expect((async () => read(database.em(bob)))()).rejects.toMatchObject(refusal);
    await expect(database.write(bob, async ({ em }) => void (await read(em)))).rejects.toMatchObject(refusal);
  });

  it("keeps the rule of an entity manager whatever parameters and filters it is given", async () => {
    const em = database.em(bob);
    em.setFilterParams("ownership", { reader: "SYSTEM", reach: "TENANT" });
    em.addFilter({ name: "ownership", cond: {}, entity: Book });
    em.clear();
    expect((await em.find(Book, {})).map(({ ownerId }) => ownerId)).toEqual(["bob", "bob"]);
    expect(await em.fork({ useContext: true, clear: false }).count(Book)).toBe(2);
  });

  describe("every way to read", () => {
    it("finds one row only for whoever may see it", async () => {
      expect(await database.em(bob).findOne(Book, "alice")).toBeNull();
      expect(await database.em(bob).findOne(Book, { id: "alice" })).toBeNull();
      await expect(database.em(bob).findOneOrFail(Book, "alice")).rejects.toThrow("Book not found");
      expect(await database.em(alice).findOne(Book, "alice")).toMatchObject({ title: "A book of alice" });
    });

    it("widens no filter by what a caller asks for", async () => {
      const em = database.em(bob);
      expect(await em.find(Book, { $or: [{ ownerId: "alice" }, { tenantId: "elsewhere" }, { id: { $ne: "" } }] })).toHaveLength(2);
      expect(await em.find(Book, { ownerId: { $in: ["alice", "bob"] } })).toHaveLength(2);
      expect(await em.find(Ledger, { $or: [{ sum: 1 }, { id: { $ne: "" } }] })).toEqual([]);
    });

    it("counts, pages, groups and streams what the viewer sees", async () => {
      const em = database.em(bob);
      expect(await em.count(Book)).toBe(2);
      expect(await em.count(Book, { ownerId: "alice" })).toBe(0);
      expect(await em.findAndCount(Book, {}, { limit: 1 })).toMatchObject([[{ ownerId: "bob" }], 2]);
      expect(await em.findAll(Book)).toHaveLength(2);
      expect(await em.countBy(Book, "ownerId")).toEqual({ bob: 2 });
      const page = await em.findByCursor(Book, { first: 10, orderBy: { id: "asc" } });
      expect(page.items.map(({ id }) => id)).toEqual(["bob", "bob-on-alice"]);
      expect(page.totalCount).toBe(2);
      const streamed: string[] = [];
      for await (const book of em.stream(Book)) streamed.push(book.id);
      expect(streamed.toSorted()).toEqual(["bob", "bob-on-alice"]);
    });

    it("keeps what one viewer had cached from another", async () => {
      const cached = async (viewer: Viewer): Promise<string[]> =>
        (await database.em(viewer).find(Book, {}, { cache: 10_000, orderBy: { id: "asc" } })).map(({ id }) => id);
      expect(await cached(alice)).toEqual(["alice", "alice-after-bob"]);
      expect(await cached(bob)).toEqual(["bob", "bob-on-alice"]);
      expect(await cached(alice)).toEqual(["alice", "alice-after-bob"]);
    });

    it("reads no reference that the viewer may not see", async () => {
      const em = database.em(bob);
      const foreign = em.getReference(Book, "alice");
      await expect(em.refresh(foreign)).resolves.toBeNull();
    });

    it.each(["joined", "select-in", "balanced"] as const)("populates only what the viewer sees, by the strategy %s", async (strategy) => {
      const em = database.em(bob);
      const shelves = await em.find(Shelf, {}, { populate: ["books"], strategy, orderBy: { id: "asc" } });
      expect(shelves.map((shelf) => [shelf.id, shelf.books.getItems().map(({ id }) => id)])).toEqual([
        ["alice", ["bob-on-alice"]],
        ["bob", ["bob"]],
      ]);
      const [book] = await database.em(bob).find(Book, { id: "bob-on-alice" }, { populate: ["sequel", "shelf"], strategy });
      expect(book?.shelf).toMatchObject({ label: "alice" });
      expect((book?.sequel as { title?: string } | null)?.title).toBeUndefined();
    });

    it("populates later only what the viewer sees", async () => {
      const em = database.em(bob);
      const [shelf] = await em.find(Shelf, { id: "alice" });
      await em.populate([shelf as Shelf], ["books"]);
      expect(shelf?.books.getItems().map(({ id }) => id)).toEqual(["bob-on-alice"]);
      const own = await database.em(bob).findOneOrFail(Shelf, "bob");
      expect((await own.books.load()).getItems().map(({ id }) => id)).toEqual(["bob"]);
    });

    it("tells nothing of a foreign row by a condition on it", async () => {
      expect(await database.em(bob).find(Book, { sequel: { title: "A book of alice" } })).toEqual([]);
      expect(await database.em(bob).find(Shelf, { books: { title: "A book of alice" } })).toEqual([]);
      expect(await database.em(bob).count(Shelf, { books: { ownerId: "alice" } })).toBe(0);
    });

    it("filters a query builder, which MikroORM leaves to the caller", async () => {
      const em = database.em(bob);
      expect((await em.createQueryBuilder(Book, "b").select("*").getResultList()).map(({ id }) => id).toSorted()).toEqual([
        "bob",
        "bob-on-alice",
      ]);
      expect(await em.qb(Book).getCount()).toBe(2);
      expect(await em.qb(Book, "b").select("*").where({ ownerId: "alice" }).getResultAndCount()).toEqual([[], 0]);
      expect(await em.qb(Book, "b").select("id").orWhere({ ownerId: "alice" }).execute("all")).toHaveLength(0);
      const filtered = em.qb(Book, "b").select("*");
      await filtered.applyFilters();
      expect(await filtered.clone().getResultList()).toHaveLength(2);
      const streamed: unknown[] = [];
      for await (const row of em.qb(Book, "b").select("*").stream()) streamed.push(row);
      expect(streamed).toHaveLength(2);
      expect(await em.getRepository(Book).createQueryBuilder("b").select("*").getResultList()).toHaveLength(2);
      expect(await em.qb(Ledger).getCount()).toBe(0);
    });

    it("filters what a query builder joins", async () => {
      const em = database.em(bob);
      const shelves = await em.qb(Shelf, "s").select("*").leftJoinAndSelect("s.books", "b").getResultList();
      expect(shelves.flatMap((shelf) => shelf.books.getItems().map(({ ownerId }) => ownerId))).toEqual(["bob", "bob"]);
      const rows = await em.qb(Shelf, "s").select("s.id").innerJoin("s.books", "b").where({ "b.ownerId": "alice" }).execute("all");
      expect(rows).toEqual([]);
      expect(
        await em
          .qb(Shelf, "s")
          .select("*")
          .where({ books: { ownerId: "alice" } })
          .getResultList(),
      ).toEqual([]);
      expect(
        await em
          .qb(Shelf, "s")
          .select("*")
          .where({ id: { $in: em.qb(Book, "b").select("b.shelf").where({ ownerId: "alice" }) } })
          .getResultList(),
      ).toEqual([]);
    });

    it("filters what a collection's operators ask of, and what a clone adds", async () => {
      const em = database.em(bob);
      const shelf = (id: string) => em.qb(Shelf, "s").select("*").where({ id });
      expect(
        await em
          .qb(Shelf, "s")
          .select("*")
          .where({ books: { $some: { ownerId: "alice" } } })
          .getResultList(),
      ).toEqual([]);
      expect(await shelf("alice").clone().getResultList()).toHaveLength(1);
      const filtered = em.qb(Book, "b").select("*").where({ id: "bob" });
      await filtered.applyFilters();
      expect(await filtered.clone().orWhere({ ownerId: "alice" }).getResultList()).toHaveLength(1);
      for (const operator of ["$some", "$none", "$every", "$size"]) {
        const condition = { books: { [operator]: operator === "$size" ? 1 : { ownerId: "alice" } } };
        await expect(em.find(Shelf, condition)).rejects.toMatchObject({ code: "INTERNAL" });
        await expect(em.count(Shelf, { $or: [condition] })).rejects.toMatchObject({ code: "INTERNAL" });
      }
    });

    it("filters what is forked from an entity manager", async () => {
      expect(await database.em(bob).fork().count(Book)).toBe(2);
      expect(await database.em(bob).find(Book, {}, { disableIdentityMap: true })).toHaveLength(2);
    });
  });
});

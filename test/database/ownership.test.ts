import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/core/database/database.ts";
import type { Reach, Viewer } from "../../src/core/database/viewer.ts";
import { admin, alice, bob, Book, entities, Ledger, Loan, Shelf, strangeAdmin, stranger } from "./entities.ts";
import { stores, type Place } from "./stores.ts";

/** One row of each kind for each owner: its id says whose it is. */
const owners: readonly Viewer[] = [alice, bob, stranger];
const nameOf = (viewer: Viewer): string => (viewer.tenantId === "test" ? viewer.actorId : `${viewer.actorId}-${viewer.tenantId}`);

describe.each(stores)("ownership on $name", (store) => {
  let place: Place;
  let database: Database;

  beforeAll(async () => {
    place = store.place();
    database = place.open({ entities });
    await database.orm.schema.create();
    await database.write("SYSTEM", async ({ em }) => {
      for (const owner of owners) {
        const id = nameOf(owner);
        const row = { id, tenantId: owner.tenantId, ownerId: owner.actorId };
        const shelf = em.create(Shelf, { ...row, label: id });
        em.create(Book, { ...row, title: `A book of ${id}`, pages: id.length, shelf });
        em.create(Loan, { ...row, grantee: owner === alice ? "bob" : "nobody" });
        em.create(Ledger, { id, sum: 1 });
      }
      // Rows of several owners that point at each other.
      em.create(Book, {
        id: "bob-on-alice",
        tenantId: "test",
        ownerId: "bob",
        title: "On Alice's shelf",
        shelf: em.getReference(Shelf, "alice"),
        sequel: em.getReference(Book, "alice"),
      });
      em.create(Book, {
        id: "alice-after-bob",
        tenantId: "test",
        ownerId: "alice",
        title: "Sequel of Bob's",
        shelf: em.getReference(Shelf, "bob"),
        sequel: em.getReference(Book, "bob"),
      });
    });
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

  it("refuses the reach TENANT to whoever is no admin", () => {
    expect(() => database.em(alice, "TENANT")).toThrow(
      expect.objectContaining({ code: "FORBIDDEN", details: expect.objectContaining({ path: ["scope"] }) }),
    );
  });

  it("refuses a query without a reader", async () => {
    for (const entity of [Shelf, Book, Loan, Ledger]) {
      await expect(database.orm.em.fork().find(entity as typeof Book, {})).rejects.toThrow("No arguments provided for filter 'ownership'");
      await expect(database.orm.em.fork().count(entity as typeof Book, {})).rejects.toThrow("ownership");
    }
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

    it("filters what is forked from an entity manager", async () => {
      expect(await database.em(bob).fork().count(Book)).toBe(2);
      expect(await database.em(bob).find(Book, {}, { disableIdentityMap: true })).toHaveLength(2);
    });
  });

  describe("a write as a viewer", () => {
    it("reads, changes and deletes only what the viewer sees", async () => {
      await database.write(bob, async ({ em }) => {
        expect(await em.count(Book)).toBe(2);
        expect(await em.findOne(Book, "alice")).toBeNull();
        expect(await em.nativeUpdate(Book, { id: "alice" }, { title: "stolen" })).toBe(0);
        expect(await em.nativeDelete(Book, { id: { $in: ["alice", "alice-elsewhere"] } })).toBe(0);
        await em.qb(Book).update({ title: "stolen" }).where({ id: "alice" }).execute();
        await em.qb(Book).delete({ id: "alice" }).execute();
        expect(await em.nativeUpdate(Book, { id: "bob" }, { title: "mine" })).toBe(1);
      });
      expect(await database.em(alice).findOne(Book, "alice")).toMatchObject({ title: "A book of alice" });
      expect(await database.em(bob).findOne(Book, "bob")).toMatchObject({ title: "mine" });
    });

    it("sees all as the platform", async () => {
      expect(await database.write("SYSTEM", ({ em }) => em.count(Book))).toBe(5);
    });

    it("leaves a viewer's entity manager as it is, also from inside the write of another", async () => {
      const em = database.em(bob);
      await database.write("SYSTEM", async () => {
        expect(await em.count(Book)).toBe(2);
        expect(await database.em(alice).count(Ledger)).toBe(0);
        expect(await database.em(bob).count(Book)).toBe(2);
      });
    });
  });
});

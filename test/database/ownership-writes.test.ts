import type { EntityManager } from "@mikro-orm/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/core/database/database.ts";
import { alice, bob, Book, entities, Ledger, Loan, Shelf } from "./entities.ts";
import { fillLibrary } from "./library.ts";
import { stores, type Place } from "./stores.ts";

describe.each(stores)("a write as a viewer on $name", (store) => {
  let place: Place;
  let database: Database;

  beforeAll(async () => {
    place = store.place();
    database = place.open({ entities });
    await fillLibrary(database);
  });
  afterAll(() => place.remove());

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

  it("changes nothing of what was granted to the viewer", async () => {
    await database.write(bob, async ({ em }) => {
      expect(await em.count(Loan, { id: "alice" })).toBe(1);
      expect(await em.nativeUpdate(Loan, { id: "alice" }, { grantee: "nobody" })).toBe(0);
      expect(await em.nativeDelete(Loan, { id: "alice" })).toBe(0);
      await em.qb(Loan).update({ grantee: "nobody" }).where({ id: "alice" }).execute();
      await em.qb(Loan).delete({ id: "alice" }).execute();
    });
    expect(await database.em(bob).count(Loan, { id: "alice" })).toBe(1);
  });

  it("takes what MikroORM would write past the filter, and takes it for its own rows", async () => {
    const row = { tenantId: "test", ownerId: "bob", shelf: "bob" };
    await database.write(bob, async ({ em }) => {
      em.create(Book, { id: "new-created", title: "New", ...row });
      await em.insert(Book, { id: "new-inserted", title: "New", pages: 1, ...row });
      await em.insertMany(Book, [{ id: "new-many", title: "New", pages: 1, ...row }]);
      await em
        .qb(Book)
        .insert({ id: "new-built", title: "New", pages: 1, ...row })
        .execute();
      em.create(Ledger, { id: "bobs-entry", sum: 1 });
      const own = em.getReference(Book, "new-inserted");
      own.title = "Newer";
    });
    const found = await database.em(bob).find(Book, { id: { $like: "new-%" } }, { orderBy: { id: "asc" } });
    expect(found.map(({ id, title }) => `${id} ${title}`)).toEqual([
      "new-built New",
      "new-created New",
      "new-inserted Newer",
      "new-many New",
    ]);
    await database.write(bob, async ({ em }) => {
      for (const { id } of found) em.remove(em.getReference(Book, id));
    });
    expect(await database.em(bob).count(Book)).toBe(2);
  });

  it("lets an admin add to what the tenant shares, for its owner, and to nothing else of others", async () => {
    const admin = { ...bob, roles: ["admin"] };
    const shelf = { id: "of-alice", tenantId: "test", ownerId: "alice", label: "Admin's" };
    await database.write(admin, async ({ em }) => void em.create(Shelf, shelf));
    expect(await database.em(bob).findOne(Shelf, "of-alice")).toMatchObject({ ownerId: "alice" });
    const elsewhere = { ...shelf, id: "elsewhere", tenantId: "elsewhere" };
    await expect(database.write(admin, async ({ em }) => void em.create(Shelf, elsewhere))).rejects.toMatchObject({ code: "FORBIDDEN" });
    await expect(database.write(admin, async ({ em }) => void em.create(Book, ofAlice))).rejects.toMatchObject({ code: "FORBIDDEN" });
    await database.write("SYSTEM", async ({ em }) => void (await em.nativeDelete(Shelf, { id: "of-alice" })));
  });

  const foreign = { id: "forged", title: "Forged", pages: 1 };
  const ofAlice = { ...foreign, tenantId: "test", ownerId: "alice" };
  const ofStranger = { ...foreign, tenantId: "elsewhere", ownerId: "bob" };
  const forged: readonly (readonly [what: string, code: string, (em: EntityManager) => unknown])[] = [
    ["creates a row of another", "FORBIDDEN", (em) => em.create(Book, ofAlice)],
    ["creates a row in another tenant", "FORBIDDEN", (em) => em.create(Book, ofStranger)],
    [
      "creates a shared row of another",
      "FORBIDDEN",
      (em) => em.create(Shelf, { id: "forged", tenantId: "test", ownerId: "alice", label: "x" }),
    ],
    [
      "creates a granted row of another",
      "FORBIDDEN",
      (em) => em.create(Loan, { id: "forged", tenantId: "test", ownerId: "alice", grantee: "bob" }),
    ],
    ["persists an object that it made itself", "FORBIDDEN", (em) => em.persist(Object.assign(new Book(), ofAlice))],
    ["inserts a row of another", "FORBIDDEN", (em) => em.insert(Book, ofAlice)],
    [
      "inserts rows of which one is another's",
      "FORBIDDEN",
      (em) => em.insertMany(Book, [{ ...ofAlice, id: "x", ownerId: "bob" }, ofAlice]),
    ],
    ["inserts a row of nobody", "FORBIDDEN", (em) => em.insert(Book, foreign as Book)],
    ["inserts by a query builder", "FORBIDDEN", (em) => em.qb(Book).insert(ofAlice).execute()],
    [
      "inserts by a fork's query builder",
      "FORBIDDEN",
      (em) => em.fork({ keepTransactionContext: true }).qb(Book).insert(ofAlice).execute(),
    ],
    ["gives its row away", "FORBIDDEN", async (em) => em.assign(await em.findOneOrFail(Book, "bob"), { ownerId: "alice" })],
    [
      "moves its row to another tenant",
      "FORBIDDEN",
      async (em) => em.assign(await em.findOneOrFail(Book, "bob"), { tenantId: "elsewhere" }),
    ],
    ["takes a shared row over", "FORBIDDEN", async (em) => em.assign(await em.findOneOrFail(Shelf, "alice"), { ownerId: "bob" })],
    ["gives rows away by an update", "FORBIDDEN", (em) => em.nativeUpdate(Book, { id: "bob" }, { ownerId: "alice" })],
    [
      "gives rows away by a query builder",
      "FORBIDDEN",
      (em) => em.qb(Book).update({ tenantId: "elsewhere" }).where({ id: "bob" }).execute(),
    ],
    ["changes a reference to a row of another", "NOT_FOUND", (em) => em.assign(em.getReference(Book, "alice"), { title: "stolen" })],
    ["removes a reference to a row of another", "NOT_FOUND", (em) => em.remove(em.getReference(Book, "alice"))],
    [
      "merges a row of another as its own",
      "NOT_FOUND",
      (em) => em.assign(em.merge(Book, { ...ofAlice, id: "alice", ownerId: "bob" }), { title: "stolen" }),
    ],
    ["upserts over a row of another", "INTERNAL", (em) => em.upsert(Book, { ...ofAlice, id: "alice", ownerId: "bob" })],
    ["upserts many", "INTERNAL", (em) => em.upsertMany(Book, [{ ...ofAlice, id: "alice", ownerId: "bob" }])],
    [
      "merges on a conflict",
      "INTERNAL",
      (em) =>
        em
          .qb(Book)
          .insert({ ...ofAlice, ownerId: "bob" })
          .onConflict("id")
          .merge()
          .execute(),
    ],
    ["copies a row of another", "INTERNAL", (em) => em.clone(Book, { id: "alice" }, { id: "copy", ownerId: "bob" })],
    [
      "copies rows by a query builder",
      "INTERNAL",
      (em) =>
        em
          .qb(Book)
          .insertFrom(em.qb(Book).where({ id: "alice" }))
          .execute(),
    ],
    ["empties the table", "INTERNAL", (em) => em.qb(Book).truncate().execute()],
    ["runs SQL", "INTERNAL", (em) => em.execute("delete from library_book")],
    ["takes the query builder below", "INTERNAL", (em) => em.getKysely()],
    ["takes the connection", "INTERNAL", (em) => em.getConnection().execute("delete from library_book")],
    ["ends the transaction", "INTERNAL", (em) => em.commit()],
  ];

  it.each(forged)("is refused where it %s", async (_, code, work) => {
    const before = await database.em("SYSTEM").find(Book, {}, { orderBy: { id: "asc" } });
    await expect(database.write(bob, async ({ em }) => void (await work(em)))).rejects.toMatchObject({ code });
    await expect(
      database.write(bob, async ({ em }) => void (await em.transactional((inner) => work(inner as EntityManager)))),
    ).rejects.toMatchObject({ code });
    const after = await database.em("SYSTEM").find(Book, {}, { orderBy: { id: "asc" } });
    expect(after.map((book) => ({ ...book }))).toEqual(before.map((book) => ({ ...book })));
  });

  it("may write rows of everybody as the platform", async () => {
    await database.write("SYSTEM", async ({ em }) => {
      await em.upsert(Loan, { id: "carols", tenantId: "test", ownerId: "carol", grantee: "nobody" });
      await em.nativeDelete(Loan, { id: "carols" });
    });
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

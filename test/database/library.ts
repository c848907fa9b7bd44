import type { Database } from "../../src/core/database/database.ts";
import type { Viewer } from "../../src/core/database/viewer.ts";
import { alice, bob, Book, Ledger, Loan, Shelf, stranger } from "./entities.ts";

/** One row of each kind for each owner: its id says whose it is. */
const owners: readonly Viewer[] = [alice, bob, stranger];
const nameOf = (viewer: Viewer): string => (viewer.tenantId === "test" ? viewer.actorId : `${viewer.actorId}-${viewer.tenantId}`);

/** Makes the tables and fills them. */
export async function fillLibrary(database: Database): Promise<void> {
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
}

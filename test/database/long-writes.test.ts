import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { databaseService, definePlugin, resultType, type Database as HostDatabase } from "#weftline";
import type { Database, Tx } from "../../src/core/database/database.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { recordingLog } from "../kernel/boot.ts";
import { Book, entities, Ledger } from "./entities.ts";
import { stores, type Place } from "./stores.ts";

const forEver = (): Promise<never> => new Promise(() => {});

describe.each(stores)("a write that takes too long on $name", (store) => {
  let place: Place;
  let database: Database;
  const log = recordingLog();
  const labels = { plugin: "desk" };

  beforeEach(async () => {
    place = store.place();
    log.lines.length = 0;
    database = place.open({ entities, log, writes: { longWriteMs: 20, maxWriteMs: 60 }, labels: () => labels });
    await database.orm.schema.create();
    await database.write("SYSTEM", async ({ em }) => void em.create(Ledger, { id: "sum", sum: 0 }));
  });
  afterEach(() => place.remove());

  const book = (id: string) => ({ id, tenantId: "test", ownerId: "alice", title: id });
  const titles = async (): Promise<string[]> =>
    (await database.read.all<{ title: string }>("select title from library_book order by title")).map(({ title }) => title);
  const tooLong = { code: "WRITE_TOO_LONG", message: 'A write of the plugin "desk" took over 0.06 s and was taken back.' };

  it("is warned of, taken back and refused, and those that wait behind it go on", async () => {
    const before = database.write("SYSTEM", async (tx) => void (await tx.insert(Book, book("before"))));
    const stuck = database.write("SYSTEM", async (tx) => {
      await tx.insert(Book, book("stuck"));
      tx.em.create(Book, book("stuck too"));
      await tx.em.flush();
      return forEver();
    });
    const behind = database.write("SYSTEM", async (tx) => void (await tx.insert(Book, book("behind"))));
    await expect(stuck).rejects.toMatchObject(tooLong);
    await Promise.all([before, behind]);
    expect(await titles()).toEqual(["before", "behind"]);
    const noted = {
      fields: expect.objectContaining(labels) as unknown,
      message: expect.stringMatching(/^a write of the plugin "desk"/i) as unknown,
    };
    expect(log.lines).toContainEqual({ level: "warn", ...noted });
    expect(log.lines).toContainEqual({ level: "error", ...noted });
  });

  const uses: readonly (readonly [string, (tx: Tx) => unknown])[] = [
    [
      "runs SQL",
      ({ sql }) => sql.run("insert into library_book (id, tenant_id, owner_id, title, pages) values ('x', 'test', 'alice', 'x', 1)"),
    ],
    ["reads by SQL", ({ sql }) => sql.all("select 1")],
    ["reads a row by SQL", ({ sql }) => sql.get("select 1")],
    ["inserts a row", (tx) => tx.insert(Book, book("x"))],
    ["flushes what it changed", ({ em }) => em.flush()],
    ["changes rows", ({ em }) => em.nativeUpdate(Ledger, { id: "sum" }, { sum: 9 })],
    ["deletes rows", ({ em }) => em.nativeDelete(Ledger, { id: "sum" })],
    ["reads entities", ({ em }) => em.find(Ledger, {})],
    ["runs SQL of the ORM", ({ em }) => em.execute("delete from library_ledger")],
    ["nests a transaction", ({ em }) => em.transactional(async (inner) => void inner.create(Ledger, { id: "x", sum: 1 }))],
    ["follows the commit", ({ afterCommit }) => afterCommit(() => expect.fail("it ran"))],
  ];

  /** A write, with what it kept of its entity manager. */
  const taken = (end: () => Promise<unknown>): { readonly kept: Promise<Tx>; readonly written: Promise<unknown> } => {
    const kept = Promise.withResolvers<Tx>();
    const written = database.write("SYSTEM", async (tx) => {
      const { em } = tx;
      em.create(Ledger, { id: "late", sum: 1 });
      kept.resolve({ ...tx, em });
      await end();
    });
    return { kept: kept.promise, written };
  };

  const sums = () => database.read.all("select id, sum from library_ledger order by id");

  it.each(uses)("is refused what it does later: %s", async (_, use) => {
    const { kept, written } = taken(forEver);
    await expect(written).rejects.toMatchObject(tooLong);
    const tx = await kept;
    await expect((async () => use(tx))()).rejects.toMatchObject({ code: "WRITE_ENDED" });
    // Also while another write is open, whose transaction is not its own.
    await database.write("SYSTEM", () => expect((async () => use(tx))()).rejects.toMatchObject({ code: "WRITE_ENDED" }));
    expect(await sums()).toEqual([{ id: "sum", sum: 0 }]);
    expect(await titles()).toEqual([]);
  });

  it.each(uses)("or was committed is refused alike: %s", async (_, use) => {
    const { kept, written } = taken(async () => {});
    await written;
    const tx = await kept;
    tx.em.create(Ledger, { id: "later", sum: 1 });
    await database.write("SYSTEM", () => expect((async () => use(tx))()).rejects.toMatchObject({ code: "WRITE_ENDED" }));
    expect(await sums()).toEqual([
      { id: "late", sum: 1 },
      { id: "sum", sum: 0 },
    ]);
  });

  it("may hold still no longer than others may write", async () => {
    await expect(database.still(forEver)).rejects.toMatchObject({ code: "WRITE_TOO_LONG" });
    expect(await database.write("SYSTEM", async () => "goes on")).toBe("goes on");
  });

  it("and never waits is warned of when it ends", async () => {
    log.lines.length = 0;
    const until = performance.now() + 40;
    expect(
      await database.write("SYSTEM", async () => {
        while (performance.now() < until);
        return "done";
      }),
    ).toBe("done");
    await vi.waitFor(() => expect(log.lines.map(({ level }) => level)).toEqual(["warn"]));
  });
});

it("a write that takes too long fails the mutation that it is of, and names the plugin", async () => {
  const stuckPlugin = definePlugin({
    id: "stuck",
    requires: { database: databaseService },
    schema: (builder) => {
      const stuck = resultType<object>(builder, "Stuck", {
        errors: ["unavailable"],
        fields: (t) => ({ ok: t.boolean({ resolve: () => true, description: "Never." }) }),
      });
      builder.mutationField("stuckWrite", (t) =>
        t.field({
          type: stuck.type,
          nullable: false,
          description: "Writes for ever.",
          resolve: (_, __, scope) => stuck.attempt(() => scope.write(forEver)),
        }),
      );
    },
    setup: ({ deps, onReady }) => onReady(() => expect(hold(deps.database)).rejects.toThrow('A write of the plugin "stuck" took')),
  });
  const hold = (database: Pick<HostDatabase, "write">) => database.write("SYSTEM", forEver);
  await using app = await testPlatform({ plugins: [stuckPlugin()], database: { maxWriteMs: 40 } });
  const query = "mutation { stuckWrite { __typename ... on UserError { code message } } }";
  expect(await app.graphql(query)).toEqual({
    stuckWrite: {
      __typename: "UnavailableError",
      code: "WRITE_TOO_LONG",
      message: 'A write of the plugin "stuck" took over 0.04 s and was taken back.',
    },
  });
  await expect(testPlatform({ plugins: [], database: { maxWriteMs: 0 } })).rejects.toThrow("database.maxWriteMs");
});

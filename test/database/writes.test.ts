import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Database, Tx } from "../../src/core/database/database.ts";
import { recordingLog } from "../kernel/boot.ts";
import { alice, Book, entities, Ledger } from "./entities.ts";
import { stores, type Place } from "./stores.ts";

describe.each(stores)("writes on $name", (store) => {
  let place: Place;
  let database: Database;
  const log = recordingLog();

  beforeEach(async () => {
    place = store.place();
    log.lines.length = 0;
    database = place.open({ entities, log });
    await database.orm.schema.create();
    await database.write("SYSTEM", async ({ em }) => void em.create(Ledger, { id: "sum", sum: 0 }));
  });
  afterEach(() => place.remove());

  const sum = async (): Promise<number | undefined> =>
    (await database.read.get<{ sum: number }>("select sum from library_ledger where id = ?", "sum"))?.sum;
  const book = (id: string) => ({ id, tenantId: "test", ownerId: "alice", title: id });

  /** Reads, lets others run, and writes what it read plus one: two at once would lose one. */
  const addOneByEntities = (): Promise<void> =>
    database.write("SYSTEM", async ({ em }) => {
      const ledger = await em.findOneOrFail(Ledger, "sum");
      await pause(Math.random() * 3);
      ledger.sum += 1;
    });
  const addOneBySql = (): Promise<void> =>
    database.commit(async ({ sql }) => {
      const row = await sql.get<{ sum: number }>("select sum from library_ledger where id = ?", "sum");
      await pause(Math.random() * 3);
      await sql.run("update library_ledger set sum = ? where id = ?", (row?.sum ?? 0) + 1, "sum");
    });

  it("answer when the rows are durable, with what the work answers", async () => {
    const answer = await database.write(alice, async ({ em }) => em.create(Book, book("one")).id);
    expect(answer).toBe("one");
    expect(await database.em(alice).count(Book)).toBe(1);
    expect(await database.commit(async ({ sql }) => sql.run("update library_ledger set sum = 7 where id = ?", "sum"))).toBe(1);
    expect(await sum()).toBe(7);
  });

  it("show nobody a row before its commit, whoever asks and however", async () => {
    const counts = async (): Promise<number[]> => [
      await database.em(alice).count(Book),
      await database.em("SYSTEM").count(Book),
      (await database.read.all("select id from library_book")).length,
      await database.em(alice).qb(Book).getCount(),
    ];
    const [written, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const open = database.write(alice, async ({ em, sql }) => {
      em.create(Book, book("one"));
      await em.flush();
      await sql.run("update library_book set title = ? where id = ?", "changed", "one");
      expect(await em.count(Book)).toBe(1);
      expect(await sql.get("select title from library_book where id = ?", "one")).toEqual({ title: "changed" });
      written.resolve();
      await seen.promise;
    });
    await written.promise;
    expect(await counts()).toEqual([0, 0, 0, 0]);
    await pause(5);
    expect(await counts()).toEqual([0, 0, 0, 0]);
    seen.resolve();
    await open;
    expect(await counts()).toEqual([1, 1, 1, 1]);
  });

  it("see what was written before them, also what is not committed yet, however they read", async () => {
    const first = database.write(alice, async ({ em }) => void em.create(Book, book("one")));
    const second = database.write(alice, async ({ em }) => {
      return [await em.count(Book), await database.em(alice).count(Book)];
    });
    expect(await Promise.all([first, second])).toEqual([undefined, [1, 1]]);
  });

  it("that come together share a commit: one that fails takes back its own part only", async () => {
    const journal: string[] = [];
    const add = (id: string, failure?: string): Promise<void> =>
      database.write(alice, async ({ em, afterCommit }) => {
        em.create(Book, book(id));
        await em.flush();
        afterCommit(() => void journal.push(id));
        journal.push(`${id} is written`);
        if (failure !== undefined) throw new Error(failure);
      });
    // A commit waits for more for some milliseconds: here the clock stands still.
    vi.useFakeTimers({ toFake: ["performance"] });
    const outcomes = await Promise.allSettled([add("one"), add("two", "changed my mind"), add("three"), add("one")]);
    vi.useRealTimers();
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
    expect(journal).toEqual(["one is written", "two is written", "three is written", "one", "three"]);
    expect((await database.em(alice).findAll(Book)).map(({ id }) => id)).toEqual(["one", "three"]);
  });

  it("show entities and prepared SQL of one transaction the same uncommitted rows", async () => {
    await database.write(alice, async ({ em, sql }) => {
      await sql.run(
        "insert into library_book (id, tenant_id, owner_id, title, pages) values (?, ?, ?, ?, ?)",
        "raw",
        "test",
        "alice",
        "raw",
        3,
      );
      expect(await em.findOneOrFail(Book, "raw")).toMatchObject({ title: "raw", pages: 3 });
    });
  });

  it("wait for each other: none is lost", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? addOneByEntities() : addOneBySql())));
    expect(await sum()).toBe(20);
  });

  it("let readers read meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    const open = database.write(alice, async ({ em }) => {
      em.create(Book, book("one"));
      await em.flush();
      await gate.promise;
    });
    expect(await database.em(alice).count(Book)).toBe(0);
    expect(await sum()).toBe(0);
    gate.resolve();
    await open;
    expect(await database.em(alice).count(Book)).toBe(1);
  });

  it("that fail leave nothing behind, and the next ones go on", async () => {
    const failing = database.write(alice, async ({ em, sql }) => {
      em.create(Book, book("lost"));
      await em.flush();
      await sql.run("update library_ledger set sum = 99 where id = ?", "sum");
      throw new Error("changed my mind");
    });
    const next = addOneByEntities();
    await expect(failing).rejects.toThrow("changed my mind");
    await next;
    expect(await database.em(alice).count(Book)).toBe(0);
    expect(await sum()).toBe(1);
  });

  it("by the hot path that fail leave nothing behind either", async () => {
    await expect(
      database.commit(async ({ sql }) => {
        await sql.run("update library_ledger set sum = 99 where id = ?", "sum");
        throw new Error("fenced");
      }),
    ).rejects.toThrow("fenced");
    expect(await sum()).toBe(0);
    await expect(database.commit(({ sql }) => sql.run("insert into no_such_table values (1)"))).rejects.toThrow("no_such_table");
    await Promise.all([addOneBySql(), addOneByEntities()]);
    expect(await sum()).toBe(2);
  });

  it("that break a constraint fail as a whole", async () => {
    await database.write(alice, async ({ em }) => void em.create(Book, book("one")));
    await expect(
      database.write(alice, async ({ em }) => {
        em.create(Book, book("two"));
        em.create(Book, book("one"));
      }),
    ).rejects.toThrow(/unique/i);
    expect((await database.em(alice).findAll(Book)).map(({ id }) => id)).toEqual(["one"]);
  });

  it("may be nested within their own transaction: the inner part that fails is undone alone", async () => {
    await database.write(alice, async ({ em }) => {
      em.create(Book, book("outer"));
      await em.flush();
      await em
        .transactional(async (inner) => {
          inner.create(Book, book("inner"));
          await inner.flush();
          throw new Error("inner");
        })
        .catch(() => undefined);
    });
    expect((await database.em(alice).findAll(Book)).map(({ id }) => id)).toEqual(["outer"]);
  });

  it("are told by their names: before them, at the end of their work, and once they are durable, before anybody else is told", async () => {
    const told: [string, Promise<object[]>][] = [];
    const tell = (at: string): void => void told.push([at, database.read.all<object>("select id from library_book")]);
    const telling = async ({ afterCommit }: Pick<Tx, "afterCommit">): Promise<void> => afterCommit(() => tell("all"));
    database.probeCommits(tell);
    const shelve = (tx: Tx): Promise<void> => {
      tx.em.create(Book, book("one"));
      return telling(tx);
    };
    await database.write(alice, shelve, "shelve");
    await database.commit(telling, "look");
    await database.upkeep(telling);
    await expect(database.commit(() => Promise.reject(new Error("no")), "fail")).rejects.toThrow("no");
    const seen = await Promise.all(told.map(async ([at, rows]) => `${at} ${(await rows).length}`));
    expect(seen).toEqual([
      ...["shelve.before 0", "shelve.inside 0", "shelve.committed 1", "all 1"],
      ...["look.before 1", "look.inside 1", "look.committed 1", "all 1"],
      ...["upkeep.before 1", "upkeep.inside 1", "upkeep.committed 1", "all 1"],
      "fail.before 1",
    ]);
  });

  describe("what follows a commit", () => {
    const later = (tx: Pick<Tx, "afterCommit">, journal: string[], name: string): void => tx.afterCommit(() => void journal.push(name));

    it("runs once the rows are visible, in order, whatever is written next", async () => {
      const journal: string[] = [];
      let seen: Promise<number> | undefined;
      const first = database.write(alice, async (tx) => {
        tx.em.create(Book, book("one"));
        later(tx, journal, "first");
        tx.afterCommit(() => (seen = database.em(alice).count(Book)));
        later(tx, journal, "second");
        journal.push("work");
      });
      const next = database.commit(async (tx) => later(tx, journal, "third"));
      await Promise.all([first, next]);
      expect(journal).toEqual(["work", "first", "second", "third"]);
      expect(await seen).toBe(1);
    });

    it("never runs after a rollback", async () => {
      const journal: string[] = [];
      const fail = async (tx: Pick<Tx, "afterCommit">): Promise<never> => {
        later(tx, journal, "never");
        throw new Error("no");
      };
      await expect(database.write(alice, fail)).rejects.toThrow("no");
      await expect(database.commit(fail)).rejects.toThrow("no");
      await expect(
        database.write(alice, async (tx) => {
          later(tx, journal, "never");
          tx.em.create(Book, { ...book("one"), shelf: "no such shelf" });
        }),
      ).rejects.toThrow(/foreign key/i);
      expect(journal).toEqual([]);
    });

    it("cannot undo the write by failing, nor keep back what follows it", async () => {
      const journal: string[] = [];
      const answer = await database.write(alice, async (tx) => {
        tx.em.create(Book, book("one"));
        tx.afterCommit(() => {
          throw new Error("nobody listens");
        });
        later(tx, journal, "still");
        return "durable";
      });
      expect(answer).toBe("durable");
      expect(journal).toEqual(["still"]);
      expect(log.lines).toMatchObject([{ level: "error", fields: { err: { message: "nobody listens" } } }]);
    });
  });

  describe("outside of write", () => {
    const refusal = { code: "INTERNAL", message: expect.stringContaining("outside Database.write") };
    const attempts: [string, (database: Database) => Promise<unknown>][] = [
      ["flush", async (db) => (db.em(alice).create(Book, book("x")), db.em(alice).flush())],
      ["persist and flush", async (db) => db.em(alice).persist(new Book()).flush()],
      ["insert", async (db) => db.em(alice).insert(Book, book("x") as never)],
      ["insertMany", async (db) => db.em(alice).insertMany(Book, [book("x") as never])],
      ["upsert", async (db) => db.em(alice).upsert(Book, book("x") as never)],
      ["upsertMany", async (db) => db.em(alice).upsertMany(Book, [book("x") as never])],
      ["nativeUpdate", async (db) => db.em(alice).nativeUpdate(Book, {}, { title: "x" })],
      ["nativeDelete", async (db) => db.em(alice).nativeDelete(Book, {})],
      ["transactional", async (db) => db.em(alice).transactional(async () => 1)],
      ["begin", async (db) => db.em(alice).begin()],
      ["a repository", async (db) => db.em(alice).getRepository(Book).nativeDelete({})],
      ["a fork", async (db) => db.em(alice).fork().nativeDelete(Book, {})],
      ["a fork of a fork", async (db) => db.em(alice).fork().fork().flush()],
      ["raw SQL", async (db) => db.em(alice).execute("delete from library_book")],
      ["Kysely", async (db) => db.em(alice).getKysely()],
      ["the connection", async (db) => db.em(alice).getConnection().execute("delete from library_book")],
      ["a query builder's update", async (db) => db.em(alice).qb(Book).update({ title: "x" }).execute()],
      ["a query builder's delete", async (db) => db.em(alice).qb(Book).delete({}).execute()],
      [
        "a query builder's insert",
        async (db) =>
          db
            .em(alice)
            .qb(Book)
            .insert(book("x") as never)
            .execute(),
      ],
    ];

    it.each(attempts)("%s is refused", async (_, attempt) => {
      await database.write(alice, async ({ em }) => void em.create(Book, book("kept")));
      await expect(attempt(database)).rejects.toMatchObject(refusal);
      expect((await database.read.all("select id, title from library_book")).map((row) => ({ ...(row as object) }))).toEqual([
        { id: "kept", title: "kept" },
      ]);
    });
  });

  it("see one state in several reads where nothing is written meanwhile", async () => {
    const [before, after] = await Promise.all([
      database.still(async () => {
        const first = await sum();
        await pause(10);
        return [first, await sum()];
      }),
      addOneBySql().then(sum),
    ]);
    expect(before).toEqual([0, 0]);
    expect(after).toBe(1);
  });

  it("are refused once it is closed, after those before have run; closing twice is closing once", async () => {
    const last = addOneByEntities();
    await Promise.all([database.close(), database.close()]);
    await last;
    await expect(addOneByEntities()).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
    await expect(addOneBySql()).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
    await database.close();
    database = place.open({ entities });
    expect(await sum()).toBe(1);
  });

  it("report a clock of the store in milliseconds", async () => {
    const before = Date.now();
    const { now } = (await database.read.get<{ now: number }>(`select ${database.read.now} as now`)) ?? { now: 0 };
    expect(now).toBeGreaterThanOrEqual(before - 1_000);
    expect(now).toBeLessThanOrEqual(Date.now() + 1_000);
  });
});

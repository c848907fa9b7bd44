import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import SqliteFile from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../src/core/database/database.ts";
import { lockFile } from "../../src/core/database/lock.ts";
import { isStoreFailure } from "../../src/core/database/sqlite.ts";
import { createPlatform } from "../../src/core/platform.ts";
import { reportOf } from "../kernel/boot.ts";
import { entities, Ledger } from "./entities.ts";

let folder: string;
let file: string;
let opened: Database[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-sqlite-"));
  file = join(folder, "weftline.db");
  opened = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const database of opened) await database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(at = file): Database {
  const database = new Database({ file: at, entities, migrations: [] });
  opened.push(database);
  return database;
}

/** Another process that tries to open the file; resolves with what it says. */
async function holder(at = file): Promise<{ child: ChildProcess; says: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "lock-holder.ts"), at], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [says] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), "line")) as [string];
  return { child, says };
}

describe("an SQLite file", () => {
  it("is opened in WAL mode, and every commit is on the disk before it answers", async () => {
    const { orm } = open();
    const pragma = async (name: string, connection: "read" | "write"): Promise<unknown> =>
      Object.values((await orm.driver.getConnection(connection).execute<Record<string, unknown>[]>(`pragma ${name}`))[0] ?? {})[0];
    expect(await pragma("journal_mode", "write")).toBe("wal");
    expect(await pragma("synchronous", "write")).toBe(2);
    expect(await pragma("foreign_keys", "write")).toBe(1);
    expect(await pragma("query_only", "read")).toBe(1);
    expect(await pragma("query_only", "write")).toBe(0);
  });

  it("is written in transactions that are IMMEDIATE, of entities and of prepared SQL", async () => {
    const database = open();
    await database.orm.schema.create();
    const other = new SqliteFile(file, { timeout: 0 });
    const locked = (): boolean => {
      try {
        other.exec("begin immediate");
        other.exec("rollback");
        return false;
      } catch {
        return true;
      }
    };
    expect(locked()).toBe(false);
    // Nothing was written yet inside: a deferred transaction would not hold the lock.
    await database.write("SYSTEM", async ({ em }) => {
      expect(locked()).toBe(true);
      await em.count(Ledger);
    });
    await database.commit(async () => expect(locked()).toBe(true));
    expect(locked()).toBe(false);
    other.close();
  });

  describe("that refuses", () => {
    let database: Database;
    const pragma = (text: string): Promise<unknown> => database.orm.driver.getConnection("write").execute(`pragma ${text}`);
    const byEntities = (id: string): Promise<void> => database.write("SYSTEM", async ({ em }) => void em.create(Ledger, { id, sum: 1 }));
    const bySql = (id: string): Promise<number> =>
      database.commit(({ sql }) => sql.run("insert into library_ledger (id, sum) values (?, 1)", id));
    const away = { code: "STORE_UNAVAILABLE", kind: "unavailable", retryable: true };

    beforeEach(async () => {
      database = open();
      await database.orm.schema.create();
    });

    it("since another program keeps it locked, is a store that is away, and comes back", async () => {
      const other = new SqliteFile(file);
      other.exec("begin immediate");
      for (const attempt of [byEntities, bySql, byEntities])
        await expect(attempt("lost")).rejects.toMatchObject({ ...away, message: expect.stringContaining("locked") });
      expect(await database.em("SYSTEM").count(Ledger)).toBe(0);
      other.exec("rollback");
      other.close();
      await byEntities("one");
      await bySql("two");
      expect(await database.em("SYSTEM").count(Ledger)).toBe(2);
    });

    it("since another program keeps it locked, holds up nobody but writers, and waits for it a little", async () => {
      const other = new SqliteFile(file);
      other.exec("begin immediate");
      let beats = 0;
      // Unlocked by the event loop, which goes on while the writer waits.
      const pulse = setInterval(() => ++beats === 5 && other.exec("rollback"), 5);
      await byEntities("one");
      clearInterval(pulse);
      other.close();
      expect(beats).toBeGreaterThanOrEqual(5);
      expect(await database.em("SYSTEM").count(Ledger)).toBe(1);
    });

    it("since the disk is full, is a store that is away, still answers readers, and comes back", async () => {
      const [{ page_count: pages }] = (await pragma("page_count")) as [{ page_count: number }];
      await pragma(`max_page_count = ${pages}`);
      const big = "x".repeat(100_000);
      for (const attempt of [byEntities, bySql, byEntities])
        await expect(attempt(big)).rejects.toMatchObject({ ...away, message: expect.stringContaining("full") });
      expect(await database.em("SYSTEM").count(Ledger)).toBe(0);
      await byEntities("fits");
      await pragma("max_page_count = 1000000");
      await byEntities(big);
      await bySql("two");
      expect(await database.em("SYSTEM").count(Ledger)).toBe(3);
    });

    it("since it may not be written, is a store that is away", async () => {
      await pragma("query_only = ON");
      for (const attempt of [byEntities, bySql])
        await expect(attempt("lost")).rejects.toMatchObject({ ...away, message: expect.stringContaining("readonly") });
      await pragma("query_only = OFF");
      await byEntities("one");
      expect(await database.em("SYSTEM").count(Ledger)).toBe(1);
    });
  });

  it("has what was committed copied from its log on the way, and not only when it closes", async () => {
    const database = open();
    await database.orm.schema.update();
    // The file without its log, as a second connection would find it if the log were gone.
    const copied = (): number => {
      const copy = join(folder, "copy.db");
      copyFileSync(file, copy);
      const alone = new SqliteFile(copy);
      try {
        return alone.prepare("select count(*) from library_ledger").pluck().get() as number;
      } catch {
        return 0;
      } finally {
        alone.close();
      }
    };
    for (let id = 0; id < 150; id++) {
      await database.commit(({ sql }) => sql.run("insert into library_ledger (id, sum) values (?, 1)", String(id)));
    }
    await expect.poll(copied).toBeGreaterThan(0);
    await database.close();
    expect(existsSync(`${file}-wal`)).toBe(false);
    expect(copied()).toBe(150);
  });

  it("refuses to be written by what only reads, whether a write is open or not", async () => {
    const database = open();
    await database.orm.schema.update();
    const insert = "insert into library_ledger (id, sum) values ('x', 1) returning id";
    await expect(database.read.all(insert)).rejects.toThrow("readonly");
    await expect(database.read.get("delete from library_ledger returning id")).rejects.toThrow("readonly");
    await database.commit(async () => {
      await expect(database.read.all(insert)).rejects.toThrow("readonly");
    });
    expect(await database.read.all("select id from library_ledger")).toEqual([]);
  });

  it("makes the folder that it lies in", () => {
    const deep = join(folder, "a", "b", "weftline.db");
    open(deep);
    expect(existsSync(deep)).toBe(true);
  });

  it("that is none is refused with the file's name, and its lock is free again", async () => {
    writeFileSync(file, "this is a letter to my grandmother, not a database at all".repeat(20));
    expect(() => open()).toThrow(expect.objectContaining({ code: "DATABASE_UNUSABLE", message: expect.stringContaining(file) }));
    rmSync(file);
    open();
  });

  it("that cannot be written to is refused in the report of the boot", async () => {
    mkdirSync(join(folder, "weftline.db"));
    const report = await reportOf(createPlatform({ plugins: [], dataDir: folder, logLevel: "silent" }));
    expect(report).toContain(`✗ migrate: [DATABASE_UNUSABLE] The database ${file} cannot be opened: `);
    expect(report).toContain("→ Make its folder one that this user may write");
  });
});

describe("the lock of a database file", () => {
  it("refuses a second server in the same process, and says who holds it", () => {
    open();
    expect(() => open()).toThrow(expect.objectContaining({ code: "DATABASE_LOCKED", details: { file, pid: String(process.pid) } }));
  });

  it("is given back at close, and the file that names the holder goes with it", async () => {
    const first = open();
    expect(readFileSync(`${file}.pid`, "utf8")).toBe(String(process.pid));
    await first.close();
    expect(existsSync(`${file}.pid`)).toBe(false);
    open();
    expect(readFileSync(`${file}.pid`, "utf8")).toBe(String(process.pid));
    await first.close();
    expect(readFileSync(`${file}.pid`, "utf8")).toBe(String(process.pid));
  });

  it("is that of the file, by whatever path it is reached", () => {
    symlinkSync(folder, `${folder}-link`);
    try {
      open();
      expect(() => open(join(`${folder}-link`, "weftline.db"))).toThrow(expect.objectContaining({ code: "DATABASE_LOCKED" }));
    } finally {
      rmSync(`${folder}-link`);
    }
  });

  it("leaves other files alone", () => {
    open();
    open(join(folder, "other.db"));
  });

  it("refuses a second process, either way round", async () => {
    open();
    const { says } = await holder();
    expect(says).toBe(`refused Another server (process ${process.pid}) has the database ${file} open.`);
    const other = join(folder, "other.db");
    const { child } = await holder(other);
    expect(() => open(other)).toThrow(
      expect.objectContaining({ code: "DATABASE_LOCKED", details: { file: other, pid: String(child.pid) } }),
    );
  });

  it("is free at once after kill -9 of the process that held it: nothing is left to clean up", async () => {
    const { child, says } = await holder();
    expect(says).toBe(`open ${child.pid}`);
    expect(() => open()).toThrow(expect.objectContaining({ code: "DATABASE_LOCKED" }));
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(existsSync(`${file}.pid`)).toBe(true);
    open();
    expect(readFileSync(`${file}.pid`, "utf8")).toBe(String(process.pid));
  });

  it("stands in the report of a boot that is refused", async () => {
    open();
    const report = await reportOf(createPlatform({ plugins: [], dataDir: folder, logLevel: "silent" }));
    expect(report).toContain(`✗ migrate: [DATABASE_LOCKED] Another server (process ${process.pid}) has the database ${file} open.`);
    expect(report).toContain("→ Stop that server, or give this one a folder of its own: --data ./other.");
  });

  it("names nobody where the holder could not say who it is", () => {
    const lock = lockFile(file);
    rmSync(`${file}.pid`);
    expect(() => lockFile(file)).toThrow("(process unknown)");
    lock.release();
  });
});

describe("a failure of the store", () => {
  it("is told apart from a failure of the statement, wherever it stands in the chain", () => {
    const sqlite = (code: string) => Object.assign(new Error(code), { code });
    for (const code of [
      "SQLITE_FULL",
      "SQLITE_READONLY_DBMOVED",
      "SQLITE_BUSY",
      "SQLITE_IOERR_WRITE",
      "SQLITE_CANTOPEN",
      "SQLITE_CORRUPT",
      "SQLITE_NOTADB",
    ]) {
      expect(isStoreFailure(new Error("wrapped", { cause: new Error("twice", { cause: sqlite(code) }) }))).toBe(true);
    }
    for (const code of ["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_ERROR", "ENOENT"]) expect(isStoreFailure(sqlite(code))).toBe(false);
    expect(isStoreFailure("SQLITE_FULL")).toBe(false);
  });
});

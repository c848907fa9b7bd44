import { defineEntity } from "@mikro-orm/core";
import { Migration } from "@mikro-orm/migrations";
import { definePlugin, owned, serviceRef } from "#weftline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Database, NamedMigration } from "../../src/core/database/database.ts";
import { hasDrift, migrationStates, missingStatements, pendingMigrations, runMigrations } from "../../src/core/database/migrations.ts";
import type { OwnedEntity } from "../../src/core/database/ownership.ts";
import type { MigrationClass } from "../../src/core/plugin.ts";
import { composePlatform } from "../../src/core/platform.ts";
import { stores, type Place } from "./stores.ts";

/** A migration that runs these statements. */
function statements(...up: string[]): MigrationClass {
  return class extends Migration {
    override up(): void {
      for (const statement of up) this.addSql(statement);
    }
  };
}

const named = (name: string, ...up: string[]): NamedMigration => ({ name, class: statements(...up) });

const createNote = "create table notes_note (id varchar(255) not null primary key, text varchar(255) null)";

/** The entity as it is now; with `extra`, as it is after somebody added a property and wrote no migration. */
function note(...extra: string[]): OwnedEntity {
  const schema = defineEntity({
    name: "Note",
    tableName: "notes_note",
    properties: (p) => ({
      id: p.string().primary(),
      text: p.string().nullable(),
      ...Object.fromEntries(extra.map((name) => [name, p.integer().nullable()])),
    }),
  });
  return owned(schema, { rule: "INTERNAL" });
}

describe("the migrations of all plugins", () => {
  const mail = serviceRef<number>("mail.mail");
  const nothing = statements();
  const migrations = { "202602010000_second": nothing, "202601010000_first": nothing };

  it("are one list: in the order of the plugins, and by name within each", async () => {
    const { composition } = await composePlatform({
      plugins: [
        definePlugin({ id: "letters", requires: { mail }, migrations })(),
        definePlugin({ id: "mail", provides: { mail }, migrations, setup: () => ({ mail: 1 }) })(),
        definePlugin({ id: "asleep", migrations: { "202603010000_late": nothing } })(undefined, { disabled: true }),
      ],
      logLevel: "silent",
    });
    const names = composition.migrations.map(({ name }) => name).filter((name) => !/^(platform|runs)\//.test(name));
    expect(names).toEqual([
      "mail/202601010000_first",
      "mail/202602010000_second",
      "letters/202601010000_first",
      "letters/202602010000_second",
      "asleep/202603010000_late",
    ]);
  });

  it("begin with those of the host", async () => {
    const { composition } = await composePlatform({ plugins: definePlugin({ id: "first", migrations })(), logLevel: "silent" });
    const plugins = [...new Set(composition.migrations.map(({ name }) => name.split("/")[0]))];
    expect(plugins).toEqual(["platform", "runs", "first"]);
  });
});

describe.each(stores)("migrations on $name", (store) => {
  let place: Place;
  const open = (migrations: readonly NamedMigration[], entities: readonly OwnedEntity[] = [note()]): Database =>
    place.open({ entities, migrations });
  /** Closes what is open, as a restart does. */
  const reopen = async (before: Database, migrations: readonly NamedMigration[], entities?: readonly OwnedEntity[]): Promise<Database> => {
    await before.close();
    return open(migrations, entities);
  };

  beforeEach(() => {
    place = store.place();
  });
  afterEach(() => place.remove());

  it("are pending until they ran, and ran in their order once", async () => {
    const list = [
      named("b/1_create", "create table b_log (name varchar(9))", "insert into b_log values ('b1')"),
      named("a/1_add", "insert into b_log values ('a1')"),
    ];
    let database = open(list);
    expect(await pendingMigrations(database)).toEqual(["b/1_create", "a/1_add"]);
    expect(await runMigrations(database)).toEqual(["b/1_create", "a/1_add"]);
    expect(await pendingMigrations(database)).toEqual([]);
    expect(await runMigrations(database)).toEqual([]);
    database = await reopen(database, list);
    expect(await pendingMigrations(database)).toEqual([]);
    expect((await database.read.all<{ name: string }>("select name from b_log")).map(({ name }) => name)).toEqual(["b1", "a1"]);
  });

  it("tell when each ran, the executed ones first", async () => {
    const first = named("b/1_create", createNote);
    const database = await (async () => {
      const before = open([first]);
      await runMigrations(before);
      return reopen(before, [named("a/1_new", "select 1"), first]);
    })();
    expect(await migrationStates(database, ["b/1_create", "a/1_new"])).toEqual([
      { name: "b/1_create", executedAt: expect.any(Date) },
      { name: "a/1_new" },
    ]);
  });

  it("of an early plugin that come late still run", async () => {
    const last = named("z/1_create", createNote);
    let database = open([last]);
    await runMigrations(database);
    database = await reopen(database, [named("a/9_late", "insert into notes_note (id) values ('late')"), last]);
    expect(await runMigrations(database)).toEqual(["a/9_late"]);
  });

  it("that fail are named and undone as a whole; what came before stays, what comes after does not run", async () => {
    const list = [
      named("notes/1_create", createNote),
      named(
        "notes/2_broken",
        "insert into notes_note (id) values ('half')",
        "create table notes_half (id integer)",
        "insert into no_such_table values (1)",
      ),
      named("notes/3_after", "create table notes_after (id integer)"),
    ];
    const database = open(list);
    await expect(runMigrations(database)).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(/^The migration "notes\/2_broken" failed: .*no_such_table/s),
      details: { name: "notes/2_broken" },
    });
    expect(await pendingMigrations(database)).toEqual(["notes/2_broken", "notes/3_after"]);
    expect(await database.read.all("select id from notes_note")).toEqual([]);
    for (const table of ["notes_half", "notes_after"]) await expect(database.read.all(`select * from ${table}`)).rejects.toThrow(table);
  });

  it("that are mended run where the broken one stopped", async () => {
    const create = named("notes/1_create", createNote);
    let database = open([create, named("notes/2_next", "insert into nowhere values (1)")]);
    await expect(runMigrations(database)).rejects.toMatchObject({ code: "MIGRATION_FAILED" });
    database = await reopen(database, [create, named("notes/2_next", "insert into notes_note (id) values ('mended')")]);
    expect(await runMigrations(database)).toEqual(["notes/2_next"]);
    expect(await database.read.all("select id from notes_note")).toHaveLength(1);
  });

  it("wait for nothing and block nothing once they ran", async () => {
    const database = open([named("notes/1_create", createNote)]);
    await runMigrations(database);
    await database.commit(({ sql }) => sql.run("insert into notes_note (id) values (?)", "one"));
    expect(await database.read.all("select id from notes_note")).toHaveLength(1);
  });

  describe("drift", () => {
    const create = named("notes/1_create", createNote);

    it("is none where the tables are what the entities declare", async () => {
      const database = open([create]);
      await runMigrations(database);
      expect(await missingStatements(database)).toEqual([]);
      expect(await hasDrift(database)).toBe(false);
    });

    it("is found for a property that was added without a migration, and gone with one", async () => {
      let database = open([create], [note("stars")]);
      await runMigrations(database);
      expect(await hasDrift(database)).toBe(true);
      expect((await missingStatements(database)).join("\n")).toMatch(/alter table .?notes_note.? add column .?stars.? integer/i);
      database = await reopen(
        database,
        [create, named("notes/2_stars", "alter table notes_note add column stars integer null")],
        [note("stars")],
      );
      await runMigrations(database);
      expect(await hasDrift(database)).toBe(false);
    });

    it("is found for a table that no migration makes", async () => {
      const database = open([]);
      await runMigrations(database);
      expect((await missingStatements(database)).join("\n")).toMatch(/create table .?notes_note/i);
    });

    it("is found for a column that differs from its property", async () => {
      const database = open([
        named("notes/1_create", "create table notes_note (id varchar(255) not null primary key, text integer not null)"),
      ]);
      await runMigrations(database);
      expect(await hasDrift(database)).toBe(true);
    });

    it("is none where a plugin was removed: its tables and rows stay", async () => {
      let database = open([create]);
      await runMigrations(database);
      await database.commit(({ sql }) => sql.run("insert into notes_note (id) values (?)", "kept"));
      database = await reopen(database, [], []);
      expect(await runMigrations(database)).toEqual([]);
      expect(await missingStatements(database)).toEqual([]);
      expect(await database.read.all("select id from notes_note")).toHaveLength(1);
    });
  });
});

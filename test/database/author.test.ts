import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Migration } from "@mikro-orm/migrations";
import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeMigration, type MigrationRequest } from "../../src/core/database/author.ts";
import { Database, type NamedMigration } from "../../src/core/database/database.ts";
import { hasDrift, migrationStates, missingStatements, runMigrations } from "../../src/core/database/migrations.ts";
import type { OwnedEntity } from "../../src/core/database/ownership.ts";

/** An entity of its own at each call, as after an edit and a restart. */
function note(...texts: string[]): OwnedEntity {
  const schema = defineEntity({
    name: "Note",
    tableName: "notes_note",
    properties: (p) => ({ id: p.string().primary(), ...Object.fromEntries(texts.map((name) => [name, p.string().nullable()])) }),
  });
  return owned(schema, { rule: "INTERNAL" });
}

function foreign(): OwnedEntity {
  return owned(defineEntity({ name: "Other", tableName: "others_other", properties: (p) => ({ id: p.string().primary() }) }), {
    rule: "INTERNAL",
  });
}

let folder: string;
let opened: Database[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-author-"));
  symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
  opened = [];
});

afterEach(async () => {
  for (const database of opened) await database.close();
  rmSync(folder, { recursive: true });
});

const migrationsFolder = (): string => join(folder, "migrations");

function write(own: OwnedEntity, rest: Partial<MigrationRequest> = {}) {
  return writeMigration({
    entities: [foreign(), own],
    own: [own],
    folder: migrationsFolder(),
    name: "initial",
    mode: "next",
    now: new Date("2026-01-31T12:00:00Z"),
    ...rest,
  });
}

/** What the folder's index exports, read anew. */
async function written(): Promise<NamedMigration[]> {
  const index = (await import(`${pathToFileURL(join(migrationsFolder(), "index.ts")).href}?${performance.now()}`)) as {
    migrations: Record<string, NamedMigration["class"]>;
  };
  return Object.entries(index.migrations).map(([name, migration]) => ({ name: `notes/${name}`, class: migration }));
}

function open(entity: OwnedEntity, migrations: readonly NamedMigration[]): Database {
  const database = new Database({ file: join(folder, "test.db"), entities: [entity], migrations });
  opened.push(database);
  return database;
}

async function columns(database: Database): Promise<string[]> {
  return (await database.read.all<{ name: string }>("select name from pragma_table_info('notes_note') order by cid")).map(
    ({ name }) => name,
  );
}

describe("writeMigration", () => {
  it("writes the tables of one plugin only, an index and a snapshot", async () => {
    const result = await write(note("title"));
    expect(result?.name).toBe("202601311200_initial");
    expect(result?.statements).toEqual(["create table `notes_note` (`id` text not null primary key, `title` text null);"]);
    expect(readdirSync(migrationsFolder()).toSorted()).toEqual(["202601311200_initial.ts", "index.ts", "snapshot.json"]);
    expect(readFileSync(join(migrationsFolder(), "index.ts"), "utf8")).toContain('"202601311200_initial": Initial202601311200');
    expect(readFileSync(join(migrationsFolder(), "snapshot.json"), "utf8")).not.toContain("others_other");
  });

  it("writes nothing where nothing changed", async () => {
    await write(note("title"));
    expect(await write(note("title"))).toBeUndefined();
    expect(await written()).toHaveLength(1);
  });

  it("writes what changed since, under a later number also within one minute", async () => {
    await write(note("title"));
    const second = await write(note("title", "body"), { name: "add_body" });
    expect(second?.name).toBe("202601311201_add_body");
    expect(second?.statements).toEqual(["alter table `notes_note` add column `body` text null;"]);

    const database = open(note("title", "body"), await written());
    expect(await runMigrations(database)).toEqual(["notes/202601311200_initial", "notes/202601311201_add_body"]);
    expect(await columns(database)).toEqual(["id", "title", "body"]);
    expect(await hasDrift(database)).toBe(false);
  });

  it("rewrites everything as one migration when asked for the initial one", async () => {
    await write(note("title"));
    await write(note("title", "body"), { name: "add_body" });
    const again = await write(note("heading"), { mode: "initial" });
    expect(again?.statements).toEqual(["create table `notes_note` (`id` text not null primary key, `heading` text null);"]);
    expect((await written()).map(({ name }) => name)).toEqual([`notes/${again?.name}`]);
  });
});

describe("drift", () => {
  it("is found where an entity has a property that no migration makes", async () => {
    await write(note("title"));
    const database = open(note("title", "extra"), await written());
    await runMigrations(database);
    expect(await missingStatements(database)).toEqual(["alter table `notes_note` add column `extra` text null;"]);
    expect(await hasDrift(database)).toBe(true);
  });
});

describe("runMigrations", () => {
  class Half extends Migration {
    override up(): void {
      this.addSql("create table `notes_half` (`id` text)");
      this.addSql("this is not sql");
    }
  }

  it("undoes the whole of a migration that fails, keeps those before it and names it", async () => {
    await write(note("title"));
    const list = [...(await written()), { name: "notes/202602010000_half", class: Half }];
    const database = open(note("title"), list);
    await expect(runMigrations(database)).rejects.toMatchObject({ code: "MIGRATION_FAILED", details: { name: "notes/202602010000_half" } });
    expect(await database.read.all("select name from sqlite_master where name = 'notes_half'")).toEqual([]);
    const states = await migrationStates(
      database,
      list.map(({ name }) => name),
    );
    expect(states.map(({ name, executedAt }) => [name, executedAt !== undefined])).toEqual([
      ["notes/202601311200_initial", true],
      ["notes/202602010000_half", false],
    ]);
  });

  it("leaves the tables of a plugin that is gone", async () => {
    await write(note("title"));
    const first = open(note("title"), await written());
    await runMigrations(first);
    await first.write("SYSTEM", async (tx) => void (await tx.sql.run("insert into notes_note (id) values ('kept')")));
    await first.close();
    opened.pop();
    const without = open(foreign(), []);
    expect(await runMigrations(without)).toEqual([]);
    expect(await without.read.all("select id from notes_note")).toEqual([{ id: "kept" }]);
  });
});

import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Migrator, TSMigrationGenerator } from "@mikro-orm/migrations";
import { MikroORM, type MigrationDiff } from "@mikro-orm/sqlite";
import type { OwnedEntity } from "./ownership.ts";

/** A migration to write. */
export interface MigrationRequest {
  /** The entities of the whole host: a plugin's tables may point to those of another. */
  readonly entities: readonly OwnedEntity[];
  /** Those among them whose tables the migration is for. */
  readonly own: readonly OwnedEntity[];
  /** The folder of the plugin's migrations. It is made where it is missing. */
  readonly folder: string;
  /** In snake_case; becomes part of the migration's name for good. */
  readonly name: string;
  /** `next` writes what changed since the last one; `initial` deletes all of the folder's migrations and writes one for all tables. */
  readonly mode: "next" | "initial";
  readonly now?: Date;
}

/** What was written: the migration's name and its statements. */
export interface WrittenMigration {
  readonly name: string;
  readonly file: string;
  readonly statements: readonly string[];
}

const snapshotName = "snapshot";
const lineWidth = 140;

/**
 * Writes a migration from the difference between the entities and the snapshot beside the last migration, then the folder's
 * `index.ts`. No database is needed.
 *
 * @returns nothing where nothing changed.
 */
export async function writeMigration(request: MigrationRequest): Promise<WrittenMigration | undefined> {
  const { folder, mode } = request;
  if (mode === "initial")
    for (const file of [...migrationFiles(folder), `${snapshotName}.json`]) rmSync(join(folder, file), { force: true });
  const name = `${stampAfter(migrationFiles(folder).at(-1), request.now ?? new Date())}_${request.name}`;
  const orm = openOrm(request, name);
  try {
    const { fileName, diff } = await orm.migrator.create(folder);
    writeIndex(folder);
    if (fileName === "") return undefined;
    return { name, file: join(folder, fileName), statements: diff.up.filter((statement) => statement !== "") };
  } finally {
    await orm.close(true);
  }
}

function openOrm({ entities, own, folder }: MigrationRequest, name: string): MikroORM {
  const mine = new Set(own);
  const foreign = entities.filter((entity) => !mine.has(entity)).map(({ schema }) => schema.init().meta.tableName);
  return new MikroORM({
    dbName: ":memory:",
    entities: entities.map(({ schema }) => schema),
    extensions: [Migrator],
    discovery: { warnWhenNoEntities: false },
    schemaGenerator: { skipTables: foreign },
    migrations: {
      path: folder,
      pathTs: folder,
      snapshotName,
      emit: "ts",
      fileName: () => name,
      generator: HouseGenerator,
    },
  });
}

/** Writes migrations in the style of the rest of the code. */
class HouseGenerator extends TSMigrationGenerator {
  override generateMigrationFile(_className: string, { up, down }: MigrationDiff): string {
    const name = this.options.fileName?.("") ?? "";
    const methods = [method("up", up, this), ...(down.length > 0 ? [method("down", down, this)] : [])];
    return `import { Migration } from "@mikro-orm/migrations";\n\nexport class ${classNameOf(name)} extends Migration {\n${methods.join("\n")}}\n`;
  }
}

function method(name: "up" | "down", statements: readonly string[], generator: TSMigrationGenerator): string {
  const body = statements.filter((statement) => statement !== "").map((statement) => wrapped(generator.createStatement(statement, 4)));
  return `  override ${name}(): void {\n${body.join("")}  }\n`;
}

/** A call on a line of its own or, past the width of the code, with its argument on one: as the formatter leaves it. */
function wrapped(call: string): string {
  if (call.trimEnd().length <= lineWidth) return call;
  const argument = call.slice(call.indexOf("(") + 1, call.lastIndexOf(")"));
  return `    this.addSql(\n      ${argument},\n    );\n`;
}

/** `migrations`, by name, of all the files of a folder. */
function writeIndex(folder: string): void {
  const names = migrationFiles(folder).map((file) => file.slice(0, -".ts".length));
  const imports = names.map((name) => `import { ${classNameOf(name)} } from "./${name}.ts";\n`);
  const entries = names.map((name) => `  "${name}": ${classNameOf(name)},\n`);
  writeFileSync(
    join(folder, "index.ts"),
    `${imports.join("")}\n/** Written by: weftline migrate new. */\nexport const migrations = {\n${entries.join("")}};\n`,
  );
}

function migrationFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /^\d+_\w+\.ts$/.test(file))
      .toSorted();
  } catch {
    return [];
  }
}

/** As in `Initial202601311200`: two migrations of one name differ by their dates. */
function classNameOf(name: string): string {
  const at = name.indexOf("_");
  const words = name.slice(at + 1).replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase());
  return `${words}${name.slice(0, at)}`;
}

/** `yyyymmddhhmm` in UTC, or the next number where the last migration is not older than that. */
function stampAfter(last: string | undefined, date: Date): string {
  const stamp = date.toISOString().replaceAll(/[-T:]/g, "").slice(0, 12);
  const before = last?.slice(0, last.indexOf("_")) ?? "";
  return before < stamp ? stamp : String(Number(before) + 1);
}

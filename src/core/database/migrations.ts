import { WeftlineError, messageOf } from "../errors.ts";
import type { Database } from "./database.ts";
import { virtualTables } from "./extensions.ts";
import { migrationTable } from "./migration-table.ts";

/** One migration and when it ran. */
export interface MigrationState {
  readonly name: string;
  readonly executedAt?: Date;
}

/** The names of the migrations that have not run, in the order in which they will. */
export async function pendingMigrations(database: Database): Promise<string[]> {
  return (await database.orm.migrator.getPending()).map(({ name }) => name);
}

/** All migrations, the executed ones first. Only reads: MikroORM's migrator would make its table. @param names of all that there are. */
export async function migrationStates(database: Database, names: readonly string[]): Promise<MigrationState[]> {
  const table = await database.read.get("select name from sqlite_master where name = ?", migrationTable);
  const rows = table
    ? await database.read.all<{ name: string; executed_at: number }>(`select name, executed_at from ${migrationTable} order by id`)
    : [];
  const executed = rows.map((row) => ({ name: row.name, executedAt: new Date(row.executed_at) }));
  const ran = new Set(executed.map(({ name }) => name));
  return [...executed, ...pendingOf(names.filter((name) => !ran.has(name)))];
}

/** Migrations of which none has run, where there is no database. */
export function pendingOf(names: readonly string[]): MigrationState[] {
  return names.map((name) => ({ name }));
}

/**
 * Applies what is pending, each in a transaction of its own.
 *
 * @returns the names that were applied.
 * @throws MIGRATION_FAILED naming the migration; what came before it stays applied.
 */
export async function runMigrations(database: Database): Promise<string[]> {
  const applied: string[] = [];
  for (const name of await pendingMigrations(database)) {
    try {
      await database.orm.migrator.up({ migrations: [name] });
    } catch (error) {
      throw new WeftlineError("MIGRATION_FAILED", { name, problem: messageOf(error) }, { cause: error });
    }
    applied.push(name);
  }
  return applied;
}

/**
 * The statements that would make the tables what the entities declare; none where they are. Tables that no entity declares are left
 * alone: removing a plugin never drops its data.
 */
export async function missingStatements(database: Database): Promise<string[]> {
  database.orm.config.get("schemaGenerator").skipTables = await virtualTables(database.read);
  const { up } = await database.orm.schema.getUpdateSchemaMigrationSQL({ wrap: false, dropTables: false });
  return up.split("\n").filter((line) => line.trim() !== "");
}

/** Whether the tables differ from what the entities declare. */
export async function hasDrift(database: Database): Promise<boolean> {
  return (await missingStatements(database)).length > 0;
}

/** What the entities declare and the tables lack, by name alone: one query, where {@link missingStatements} compares all there is. */
export async function missingColumns(database: Database): Promise<string[]> {
  const rows = await database.read.all<{ column: string }>(
    "select m.name || '.' || c.name as column from sqlite_master m join pragma_table_info(m.name) c where m.type in ('table', 'view') and m.sql not like 'create virtual table%'",
  );
  const there = new Set(rows.map(({ column }) => column));
  return [...database.orm.getMetadata().getAll().values()].flatMap(({ tableName, props, abstract, embeddable, virtual }) =>
    abstract || embeddable || virtual
      ? []
      : props
          .filter(({ persist, formula }) => persist !== false && formula === undefined)
          .flatMap(({ fieldNames = [] }) => fieldNames.map((field) => `${tableName}.${field}`).filter((column) => !there.has(column))),
  );
}

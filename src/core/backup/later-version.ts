import type { Database } from "../database/database.ts";
import { migrationStates } from "../database/migrations.ts";
import { pluginOfMigration, unknownMigrations } from "./schema-level.ts";

/** The start goes on: a later version may have added nothing that this one meets. Who went back on purpose knows; who did not is told. */
export async function warnOfLaterVersion(database: Database, log: { warn(details: object, message: string): void }): Promise<void> {
  const states = await migrationStates(database, database.migrationNames);
  const ran = states.flatMap(({ name, executedAt }) => (executedAt ? [name] : []));
  const plugins = database.migrationNames.map(pluginOfMigration);
  const { newer } = unknownMigrations(ran, { migrations: database.migrationNames, plugins });
  if (newer.length === 0) return;
  const fix = "Start that version, or stop this one and put back a backup that it made: weftline restore <folder> --replace";
  log.warn({ migrations: newer, fix }, "a later version of Weftline has used this database, and what this one writes may not fit it");
}

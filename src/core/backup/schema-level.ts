import { WeftlineError } from "../errors.ts";
import type { BackupManifest } from "./manifest.ts";

/** What this version and configuration can open. */
export interface SchemaLevel {
  /** The names of all migrations, as in `runs/202611230602_initial`. */
  readonly migrations: readonly string[];
  /** The ids of the plugins that are listed, those of the host too. */
  readonly plugins: readonly string[];
}

/** Migrations that ran and that nothing here knows. */
export interface UnknownMigrations {
  /** Of plugins that are listed: a later version made them. */
  readonly newer: readonly string[];
  /** The ids of plugins that are not listed any more. Their tables are left alone. */
  readonly unlisted: readonly string[];
}

/** Whose a migration is, by its name. */
export function pluginOfMigration(name: string): string {
  return name.slice(0, name.indexOf("/"));
}

export function unknownMigrations(ran: readonly string[], { migrations, plugins }: SchemaLevel): UnknownMigrations {
  const known = new Set(migrations);
  const unknown = ran.filter((name) => !known.has(name));
  const isListed = (name: string): boolean => plugins.includes(pluginOfMigration(name));
  return {
    newer: unknown.filter(isListed),
    unlisted: [...new Set(unknown.filter((name) => !isListed(name)).map(pluginOfMigration))],
  };
}

/** @returns the plugins that the backup has tables of and nobody lists. @throws BACKUP_NEWER */
export function checkSchemaLevel(backup: string, { migrations, weftline }: BackupManifest, level: SchemaLevel): readonly string[] {
  const { newer, unlisted } = unknownMigrations(migrations, level);
  if (newer.length > 0)
    throw new WeftlineError("BACKUP_NEWER", { backup, what: `Weftline ${weftline}, with the migrations ${newer.join(", ")}` });
  return unlisted;
}

import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { lockFile } from "../database/lock.ts";
import { makePrivateFolder } from "../database/private-files.ts";
import { WeftlineError } from "../errors.ts";
import { refusedBy } from "./copy-file.ts";
import { backupNames, readManifest, type BackupManifest } from "./manifest.ts";
import { checkSchemaLevel, type SchemaLevel } from "./schema-level.ts";
import { stageBackup, type StageOptions } from "./stage.ts";
import { finishRestore, stagingOf, swapIn } from "./swap.ts";

/** What is put back, and where. */
export interface RestoreOptions extends Omit<StageOptions, "staging"> {
  readonly dataDir: string;
  /** What this version can open. */
  readonly level: SchemaLevel;
  /** `replaced` for data that is there: it stays until the backup has taken its place. */
  readonly present: "refused" | "replaced";
}

/** What was put back. */
export interface Restored {
  readonly manifest: BackupManifest;
  /** Plugins that the backup has tables of, and this configuration does not list. */
  readonly unlisted: readonly string[];
}

/**
 * Puts a backup back. All of it is copied and checked before anything of the data folder changes. Its database carries no stamp of the folder, so the next
 * start knows that it is another history.
 *
 * @throws DATABASE_LOCKED while a server runs, CONFLICT where data is there, BACKUP_INVALID, BACKUP_NEWER, BACKUP_FAILED.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { backup, dataDir, level, signal } = options;
  const manifest = readManifest(backup);
  const unlisted = checkSchemaLevel(backup, manifest, level);
  const isNew = !existsSync(dataDir);
  let state: "begun" | "done" = "begun";
  try {
    makePrivateFolder(dataDir);
    const lock = lockFile(join(dataDir, backupNames.database));
    try {
      finishRestore(dataDir);
      checkPresent(options);
      await stageBackup(manifest, { ...options, staging: stagingOf(dataDir) });
      signal.throwIfAborted();
      swapIn(dataDir);
      state = "done";
    } finally {
      rmSync(stagingOf(dataDir), { recursive: true, force: true });
      lock.release();
    }
    return { manifest, unlisted };
  } catch (error) {
    signal.throwIfAborted();
    throw refusedBy(dataDir, error);
  } finally {
    // A folder that was made in vain goes again.
    if (isNew && state !== "done") rmSync(dataDir, { recursive: true, force: true });
  }
}

function checkPresent({ dataDir, kept, present }: RestoreOptions): void {
  if (present === "replaced") return;
  const there = [backupNames.database, ...kept.keys()].filter((name) => isFilled(join(dataDir, name)));
  if (there.length === 0) return;
  throw new WeftlineError("CONFLICT", {
    message: `There is data in ${resolve(dataDir)}: ${there.join(", ")}.`,
    fix: "Name an empty folder with --data, or put the backup in its place with --replace.",
  });
}

function isFilled(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && (!found.isDirectory() || readdirSync(path).length > 0);
}

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { examineCopy, type Examined } from "../database/examine.ts";
import { WeftlineError, messageOf } from "../errors.ts";
import type { KeptFiles } from "../kept-files.ts";
import { contentsOf, keptIn } from "./contents.ts";
import { copyKept, forEach, makeDurable } from "./copy-file.ts";
import { isSafePath, listKept, type KeptByPlugin, type KeptFile } from "./kept-rows.ts";
import { backupNames, invalidBackup, type BackupManifest } from "./manifest.ts";
import type { BackupStep } from "./take-backup.ts";

/** What is copied, and where to. */
export interface StageOptions {
  readonly backup: string;
  readonly staging: string;
  readonly kept: KeptByPlugin;
  readonly signal: AbortSignal;
  progress(step: BackupStep): void;
}

/**
 * Copies a backup and checks the copy: every byte by its digest, the database by SQLite, and what it holds by the manifest.
 *
 * @throws BACKUP_INVALID with what is wrong.
 */
export async function stageBackup(manifest: BackupManifest, options: StageOptions): Promise<void> {
  const { backup, staging, kept, progress, signal } = options;
  mkdirSync(staging, { mode: 0o700 });
  progress({ what: "Copying the database", percent: 0 });
  const copy = join(staging, backupNames.database);
  const { bytes: size, sha256 } = manifest.database;
  const copied = await copyKept(join(backup, backupNames.database), copy, { size, sha256 });
  if (copied !== "sound")
    throw invalidBackup(backup, `${backupNames.database} is ${copied === "absent" ? "missing" : "not as it was written"}`);
  signal.throwIfAborted();
  progress({ what: "Checking the database", percent: 30 });
  await readable(backup, () =>
    examineCopy(copy, async (database) => {
      await checkDatabase(backup, manifest, database);
      for (const plugin of kept.keys()) mkdirSync(join(staging, plugin), { mode: 0o700 });
      for (const [plugin, files] of keptIn(database, kept)) await copyFiles({ plugin, files, database, manifest }, options);
    }),
  );
  makeDurable(copy);
  makeDurable(staging);
}

async function checkDatabase(backup: string, manifest: BackupManifest, database: Examined): Promise<void> {
  const [problem] = database.problems("thoroughly");
  if (problem !== undefined) throw invalidBackup(backup, `its database is damaged: ${problem}`);
  const { migrations, counts } = await contentsOf(database);
  const said = manifest.counts.rows;
  const table = Object.keys({ ...said, ...counts.rows }).find((name) => said[name] !== counts.rows[name]);
  if (table !== undefined)
    throw invalidBackup(backup, `its database has ${counts.rows[table] ?? 0} rows of ${table}, not ${said[table] ?? 0}`);
  if (migrations.join() !== manifest.migrations.join()) throw invalidBackup(backup, "its database has another schema than it says");
}

interface PluginCopy {
  readonly plugin: string;
  readonly files: KeptFiles;
  readonly database: Examined;
  readonly manifest: BackupManifest;
}

async function copyFiles(
  { plugin, files, database, manifest }: PluginCopy,
  { backup, staging, progress, signal }: StageOptions,
): Promise<void> {
  const { count = 0, unsound = 0 } = manifest.files[plugin] ?? {};
  let [copied, missing] = [0, 0];
  const copyOne = async (file: KeptFile): Promise<void> => {
    const outcome = isSafePath(file.path)
      ? await copyKept(join(backup, plugin, file.path), join(staging, plugin, file.path), file)
      : "absent";
    if (outcome !== "absent") copied++;
    if (outcome !== "sound") missing++;
  };
  for await (const page of listKept(database.sql, files)) {
    signal.throwIfAborted();
    await forEach(page, copyOne);
    progress({ what: `Copying files: ${copied} of ${count}`, percent: 50 + Math.floor((copied / Math.max(count, 1)) * 50) });
  }
  if (missing > unsound)
    throw invalidBackup(backup, `files of "${plugin}" that are missing or not as they were written: ${missing - unsound}`);
}

/** What SQLite says of a file that is none of its. */
async function readable<T>(backup: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (error instanceof WeftlineError || !/^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(code)) throw error;
    throw invalidBackup(backup, `its database cannot be read: ${messageOf(error)}`, error);
  }
}

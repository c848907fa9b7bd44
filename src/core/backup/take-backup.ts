import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { examineCopy } from "../database/examine.ts";
import { makePrivateFolder } from "../database/private-files.ts";
import { DatabaseSnapshot } from "../database/snapshot.ts";
import { WeftlineError } from "../errors.ts";
import { contentsOf } from "./contents.ts";
import { digestOf, makeDurable, refusedBy } from "./copy-file.ts";
import type { KeptByPlugin } from "./kept-rows.ts";
import { gatherFiles, type Gathered } from "./gather-files.ts";
import { backupNames, type BackupManifest } from "./manifest.ts";

/** How far a backup or a restore is. */
export interface BackupStep {
  /** For people, as in `Copying the database`. */
  readonly what: string;
  /** From 0 to 100. */
  readonly percent: number;
}

/** What a backup is made of, and where it goes. */
export interface BackupOptions {
  readonly dataDir: string;
  /** A folder that is not there yet. */
  readonly target: string;
  readonly kept: KeptByPlugin;
  /** This version of Weftline. */
  readonly version: string;
  readonly signal: AbortSignal;
  progress(step: BackupStep): void;
}

/**
 * Copies a data folder as it is at one moment, also while a server writes it. First the files are copied, then the database is pinned once all files
 * that its rows know are there, and copied. The folder has its name once it is whole.
 *
 * @throws NOT_FOUND where there is no database, CONFLICT where the target is there, BACKUP_FAILED where the disk or the database refuses.
 */
export async function takeBackup(options: BackupOptions): Promise<BackupManifest> {
  const { dataDir, target } = options;
  const file = join(dataDir, backupNames.database);
  if (!existsSync(file)) {
    const fix = "Name the folder with --data or WEFTLINE_DATA, as the server is started.";
    throw new WeftlineError("NOT_FOUND", { what: `database ${file}`, message: `There is no database in ${resolve(dataDir)}.`, fix });
  }
  checkTarget(target, dataDir);
  const draft = `${target}.partial-${process.pid}`;
  try {
    if (!existsSync(dirname(target))) makePrivateFolder(dirname(target));
    removeLeftOvers(target);
    mkdirSync(draft, { mode: 0o700 });
    const manifest = await fill(draft, file, options);
    options.signal.throwIfAborted();
    if (existsSync(target)) rmdirSync(target);
    renameSync(draft, target);
    makeDurable(dirname(target));
    return manifest;
  } catch (error) {
    options.signal.throwIfAborted();
    throw refusedBy(target, error);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function checkTarget(target: string, dataDir: string): void {
  if (existsSync(target) && !isEmptyFolder(target)) {
    throw new WeftlineError("CONFLICT", { message: `${target} is there already.`, fix: "Name a folder that is not there yet." });
  }
  const within = relative(resolve(dataDir), target);
  if (within === "" || (!within.startsWith("..") && resolve(within) !== within)) {
    const message = `${target} is in the data folder, and would be lost with it.`;
    throw new WeftlineError("INVALID_INPUT", { message, fix: "Name a folder elsewhere, best on another disk." });
  }
}

function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch {
    return false;
  }
}

/** What a backup to this place left behind when its process was killed. */
function removeLeftOvers(target: string): void {
  const start = `${basename(target)}.partial-`;
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(start) && !isAlive(Number(name.slice(start.length))))
      rmSync(join(dirname(target), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function fill(draft: string, file: string, options: BackupOptions): Promise<BackupManifest> {
  const { progress, signal, version } = options;
  const copy = join(draft, backupNames.database);
  const { gathered, createdAt } = await copyAll({ draft, copy, file }, options);
  signal.throwIfAborted();
  progress({ what: "Checking the copy", percent: 90 });
  const contents = await examineCopy(copy, async (examined) => {
    const [problem] = examined.problems("quickly");
    if (problem !== undefined) {
      const fix = "Look at it with weftline doctor, and put an earlier backup back where it cannot be mended.";
      throw new WeftlineError("BACKUP_FAILED", { place: options.target, problem: `the database is damaged: ${problem}`, fix });
    }
    return contentsOf(examined);
  });
  makeDurable(copy);
  const manifest: BackupManifest = {
    format: "weftline-backup",
    formatVersion: 1,
    weftline: version,
    createdAt,
    database: await digestOf(copy),
    ...contents,
    files: gathered,
  };
  const name = join(draft, backupNames.manifest);
  writeFileSync(name, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
  makeDurable(draft);
  progress({ what: "Whole", percent: 100 });
  return manifest;
}

interface Places {
  readonly draft: string;
  readonly copy: string;
  readonly file: string;
}

interface CopiedAll {
  readonly gathered: Readonly<Record<string, Gathered>>;
  readonly createdAt: string;
}

async function copyAll({ draft, copy, file }: Places, { dataDir, kept, progress, signal }: BackupOptions): Promise<CopiedAll> {
  const snapshot = new DatabaseSnapshot(file);
  try {
    const files = await gatherFiles({
      snapshot,
      kept,
      from: dataDir,
      to: draft,
      signal,
      told: (count) => progress({ what: `Copying files: ${count}`, percent: 0 }),
    });
    const createdAt = new Date().toISOString();
    // SQLite would make it for everybody to read.
    writeFileSync(copy, "", { mode: 0o600 });
    await snapshot.copyTo(copy, { signal, progress: (part) => progress({ what: "Copying the database", percent: Math.round(part * 90) }) });
    await Promise.all(files.stale.map((path) => rm(join(draft, path), { force: true })));
    return { gathered: files.gathered, createdAt };
  } finally {
    snapshot.close();
  }
}

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { lockFile } from "../database/lock.ts";
import { WeftlineError, messageOf } from "../errors.ts";
import { makeDurable } from "./copy-file.ts";
import { backupNames } from "./manifest.ts";

/** Names in a data folder while a restore is under way. */
const names = {
  /** What is copied and not checked yet. */
  staging: ".restore",
  /** What is whole, and takes its place from now on, whatever happens. */
  ready: ".restore-ready",
  /** What was there before. */
  replaced: ".restore-replaced",
} as const;

/** What belongs to the database that was there before, and to no other. */
const besideDatabase = [`${backupNames.database}-wal`, `${backupNames.database}-shm`, "weftline.stamp"];

/** Where a restore copies to. */
export const stagingOf = (dataDir: string): string => join(dataDir, names.staging);

/**
 * Puts what is staged in the place of what is there. From its first step on it only goes forward: after a loss of its process the next start, or restore,
 * ends it by {@link finishRestore}.
 */
export function swapIn(dataDir: string): void {
  for (const name of readdirSync(join(dataDir, names.staging))) checkMount(dataDir, name);
  renameSync(join(dataDir, names.staging), join(dataDir, names.ready));
  makeDurable(dataDir);
  try {
    goForward(dataDir);
  } catch (error) {
    const message = `The backup is on its way into ${dataDir}, and could not get there: ${messageOf(error)}`;
    const fix = "Mend what the message names, then start the server, or run weftline restore again: either ends it.";
    throw new WeftlineError("BACKUP_FAILED", { message, fix }, { cause: error });
  }
}

/**
 * Ends a restore whose process was lost: what was whole takes its place, what was not goes. To be called by who holds the lock of the folder.
 *
 * @returns whether there was anything to do.
 */
export function finishRestore(dataDir: string): boolean {
  const [staging, ready, replaced] = [names.staging, names.ready, names.replaced].map((name) => join(dataDir, name)) as [
    string,
    string,
    string,
  ];
  const isLeft = [staging, ready, replaced].some((path) => existsSync(path));
  rmSync(staging, { recursive: true, force: true });
  if (existsSync(ready)) goForward(dataDir);
  rmSync(replaced, { recursive: true, force: true });
  return isLeft;
}

/** Whether a restore was lost on its way, or is under way. */
export function isRestoreLeft(dataDir: string): boolean {
  return Object.values(names).some((name) => existsSync(join(dataDir, name)));
}

/**
 * The same for a start, before it opens the database.
 *
 * @throws DATABASE_LOCKED where a restore is under way.
 */
export function finishLostRestore(dataDir: string): void {
  if (!isRestoreLeft(dataDir)) return;
  const lock = lockFile(join(dataDir, backupNames.database));
  try {
    finishRestore(dataDir);
  } finally {
    lock.release();
  }
}

/** A name that is still in `ready` is not in its place yet: each step may be repeated. The database is last. */
function goForward(dataDir: string): void {
  const [ready, replaced] = [join(dataDir, names.ready), join(dataDir, names.replaced)];
  if (!existsSync(replaced)) mkdirSync(replaced, { mode: 0o700 });
  const putAside = (name: string): void => {
    if (existsSync(join(dataDir, name))) renameSync(join(dataDir, name), join(replaced, name));
  };
  const waiting = readdirSync(ready);
  if (waiting.includes(backupNames.database)) for (const name of besideDatabase) putAside(name);
  for (const name of waiting.toSorted((a, b) => Number(a === backupNames.database) - Number(b === backupNames.database))) {
    putAside(name);
    renameSync(join(ready, name), join(dataDir, name));
  }
  makeDurable(dataDir);
  rmdirSync(ready);
  rmSync(replaced, { recursive: true, force: true });
}

function checkMount(dataDir: string, name: string): void {
  const found = statSync(join(dataDir, name), { throwIfNoEntry: false });
  if (!found || found.dev === statSync(dataDir).dev) return;
  const problem = `${name} in it is on another device, and cannot be replaced at once`;
  const fix = "Restore into a folder on one device, and move what has a device of its own there by hand.";
  throw new WeftlineError("BACKUP_FAILED", { place: dataDir, problem, fix });
}

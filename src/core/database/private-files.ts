import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

const folderMode = 0o700;
const fileMode = 0o600;
const othersBits = 0o077;
const stickyBit = 0o1000;

/**
 * Makes a folder that only this user may enter, whatever the umask, and repairs one that is there. A folder that many share (`/tmp`) or that
 * belongs to somebody else is left as it is.
 */
export function makePrivateFolder(folder: string): void {
  makeFolder(resolve(folder));
  const { mode } = statSync(folder);
  if ((mode & stickyBit) === 0 && (mode & 0o777) !== folderMode) change(folder, folderMode);
}

/** Step by step: Node's recursive way never returns where a parent exists and takes no folders, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  try {
    mkdirSync(folder, folderMode);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(folder)) throw error;
  }
}

/** Makes a file that only this user may read, empty where it is new. SQLite gives the files beside a database the mode of the database. */
export function makePrivateFile(file: string): void {
  if (existsSync(file)) return repairFiles([file]);
  closeSync(openSync(file, "a", fileMode));
  change(file, fileMode);
}

/** Takes files of an earlier version, or of another umask, from others. What the user itself may do with them stays. */
export function repairFiles(files: readonly string[]): void {
  for (const file of files) {
    const { mode } = statSync(file, { throwIfNoEntry: false }) ?? { mode: 0 };
    if ((mode & othersBits) !== 0) change(file, mode & 0o777 & ~othersBits);
  }
}

/** A file system without modes, or a file of somebody else, is no reason not to start. */
function change(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!["EPERM", "ENOTSUP", "EROFS"].includes(code)) throw error;
  }
}

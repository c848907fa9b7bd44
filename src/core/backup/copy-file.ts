import { createHash } from "node:crypto";
import { closeSync, createReadStream, fsyncSync, openSync } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { WeftlineError, messageOf } from "../errors.ts";
import type { KeptFile } from "./kept-rows.ts";

/** What became of a file that was to be copied. */
export type Copied = "sound" | "damaged" | "absent";

const chunkBytes = 2 ** 20;

/**
 * Copies a file for this user alone, and makes the copy durable.
 *
 * @returns `damaged` where the bytes are not those that the row knows; they are copied as they are.
 */
export async function copyKept(from: string, to: string, { size, sha256 }: Pick<KeptFile, "size" | "sha256">): Promise<Copied> {
  const source = await open(from, "r").catch(absent);
  if (!source) return "absent";
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const target = await open(to, "w", 0o600);
    try {
      const copied = await copyBytes(source, target);
      await target.datasync();
      return copied.size === size && copied.sha256 === sha256 ? "sound" : "damaged";
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function copyBytes(source: FileHandle, target: FileHandle): Promise<{ readonly size: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let size = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, chunkBytes, null);
    if (bytesRead === 0) return { size, sha256: hash.digest("hex") };
    const part = buffer.subarray(0, bytesRead);
    hash.update(part);
    await target.writeFile(part);
    size += bytesRead;
  }
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
  throw error;
}

/** The digest of a file's bytes, in hex, and its length. */
export async function digestOf(file: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Makes a file, or the names in a folder, outlive a power failure. */
export function makeDurable(path: string): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } catch (error) {
    // Some file systems know no such thing of folders.
    if (!["EINVAL", "ENOTSUP", "EPERM"].includes(String((error as NodeJS.ErrnoException).code))) throw error;
  } finally {
    closeSync(handle);
  }
}

/** Does some work for each of many, eight at a time: most of it is the wait for a disk. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const takeTurns = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: 8 }, takeTurns));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

const refusals: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota of this user is used up",
  EFBIG: "a file may not be larger there",
  SQLITE_FULL: "the disk is full",
  SQLITE_IOERR_WRITE: "the disk took no more",
  SQLITE_CANTOPEN: "the database cannot be opened: to read it, SQLite writes beside it in its folder",
  SQLITE_CORRUPT: "the database is damaged",
  SQLITE_NOTADB: "the database is damaged, or none",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "it is read-only",
};

/** What a disk refused, in words. What has a code already stays as it is. */
export function refusedBy(place: string, error: unknown): unknown {
  if (error instanceof WeftlineError || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  const fix = /^SQLITE_(CORRUPT|NOTADB)/.test(code) ? { fix: "Look at it with weftline doctor, and put an earlier backup back." } : {};
  return new WeftlineError("BACKUP_FAILED", { place, problem: refusals[code] ?? messageOf(error), ...fix }, { cause: error });
}

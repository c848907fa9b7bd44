import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { WeftlineError, messageOf } from "../errors.ts";

/** The names in a backup's folder. The folders of plugins stand beside them. */
export const backupNames = { manifest: "backup.json", database: "weftline.db" } as const;

/** Longer is no manifest of ours. */
const manifestBytes = 4 * 2 ** 20;

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const manifestSchema = z.object({
  format: z.literal("weftline-backup"),
  formatVersion: z.literal(1),
  /** The version of Weftline that made it. */
  weftline: z.string(),
  createdAt: z.iso.datetime(),
  database: z.object({ bytes: count, sha256 }),
  /** The level of the schema: every migration that ran, oldest first. */
  migrations: z.array(z.string()),
  counts: z.object({
    streams: count,
    /** Runs that have not ended, and go on where the backup is put back. */
    openRuns: count,
    /** Secrets that only open with their keys, which are in no backup. */
    secrets: count,
    /** Rows, by table. */
    rows: z.record(z.string(), count),
  }),
  /** The ids of the keys that secrets are sealed with. */
  secretKeys: z.array(z.string()),
  /** By plugin. */
  files: z.record(
    z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/),
    z.object({
      count,
      bytes: count,
      /** Files that were lost or damaged before the backup was made. */
      unsound: count,
    }),
  ),
});

/** What a backup says of itself. */
export type BackupManifest = z.infer<typeof manifestSchema>;

/**
 * Reads what a folder says that it holds.
 *
 * @throws NOT_FOUND where there is no backup, BACKUP_INVALID where the manifest is none, BACKUP_NEWER for a later format.
 */
export function readManifest(folder: string): BackupManifest {
  const file = join(folder, backupNames.manifest);
  const value = parsed(folder, textOf(folder, file));
  const { format, formatVersion } = value as { readonly format?: unknown; readonly formatVersion?: unknown };
  if (format === "weftline-backup" && typeof formatVersion === "number" && formatVersion > 1)
    throw new WeftlineError("BACKUP_NEWER", { backup: folder, what: `format ${formatVersion}` });
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidBackup(folder, `${backupNames.manifest}: ${issue?.path.join(".") || "its form"}: ${issue?.message ?? "is another"}`);
}

export function invalidBackup(backup: string, problem: string, cause?: unknown): WeftlineError {
  return new WeftlineError("BACKUP_INVALID", { backup, problem }, { cause });
}

function textOf(folder: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const fix = `Name the folder that weftline backup made: it holds ${backupNames.manifest}.`;
    throw new WeftlineError("NOT_FOUND", { what: `backup in ${folder}`, message: `No backup in ${folder}: ${messageOf(error)}`, fix });
  }
  if (text.length > manifestBytes) throw invalidBackup(folder, `${backupNames.manifest} is too long`);
  return text;
}

function parsed(folder: string, text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value;
  } catch (error) {
    throw invalidBackup(folder, `${backupNames.manifest} is not JSON: ${messageOf(error)}`, error);
  }
  throw invalidBackup(folder, `${backupNames.manifest} is not an object`);
}

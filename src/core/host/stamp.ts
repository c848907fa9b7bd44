import { defineEntity } from "@mikro-orm/core";
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { v7 as newId } from "uuid";
import type { CommitWatch, Database } from "../database/database.ts";
import { owned } from "../database/ownership.ts";
import { makePrivateFile } from "../database/private-files.ts";
import type { Sql } from "../database/sql.ts";
import type { Logger } from "../kernel/spec.ts";

const StampSchema = defineEntity({
  name: "Stamp",
  tableName: "platform_stamp",
  properties: (p) => ({
    num: p.integer().primary(),
    /** Which history of rows this is; another one after each restore. */
    history: p.string(),
    count: p.bigint("number"),
    /** Since when database and data folder belong together, in milliseconds since 1970. */
    pairedAt: p.bigint("number"),
  }),
});

/** What says that a database belongs to its data folder. One row. */
export const stampEntity = owned(StampSchema, { rule: "INTERNAL" });

/** How often the stamp goes on while rows are written, in milliseconds: a copy that is older by more is told from the database. */
const everyMs = 10;

const stampFile = "weftline.stamp";

interface Stamp {
  readonly history: string;
  readonly count: number;
}

/** What comparing the stamps of database and data folder found. */
export interface Pairing {
  /** Since when the two belong together, by the database's clock, in milliseconds since 1970. */
  readonly pairedAt: number;
}

/** What a comparison works with. */
export interface PairingHost {
  readonly database: Database;
  readonly folder: string;
  readonly log: Logger;
  /** Runs in the transaction that pairs a database with a folder which another one, or a newer copy of it, was used with. */
  restored(sql: Sql): Promise<void>;
}

/**
 * Compares the stamp in the database with the one in its data folder, and keeps both going from then on. The count goes on in the database first: after a
 * crash it is at most one ahead of the folder's. Where it is behind, an older copy was put back.
 */
export async function pairWithFolder({ database, folder, log, restored }: PairingHost): Promise<Pairing> {
  const file = join(folder, stampFile);
  const inFolder = readStamp(file);
  const inDatabase = await database.read.get<Stamp & { paired_at: number }>("select history, count, paired_at from platform_stamp");
  const together = belongTogether(inDatabase, inFolder);
  if (!together) {
    const fix =
      "Streams go on at a later position, so that no reader joins two histories; bytes of files that the database does not know are kept for now.";
    log.warn({ folder, fix }, "the database is not the one that this data folder was last used with, or is an older copy of it");
  }
  // What a crash kept from the folder is made good first: the database is never two ahead.
  const history = together && inDatabase ? inDatabase.history : newId();
  const known = Math.max(inDatabase?.count ?? 0, inFolder === "unreadable" ? 0 : (inFolder?.count ?? 0));
  const stamp = new RunningStamp(file, { history, count: known }, log);
  if (together && inDatabase) stamp.write();
  const stored = await database.commit(async ({ sql }) => {
    if (!together) await restored(sql);
    const keep = together && inDatabase ? "platform_stamp.paired_at" : "excluded.paired_at";
    return sql.get<{ paired_at: number }>(
      `insert into platform_stamp (num, history, count, paired_at) values (1, ?, ?, ${sql.now})
       on conflict (num) do update set history = excluded.history, count = excluded.count, paired_at = ${keep} returning paired_at`,
      history,
      known + 1,
    );
  }, "stamp");
  stamp.started();
  database.watchCommits(stamp);
  return { pairedAt: stored?.paired_at ?? 0 };
}

/** How a database and its folder stand to each other, as the next start will see it. */
export type StampState = "new" | "together" | "apart";

/** Compares the stamps, and changes nothing. While a server runs they may be one apart, which is together. */
export async function stampState(sql: Sql, folder: string): Promise<StampState> {
  const inFolder = readStamp(join(folder, stampFile));
  const inDatabase = await sql.get<Stamp>("select history, count from platform_stamp");
  if (inFolder === undefined && inDatabase === undefined) return "new";
  return belongTogether(inDatabase, inFolder) ? "together" : "apart";
}

/** Whether a server has used the folder. */
export function hasStamp(folder: string): boolean {
  return readStamp(join(folder, stampFile)) !== undefined;
}

function belongTogether(inDatabase: Stamp | undefined, inFolder: Stamp | "unreadable" | undefined): boolean {
  if (inFolder === undefined || inDatabase === undefined) return inFolder === undefined && inDatabase === undefined;
  if (inFolder === "unreadable" || inFolder.history !== inDatabase.history) return false;
  return inDatabase.count === inFolder.count || inDatabase.count === inFolder.count + 1;
}

function readStamp(file: string): Stamp | "unreadable" | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  try {
    const { history, count } = JSON.parse(text) as Partial<Stamp>;
    return typeof history === "string" && Number.isSafeInteger(count) ? { history, count: Number(count) } : "unreadable";
  } catch {
    return "unreadable";
  }
}

/** One short write in place: a process that is killed leaves the old text or the new one. */
function writeStamp(handle: number, { history, count }: Stamp): void {
  writeSync(handle, `${JSON.stringify({ history, count }).padEnd(96)}\n`, 0);
}

/** Lets the stamp go on with what is written: in the transaction of somebody else, then in the folder. */
class RunningStamp implements CommitWatch {
  readonly #handle: number;
  readonly #history: string;
  readonly #log: Logger;
  #inDatabase: number;
  #inFolder: number;
  /** Raised in the open transaction. */
  #raised = false;
  #raisedAt = -Infinity;

  constructor(file: string, { history, count }: Stamp, log: Logger) {
    makePrivateFile(file);
    this.#handle = openSync(file, "r+");
    this.#history = history;
    this.#log = log;
    this.#inDatabase = count;
    this.#inFolder = count;
  }

  /** The database counts this start. @throws what the disk says. */
  started(): void {
    this.#inDatabase++;
    this.write();
    fsyncSync(this.#handle);
  }

  /** @throws what the disk says. */
  write(): void {
    writeStamp(this.#handle, { history: this.#history, count: this.#inDatabase });
    this.#inFolder = this.#inDatabase;
  }

  async committing(sql: Sql): Promise<void> {
    this.#raised = false;
    const now = performance.now();
    if (now - this.#raisedAt < everyMs) return;
    this.#raisedAt = now;
    // Never two ahead of the folder: a disk that takes rows and no files must not look like a restore.
    if (this.#inDatabase !== this.#inFolder) return this.#tryToWrite();
    await sql.run(raise);
    this.#raised = true;
  }

  committed(): void {
    if (!this.#raised) return;
    this.#raised = false;
    this.#inDatabase++;
    this.#tryToWrite();
  }

  async closing(sql: Sql): Promise<void> {
    if (this.#inDatabase === this.#inFolder) {
      await sql.run(raise);
      this.#inDatabase++;
    }
    this.#tryToWrite();
    fsyncSync(this.#handle);
    closeSync(this.#handle);
  }

  #tryToWrite(): void {
    try {
      this.write();
    } catch (error) {
      this.#log.warn({ err: error }, "the stamp of the data folder could not be written; it will be tried again");
    }
  }
}

const raise = "update platform_stamp set count = count + 1 where num = 1";

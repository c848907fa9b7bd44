import { WeftlineError, localId, type Database, type Files, type Purger, type Tx } from "#weftline";
import type { FilesConfig } from "../config.ts";
import { FileUse, UploadedFile } from "../entities.ts";
import type { Disk } from "./disk.ts";
import { notUploaded } from "./uploads.ts";

/** What uses of files work with. */
export interface UsesHost {
  readonly config: FilesConfig;
  readonly database: Database;
  readonly disk: Disk;
}

/** How files come into threads, and are read there. */
export function createUses({ config, database, disk }: UsesHost): Files {
  return {
    async attach(_, tx, threadId, named) {
      if (named.length > config.perMessage) throw tooMany(config.perMessage);
      const parts = [];
      for (const { file, path } of named) {
        const row = await tx.em.findOne(UploadedFile, { id: localId("File", file, path) });
        if (!row) throw new WeftlineError("NOT_FOUND", { what: "file", path });
        if (row.uploadedAt == null) throw notUploaded(row, path);
        parts.push({ type: "file" as const, file: row.id, name: row.name, mediaType: row.mediaType, size: row.size });
      }
      for (const { file } of parts) await hold(tx, file, threadId);
      return parts;
    },
    async share(tx, threadId, files) {
      for (const file of files) await hold(tx, file, threadId);
    },
    async kept(ids) {
      const rows = await database.em("SYSTEM").find(UploadedFile, { id: { $in: [...new Set(ids)] } }, { fields: ["id"] });
      return new Set(rows.map(({ id }) => id));
    },
    read: (id) => disk.read(id),
  };
}

/** Where the thread is gone or said nothing any more, its files go that no other thread holds. */
export function createPurger(disk: Disk): Purger {
  return {
    async purge(tx, { threadId }) {
      const held = (await tx.em.find(FileUse, { threadId })).map(({ fileId }) => fileId);
      if (held.length === 0) return;
      await tx.em.nativeDelete(FileUse, { threadId });
      const still = new Set((await tx.em.find(FileUse, { fileId: { $in: held } })).map(({ fileId }) => fileId));
      const unheld = held.filter((id) => !still.has(id));
      await tx.em.nativeDelete(UploadedFile, { id: { $in: unheld } });
      tx.afterCommit(() => void disk.remove(unheld));
    },
  };
}

/** Only a file that is still there: the sweep may have come in between. */
async function hold({ sql }: Tx, file: string, threadId: string): Promise<void> {
  await sql.run(
    `insert into files_use (file_id, thread_id, tenant_id, owner_id) select id, ?, tenant_id, owner_id from files_file where id = ?
     on conflict do nothing`,
    threadId,
    file,
  );
}

function tooMany(most: number): WeftlineError {
  const path = ["input", "parts"];
  const message = `A message holds at most ${most} files.`;
  return new WeftlineError("INVALID_INPUT", { path, message, issues: [{ path, message }] });
}

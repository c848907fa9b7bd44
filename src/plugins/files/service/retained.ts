import { WeftlineError, agedRows, type Database, type LegalHolds, type RetainedData, type Tx } from "#weftline";
import { FileUse, UploadedFile } from "../entities.ts";
import type { Disk } from "./disk.ts";

/** Files that one transaction removes. */
const filesAtOnce = 50;

/** What files are removed with. */
export interface RetainedHost {
  readonly database: Database;
  readonly disk: Disk;
  readonly holds: LegalHolds;
}

/** @throws LEGAL_HOLD for a file of a thread that is held */
export async function refuseHeld(holds: LegalHolds, tx: Tx, fileId: string): Promise<void> {
  const uses = await tx.em.find(FileUse, { fileId });
  const held = await holds.among(
    uses.map(({ threadId }) => threadId),
    tx,
  );
  if (held.size > 0) throw new WeftlineError("LEGAL_HOLD", { path: ["file"] });
}

/** Files, as policies see them: also those in messages, where the name, type and size stay. */
export function retainedFiles({ database, disk, holds }: RetainedHost): RetainedData {
  const heldAmong = async (ids: readonly string[]): Promise<ReadonlySet<string>> => {
    const uses = await database.em("SYSTEM").find(FileUse, { fileId: { $in: [...ids] } });
    const held = await holds.among([...new Set(uses.map(({ threadId }) => threadId))]);
    return new Set(uses.flatMap(({ fileId, threadId }) => (held.has(threadId) ? [fileId] : [])));
  };
  return agedRows(database, {
    table: "files_file",
    at: "created_at",
    counted: "in the tenant",
    kept: heldAmong,
    async remove(ids, work) {
      let removed = 0;
      for (let at = 0; at < ids.length; at += filesAtOnce) {
        const some = ids.slice(at, at + filesAtOnce);
        const went = await database.write("SYSTEM", (tx) => removeFiles(tx, some), "files.retention");
        await work.rest(went);
        removed += went;
      }
      return removed;
    },
  });

  async function removeFiles(tx: Tx, ids: readonly string[]): Promise<number> {
    const uses = await tx.em.find(FileUse, { fileId: { $in: [...ids] } });
    const held = await holds.among([...new Set(uses.map(({ threadId }) => threadId))], tx);
    const kept = new Set(uses.flatMap(({ fileId, threadId }) => (held.has(threadId) ? [fileId] : [])));
    const gone = ids.filter((id) => !kept.has(id));
    await tx.em.nativeDelete(FileUse, { fileId: { $in: gone } });
    const removed = await tx.em.nativeDelete(UploadedFile, { id: { $in: gone } });
    tx.afterCommit(() => void disk.remove(gone));
    return removed;
  }
}

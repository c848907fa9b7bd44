import { raw } from "@mikro-orm/core";
import type { Database, Logger } from "#weftline";
import type { FilesConfig } from "../config.ts";
import { UploadedFile } from "../entities.ts";
import type { Disk } from "./disk.ts";

const sweepMs = 60_000;
/** How often bytes without a row are looked for. */
const orphansMs = 24 * 3_600_000;
/** So many files go in one write: others wait for it. */
const batch = 500;

/** What a sweep works with. */
export interface SweepHost {
  readonly config: Pick<FilesConfig, "uploadMs" | "unusedMs" | "orphanMs">;
  /** Since when database and folder belong together. */
  readonly pairedAt: number;
  readonly database: Database;
  readonly disk: Disk;
  readonly log: Logger;
  /** Files that could not be swept and were logged. */
  readonly stuck: Set<string>;
}

/** Lets go, again and again, of what nobody will come back for. @returns what stops it. */
export function startSweeping(host: SweepHost): () => void {
  const sweep = (work: () => Promise<void>): void => {
    work().catch((error: unknown) => host.log.warn({ err: error }, "the sweep of files will try again"));
  };
  sweep(() => host.disk.restrict());
  sweep(() => host.disk.clearIncoming());
  sweep(() => sweepRows(host));
  sweep(() => sweepDisk(host));
  const timers = [setInterval(() => sweep(() => sweepRows(host)), sweepMs), setInterval(() => sweep(() => sweepDisk(host)), orphansMs)];
  return () => timers.forEach((timer) => clearInterval(timer));
}

/**
 * Uploads that were not finished in time, and files that no thread holds. The bytes of a row from before the database came to this folder stay for
 * {@link sweepDisk}: another copy of the database may know that they are used.
 */
export async function sweepRows(host: SweepHost): Promise<void> {
  const { config, database, disk, log, pairedAt, stuck } = host;
  const now = Date.now();
  const unheld = raw("not exists (select 1 from files_use where file_id = id)");
  const lapsed = {
    $or: [
      { uploadedAt: null, createdAt: { $lt: now - config.uploadMs } },
      { uploadedAt: { $lt: now - config.unusedMs }, [unheld]: [] },
    ],
  };
  const remove = (ids: readonly string[]): Promise<void> =>
    database.write(
      "SYSTEM",
      async (tx) => {
        const gone = await tx.em.find(UploadedFile, { ...lapsed, id: { $in: [...ids] } });
        tx.em.remove(gone);
        const ours = gone.filter(({ createdAt }) => createdAt >= pairedAt);
        tx.afterCommit(() => void disk.remove(ours.map(({ id }) => id)));
      },
      "files.sweep",
    );
  for (let after = ""; ;) {
    const page = await database
      .em("SYSTEM")
      .find(UploadedFile, { ...lapsed, id: { $gt: after } }, { fields: ["id"], orderBy: { id: "asc" }, limit: batch });
    const ids = page.map(({ id }) => id);
    await remove(ids).catch(() => removeOneByOne(ids));
    after = ids.at(-1) ?? after;
    if (ids.length < batch) return;
  }

  /** What one row refuses keeps no other. */
  async function removeOneByOne(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await remove([id]).catch((error: unknown) => {
        if (!stuck.has(id)) log.error({ fileId: id, err: error }, "a file could not be swept; the others are");
        stuck.add(id);
      });
    }
  }
}

/** Bytes that the database has not known for long enough: a process was lost between the two, or rows went that came from a backup. */
export async function sweepDisk({ config, database, disk, log, pairedAt }: SweepHost): Promise<void> {
  const until = Date.now() - config.orphanMs;
  if (pairedAt > until) return;
  for await (const ids of disk.ids()) {
    const known = await database.em("SYSTEM").find(UploadedFile, { id: { $in: [...ids] } }, { fields: ["id"] });
    const kept = new Set(known.map(({ id }) => id));
    const orphans: string[] = [];
    for (const id of ids) if (!kept.has(id) && ((await disk.keptAt(id)) ?? Infinity) <= until) orphans.push(id);
    if (orphans.length === 0) continue;
    log.info({ files: orphans }, "bytes of files that the database does not know are deleted");
    await disk.remove(orphans);
  }
}

import { raw } from "@mikro-orm/core";
import type { Database, Logger } from "#weftline";
import type { FilesConfig } from "../config.ts";
import { UploadedFile } from "../entities.ts";
import type { Disk } from "./disk.ts";

const sweepMs = 60_000;
/** So many files go in one write: others wait for it. */
const batch = 500;

/** What a sweep works with. */
export interface SweepHost {
  readonly config: Pick<FilesConfig, "uploadMs" | "unusedMs">;
  readonly database: Database;
  readonly disk: Disk;
  readonly log: Logger;
}

/** Lets go, again and again, of what nobody will come back for. @returns what stops it. */
export function startSweeping(host: SweepHost): () => void {
  const sweep = (work: () => Promise<void>): void => {
    work().catch((error: unknown) => host.log.warn({ err: error }, "the sweep of files will try again"));
  };
  sweep(async () => {
    await host.disk.clearIncoming();
    await sweepRows(host);
    await sweepDisk(host);
  });
  const timer = setInterval(() => sweep(() => sweepRows(host)), sweepMs);
  return () => clearInterval(timer);
}

/** Uploads that were not finished in time, and files that no thread holds. */
export async function sweepRows({ config, database, disk }: SweepHost): Promise<void> {
  const now = Date.now();
  const unheld = raw("not exists (select 1 from files_use where file_id = id)");
  const lapsed = {
    $or: [
      { uploadedAt: null, createdAt: { $lt: now - config.uploadMs } },
      { uploadedAt: { $lt: now - config.unusedMs }, [unheld]: [] },
    ],
  };
  while (await database.em("SYSTEM").findOne(UploadedFile, lapsed))
    await database.write("SYSTEM", async (tx) => {
      const gone = await tx.em.find(UploadedFile, lapsed, { limit: batch });
      tx.em.remove(gone);
      tx.afterCommit(() => void disk.remove(gone.map(({ id }) => id)));
    });
}

/** Bytes whose row is gone: the process was lost between the two. */
export async function sweepDisk({ database, disk }: Pick<SweepHost, "database" | "disk">): Promise<void> {
  for await (const ids of disk.ids()) {
    const known = await database.em("SYSTEM").find(UploadedFile, { id: { $in: [...ids] } }, { fields: ["id"] });
    const kept = new Set(known.map(({ id }) => id));
    await disk.remove(ids.filter((id) => !kept.has(id)));
  }
}

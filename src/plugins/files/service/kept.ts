import type { KeptFiles } from "#weftline";
import { incoming, shelfOf } from "./disk.ts";

/** The bytes of uploads, for backups. */
export const keptUploads: KeptFiles = {
  table: "files_file",
  columns: { id: "id", size: "size", sha256: "sha256" },
  folderOf: shelfOf,
  besides: [incoming],
};

import { extensionPoint } from "./kernel/refs.ts";

/**
 * Files that a plugin keeps in its own folder of the data folder, and the table that knows them. `weftline backup` takes them along, `restore` puts them
 * back, `doctor` compares rows and disk. What no plugin names here (environments, caches) is in no backup.
 *
 * A file is called by the id of its row, and its bytes never change: they are in their place before the row has a digest, and go only after the row is
 * gone. Backups of older versions are read by the same names, so the columns are those of the table's first migration.
 */
export interface KeptFiles {
  readonly table: string;
  /** Columns: the id, the size in bytes, and the digest of the bytes in hex, which is null until they are there. */
  readonly columns: { readonly id: string; readonly size: string; readonly sha256: string };
  /** The folder that a file stands in, one level below the plugin's own. */
  folderOf(id: string): string;
  /** Folders of the plugin that hold no kept files, as in `["incoming"]`. */
  readonly besides?: readonly string[];
}

/**
 * Where plugins put {@link KeptFiles}, by their id. Contribute them statically, so that they are found without a boot.
 *
 * @example contributes: [contribution(keptFiles, "files", keptUploads)]
 */
export const keptFiles = extensionPoint<KeptFiles>("weftline.keptFiles");

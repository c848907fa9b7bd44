import { copyFileSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const durable = ["weftline.stamp", "weftline.db", "weftline.db-wal"] as const;

/** Copies what `kill -9` would leave of a data folder at this moment: the database, but no lock. @returns the copy's folder. */
export function crashCopy(dataDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
  for (const name of durable) if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(copy, name));
  return copy;
}

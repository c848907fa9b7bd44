import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, forEach } from "../../core/backup/copy-file.ts";
import { isSafePath, knownIds, listKept, type KeptFile } from "../../core/backup/kept-rows.ts";
import { backupNames } from "../../core/backup/manifest.ts";
import { examineLive } from "../../core/database/examine.ts";
import type { Sql } from "../../core/database/sql.ts";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import type { KeptFiles } from "../../core/kept-files.ts";
import { keptByPlugin } from "../kept.ts";
import { countText, sizeText } from "../sizes.ts";
import { failed, ok, whereReadable, type Check, type Patient } from "./check.ts";

/** So many names are said. */
const shown = 5;

/** Whether every file that a row knows is there, and what is there without a row. */
export const filesCheck: Check = {
  name: "files",
  run: async (patient) => {
    const database = join(patient.dataDir, backupNames.database);
    if (!patient.kernel || !existsSync(database)) return [];
    const kept = [...keptByPlugin(patient.kernel.registry)];
    return whereReadable(() =>
      examineLive(database, async ({ sql, hasTable }) => {
        const findings: DoctorFinding[] = [];
        for (const [plugin, files] of kept)
          if (hasTable(files.table)) findings.push(...(await look({ sql, files, folder: join(patient.dataDir, plugin) }, patient)));
        return findings;
      }),
    );
  },
};

interface Shelf {
  readonly sql: Sql;
  readonly files: KeptFiles;
  readonly folder: string;
}

async function look(shelf: Shelf, { depth }: Patient): Promise<DoctorFinding[]> {
  const lost: string[] = [];
  let [count, bytes] = [0, 0];
  for await (const page of listKept(shelf.sql, shelf.files)) {
    await forEach(page, async (file) => {
      count++;
      bytes += file.size;
      const problem = await problemOf(join(shelf.folder, file.path), file, depth);
      if (problem !== undefined) lost.push(`${file.path} ${problem}`);
    });
  }
  const orphans = await countOrphans(shelf);
  const beside = orphans === 0 ? "" : `; ${countText(orphans, "file")} that no row knows, to be deleted after a week`;
  if (lost.length === 0) return [ok(`${countText(count, "file")} of ${sizeText(bytes)} in ${shelf.folder}${beside}`)];
  const named = `${lost.slice(0, shown).join(", ")}${lost.length > shown ? ` and ${lost.length - shown} more` : ""}`;
  return [
    failed(
      `Of ${countText(count, "file")} in ${shelf.folder}: ${named}.`,
      `Copy them from a backup into ${shelf.folder}. Without one their content is lost: delete them in the graph.`,
    ),
  ];
}

async function problemOf(path: string, { path: name, size, sha256 }: KeptFile, depth: Patient["depth"]): Promise<string | undefined> {
  if (!isSafePath(name)) return "has no name of a file";
  const found = await stat(path).catch(() => undefined);
  if (!found) return "is missing";
  if (found.size !== size) return "has another length than its row says";
  if (depth === "thorough" && (await digestOf(path)).sha256 !== sha256) return "has other bytes than its row says";
  return undefined;
}

/** Uploads that are under way stand elsewhere until they are whole. */
async function countOrphans({ sql, files, folder }: Shelf): Promise<number> {
  let orphans = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    if (files.besides?.includes(name)) continue;
    const ids = await readdir(join(folder, name)).catch(() => []);
    orphans += ids.length - (await knownIds(sql, files, ids)).size;
  }
  return orphans;
}

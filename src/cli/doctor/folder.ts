import { accessSync, constants, existsSync, lstatSync, readdirSync, statSync, type Stats } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finishLostRestore, isRestoreLeft } from "../../core/backup/swap.ts";
import { makePrivateFolder, repairFiles } from "../../core/database/private-files.ts";
import { lockHolder } from "../../core/database/lock.ts";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import { sizeText } from "../sizes.ts";
import { keptByPlugin } from "../kept.ts";
import { failed, ok, warning, type Check, type Patient } from "./check.ts";

const othersBits = 0o077;

/** The folder of the database and of files: there, ours, and nobody else's. */
export const folderCheck: Check = {
  name: "data folder",
  run: ({ dataDir, kernel, repair }: Patient): DoctorFinding[] => {
    if (!existsSync(dataDir) && lstatSync(dataDir, { throwIfNoEntry: false }))
      return [failed(`${dataDir} is a link that leads nowhere.`, "Bring back what it names, as a disk that is not mounted, or remove it.")];
    if (!existsSync(dataDir))
      return [warning(`${dataDir} is not there yet.`, "The first start makes it. Name another with --data or WEFTLINE_DATA.")];
    if (!statSync(dataDir).isDirectory()) return [failed(`${dataDir} is no folder.`, "Name a folder with --data or WEFTLINE_DATA.")];
    try {
      accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch {
      return [
        failed(`This user may not read and write ${dataDir}.`, `Run the server as the owner of the folder, or: chown -R <user> ${dataDir}`),
      ];
    }
    const kept = kernel ? [...keptByPlugin(kernel.registry).keys()] : [];
    return [...modeFindings(dataDir, kept, repair), ...deviceFindings(dataDir, kept), ...restoreFindings(dataDir, repair)];
  },
};

function modeFindings(dataDir: string, kept: readonly string[], repair: Patient["repair"]): DoctorFinding[] {
  const names = [".", ...readdirSync(dataDir), ...kept.flatMap((plugin) => shelves(dataDir, plugin))];
  const all = names.map((name) => ({ path: join(dataDir, name), found: lstatSync(join(dataDir, name), { throwIfNoEntry: false }) }));
  const open = all.flatMap(({ path, found }) => (found && isOpen(found) ? [{ path, found }] : []));
  if (open.length === 0) return [ok(`${dataDir}: modes 600 and 700`)];
  if (repair === "asked for") {
    for (const { path, found } of open) if (found.isDirectory()) makePrivateFolder(path);
    repairFiles(open.filter(({ found }) => found.isFile()).map(({ path }) => path));
    const left = open.filter(({ path }) => isOpen(lstatSync(path)));
    if (left.length === 0) return [ok(`Took ${open.length} files and folders of ${dataDir} from other users.`)];
  }
  const some = open.slice(0, 3).map(({ path, found }) => `${path} (${(found.mode & 0o777).toString(8)})`);
  return [
    warning(
      `Other users of this machine may read ${some.join(", ")}${open.length > 3 ? ` and ${open.length - 3} more` : ""}.`,
      "Run: weftline doctor --fix",
    ),
  ];
}

function shelves(dataDir: string, plugin: string): string[] {
  const folder = join(dataDir, plugin);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(plugin, entry.name)] : []));
}

/** A folder that many share is left as it is. */
function isOpen(found: Stats): boolean {
  return (found.isDirectory() || found.isFile()) && (found.mode & othersBits) !== 0 && (found.mode & 0o1000) === 0;
}

function deviceFindings(dataDir: string, kept: readonly string[]): DoctorFinding[] {
  const { dev } = statSync(dataDir);
  const apart = kept.filter((plugin) => (statSync(join(dataDir, plugin), { throwIfNoEntry: false })?.dev ?? dev) !== dev);
  return apart.map((plugin) =>
    warning(
      `${join(dataDir, plugin)} is on another device: weftline restore cannot put a backup in its place.`,
      "Keep the data folder on one device.",
    ),
  );
}

function restoreFindings(dataDir: string, repair: Patient["repair"]): DoctorFinding[] {
  if (!isRestoreLeft(dataDir)) return [];
  if (lockHolder(join(dataDir, "weftline.db")) !== undefined) return [ok("A restore is under way.")];
  if (repair === "off") return [warning("A restore was lost on its way.", "The next start ends it, or: weftline doctor --fix")];
  finishLostRestore(dataDir);
  return [ok("Ended a restore that was lost on its way.")];
}

/** Below this writes may be refused soon, as the health says it. */
const limits = { error: { bytes: 64 * 2 ** 20, share: 0.01 }, warning: { bytes: 2 ** 30, share: 0.1 } } as const;

/** What a disk says of itself. */
export interface DiskSpace {
  readonly bavail: number;
  readonly blocks: number;
  readonly bsize: number;
}

/** How much room the disk has left. @param read stands in for a disk that is full. */
export function diskCheck(read: (path: string) => Promise<DiskSpace> = statfs): Check {
  return {
    name: "disk",
    run: async ({ dataDir }) => {
      let folder = dataDir;
      while (!existsSync(folder)) folder = dirname(folder);
      const { bavail, blocks, bsize } = await read(folder);
      const [free, total] = [bavail * bsize, blocks * bsize];
      const words = `${sizeText(free)} of ${sizeText(total)} are free`;
      const isBelow = ({ bytes, share }: (typeof limits)[keyof typeof limits]): boolean => free < Math.min(bytes, share * total);
      const fix = "Give the data folder more room: on a full disk every write is refused.";
      if (isBelow(limits.error)) return [failed(`${words}.`, fix)];
      return [isBelow(limits.warning) ? warning(`${words}.`, fix) : ok(words)];
    },
  };
}

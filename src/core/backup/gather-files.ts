import { join } from "node:path";
import type { DatabaseSnapshot } from "../database/snapshot.ts";
import { WeftlineError } from "../errors.ts";
import type { KeptFiles } from "../kept-files.ts";
import { copyKept, forEach } from "./copy-file.ts";
import { isSafePath, knownIds, listKept, type KeptByPlugin, type KeptFile } from "./kept-rows.ts";

/** So often the moment is chosen anew, where files were deleted in the milliseconds around it. */
const mostMoments = 50;

/** What was copied of a plugin. */
export interface Gathered {
  readonly count: number;
  readonly bytes: number;
  /** Files whose bytes were lost or damaged already. */
  readonly unsound: number;
}

export interface GatherOptions {
  readonly snapshot: DatabaseSnapshot;
  readonly kept: KeptByPlugin;
  readonly from: string;
  readonly to: string;
  readonly signal: AbortSignal;
  /** Told how many files were copied so far. */
  told(count: number): void;
}

/**
 * Copies the files that rows know, and pins a moment at which all of them were copied. Most are copied before it, in their own time; what came since
 * takes a moment. Where one of these was deleted first, the next moment is tried, at which no row knows it.
 *
 * @returns what belongs to the pinned moment, and the copies that do not, as paths below `to`.
 */
export async function gatherFiles(
  options: GatherOptions,
): Promise<{ readonly gathered: Record<string, Gathered>; readonly stale: string[] }> {
  const { snapshot, kept } = options;
  const present = [];
  for (const [plugin, files] of kept) if (snapshot.hasTable(files.table)) present.push(new PluginFiles(plugin, files, options));
  for (const files of present) await files.copyAll();
  for (let moment = 0; moment < mostMoments; moment++) {
    snapshot.pin();
    let absent = 0;
    for (const files of present) absent += await files.copyAll();
    if (absent === 0) {
      return {
        gathered: Object.fromEntries(present.map((files) => [files.plugin, files.gathered()])),
        stale: present.flatMap((files) => files.stale()),
      };
    }
    snapshot.release();
    for (const files of present) await files.settleAbsent();
  }
  const problem = "files are deleted so fast that there was no moment at which all were there";
  throw new WeftlineError("BACKUP_FAILED", { place: options.to, problem, fix: "Try again when less is going on." });
}

class PluginFiles {
  readonly plugin: string;
  readonly #files: KeptFiles;
  readonly #options: GatherOptions;
  /** What stands in the backup, and how large it is. */
  readonly #copied = new Map<string, number>();
  readonly #damaged = new Set<string>();
  /** Rows whose bytes were lost: no moment brings them back. */
  readonly #lost = new Set<string>();
  /** Found missing in the last round. */
  #absent: KeptFile[] = [];
  /** Paths of the last round. */
  #listed = new Set<string>();

  constructor(plugin: string, files: KeptFiles, options: GatherOptions) {
    this.plugin = plugin;
    this.#files = files;
    this.#options = options;
  }

  /** Copies what is not here yet. @returns how many were not there to be copied. */
  async copyAll(): Promise<number> {
    const { snapshot, signal, told } = this.#options;
    this.#absent = [];
    this.#listed = new Set();
    for await (const page of listKept(snapshot.sql, this.#files)) {
      signal.throwIfAborted();
      for (const { path } of page) this.#listed.add(path);
      await forEach(
        page.filter(({ path }) => !this.#copied.has(path) && !this.#lost.has(path)),
        (file) => this.#copy(file),
      );
      told(this.#copied.size);
    }
    return this.#absent.length;
  }

  async #copy(file: KeptFile): Promise<void> {
    const { from, to } = this.#options;
    if (!isSafePath(file.path)) {
      this.#lost.add(file.path);
      return;
    }
    const copied = await copyKept(join(from, this.plugin, file.path), join(to, this.plugin, file.path), file);
    if (copied === "absent") {
      this.#absent.push(file);
      return;
    }
    this.#copied.set(file.path, file.size);
    if (copied === "damaged") this.#damaged.add(file.path);
  }

  /** A row that is still there without its bytes is none that was deleted. */
  async settleAbsent(): Promise<void> {
    const ids = this.#absent.map(({ id }) => id);
    const known = await knownIds(this.#options.snapshot.sql, this.#files, ids);
    for (const { id, path } of this.#absent) if (known.has(id)) this.#lost.add(path);
  }

  gathered(): Gathered {
    let [count, bytes, unsound] = [0, 0, 0];
    for (const path of this.#listed) {
      if (this.#lost.has(path) || this.#damaged.has(path)) unsound++;
      if (!this.#copied.has(path)) continue;
      count++;
      bytes += this.#copied.get(path) ?? 0;
    }
    return { count, bytes, unsound };
  }

  stale(): string[] {
    return [...this.#copied.keys()].filter((path) => !this.#listed.has(path)).map((path) => join(this.plugin, path));
  }
}

import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Outside } from "./outside.ts";

/** What would be there if the process had ended at a place: its data folder, byte by byte, and the world outside. */
export interface Image {
  /** The places that look so, in the order in which they were reached: nothing that is durable happened between them. */
  readonly places: string[];
  readonly folder: string;
  readonly outside: Outside;
}

const database = "weftline.db";

/**
 * Takes images of a data folder in use, all in one turn of the loop: as the kernel keeps what a killed process has written, so does a copy. The log of
 * the database is copied before the database itself, for what a checkpoint moves meanwhile is in both then.
 */
export class Camera {
  readonly images: Image[] = [];
  /** How often each place was reached. */
  readonly hits = new Map<string, number>();
  readonly #folder: string;
  readonly #outside: Outside;
  readonly #wants: (hit: number) => boolean;
  readonly #byHash = new Map<string, Image>();
  #hit = 0;
  #state: "waiting" | "open" | "closed" = "waiting";

  /** @param wants which hits are taken, by their number from 1; all by default. */
  constructor(folder: string, outside: Outside, wants: (hit: number) => boolean = () => true) {
    this.#folder = folder;
    this.#outside = outside;
    this.#wants = wants;
  }

  /** From now on images are taken. */
  open(): void {
    this.#state = "open";
  }

  close(): void {
    this.#state = "closed";
  }

  readonly reach = (at: string): void => {
    if (this.#state !== "open") return;
    this.hits.set(at, (this.hits.get(at) ?? 0) + 1);
    if (this.#wants(++this.#hit)) this.#take(at);
  };

  #take(at: string): void {
    const log = read(join(this.#folder, `${database}-wal`));
    const rows = read(join(this.#folder, database));
    const { effects, attempts, heard } = this.#outside;
    const around = JSON.stringify([effects, [...attempts], heard]);
    const hash = createHash("sha1").update(log).update("/").update(rows).update(around).digest("hex");
    const known = this.#byHash.get(hash);
    if (known) return void known.places.push(at);
    const folder = copyOf(this.#folder);
    const image = { places: [at], folder, outside: new Outside(this.#outside) };
    this.#byHash.set(hash, image);
    this.images.push(image);
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

/** A copy of a data folder. What only a running process has is left out: its lock, and the index of its log. */
function copyOf(folder: string): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-image-"));
  const names = readdirSync(folder).filter((name) => !/-shm$|\.lock/.test(name));
  for (const name of names.toSorted((a, b) => Number(b.endsWith("-wal")) - Number(a.endsWith("-wal")))) {
    if (name.startsWith("weftline.")) copyFileSync(join(folder, name), join(copy, name));
    else cpSync(join(folder, name), join(copy, name), { recursive: true });
  }
  return copy;
}

/** A folder of a scenario's own. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "weftline-scenario-"));
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function removeImage({ folder }: Pick<Image, "folder">): void {
  rmSync(folder, { recursive: true, force: true });
}

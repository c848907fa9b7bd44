import { createHash } from "node:crypto";
import { chmod, open, mkdir, readdir, readFile, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { v4 } from "uuid";
import { WeftlineError, messageOf } from "#weftline";

/** So much of a file's beginning is handed out, to tell what it is. */
const headBytes = 16;
/** Where bytes stand while they come in. */
export const incoming = "incoming";
const folderMode = 0o700;

/** Bytes that came in and stand in a place of their own, until they are kept or dropped. */
export interface Received {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly head: Buffer;
}

/** The bytes of files, by id. No name that a viewer chose ever becomes a path. */
export class Disk {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Writes what comes in to a place of its own and makes it durable.
   *
   * @throws INVALID_INPUT as soon as it is more than `most` bytes; STORE_UNAVAILABLE where the disk does not take it.
   */
  async receive(body: Readable, most: number): Promise<Received> {
    const path = join(this.#folder, incoming, v4());
    const handle = await onDisk(async () => {
      await makeFolder(join(this.#folder, incoming));
      return open(path, "wx", 0o600);
    });
    try {
      const written = await write(handle, body, most);
      await onDisk(() => handle.sync());
      return { path, ...written };
    } catch (error) {
      await this.drop({ path });
      throw error;
    } finally {
      await handle.close();
    }
  }

  /** Puts received bytes where the file's are looked for. */
  async keep(id: string, { path }: Pick<Received, "path">): Promise<void> {
    await onDisk(async () => {
      const place = this.#place(id);
      await makeFolder(dirname(place));
      await rename(path, place);
    });
  }

  /** Lets go of received bytes, if they were not kept; at the next start, where the disk does not let go of them now. */
  async drop({ path }: Pick<Received, "path">): Promise<void> {
    await rm(path, { force: true }).catch(() => undefined);
  }

  /** Lets go of files whose rows are gone. What the disk holds on to now goes at the next start. */
  async remove(ids: readonly string[]): Promise<void> {
    await Promise.allSettled(ids.map((id) => rm(this.#place(id), { force: true })));
  }

  /** @throws NOT_FOUND */
  async open(id: string): Promise<Readable> {
    const handle = await open(this.#place(id)).catch(gone);
    return handle.createReadStream();
  }

  /** @throws NOT_FOUND */
  read(id: string): Promise<Uint8Array> {
    return readFile(this.#place(id)).catch(gone);
  }

  /** The ids of all files that have bytes here. */
  async *ids(): AsyncGenerator<readonly string[]> {
    for (const shelf of await readdir(this.#folder).catch(() => [])) if (shelf !== incoming) yield readdir(join(this.#folder, shelf));
  }

  /** When the bytes of a file came here, in milliseconds since 1970; nothing where they are gone. */
  async keptAt(id: string): Promise<number | undefined> {
    const found = await stat(this.#place(id)).catch(() => undefined);
    return found && Math.max(found.mtimeMs, found.ctimeMs);
  }

  /** Takes folders of an earlier version from other users of the machine. */
  async restrict(): Promise<void> {
    const folders = [this.#folder, ...(await readdir(this.#folder).catch(() => [])).map((shelf) => join(this.#folder, shelf))];
    for (const folder of folders) await chmod(folder, folderMode).catch(() => undefined);
  }

  /** Lets go of what a lost process left behind. */
  async clearIncoming(): Promise<void> {
    await rm(join(this.#folder, incoming), { recursive: true, force: true });
  }

  #place(id: string): string {
    return join(this.#folder, shelfOf(id), id);
  }
}

/** The folder that a file stands in. Ids begin with the time, so that their ends spread over the folders. */
export function shelfOf(id: string): string {
  return id.slice(-2);
}

/** Only this user may enter it, whatever the umask. */
async function makeFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: folderMode });
  if (made !== undefined) await chmod(folder, folderMode);
}

async function write(handle: FileHandle, body: Readable, most: number): Promise<Omit<Received, "path">> {
  const hash = createHash("sha256");
  let head = Buffer.alloc(0);
  let size = 0;
  // The sender waits for an answer also where its bytes are refused, so its connection stays.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new WeftlineError("INVALID_INPUT", { message: `More than the ${most} bytes that were announced.` });
    if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes)]).subarray(0, headBytes);
    hash.update(chunk);
    await onDisk(() => handle.writeFile(chunk));
  }
  return { size, sha256: hash.digest("hex"), head };
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const message = `The disk did not take the file: ${messageOf(error).split(",", 1)[0]}`;
    const fix = "Free disk space or access to the data folder, then send it again.";
    throw new WeftlineError("STORE_UNAVAILABLE", { message, fix }, { cause: error });
  }
}

function gone(error: unknown): never {
  throw new WeftlineError("NOT_FOUND", { what: "content of this file" }, { cause: error });
}

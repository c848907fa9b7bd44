import { open, type FileHandle } from "node:fs/promises";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";
import { WeftlineError } from "#weftline";

const entrySignature = 0x02014b50;
const endSignature = 0x06054b50;
const endLength = 22;
const mostDirectory = 64 * 2 ** 20;

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly offset: number;
}

/** An archive as exports come in: no encryption, no parts, less than 4 GiB. */
export class ZipFile {
  readonly entries: readonly ZipEntry[];
  readonly #handle: FileHandle;

  constructor(handle: FileHandle, entries: readonly ZipEntry[]) {
    this.#handle = handle;
    this.entries = entries;
  }

  /** The bytes of a file. They are unpacked as they are read. */
  async read({ method, packed, offset }: ZipEntry): Promise<Readable> {
    const head = await bytesAt(this.#handle, offset, 30);
    const start = offset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
    const packedBytes = this.#handle.createReadStream({ start, end: start + packed - 1, autoClose: false });
    if (method === 0) return packedBytes;
    if (method !== 8) throw invalid("it is packed in a way that is not known here");
    const out = new PassThrough();
    pipeline(packedBytes, createInflateRaw(), out).catch((error: unknown) => out.destroy(error instanceof Error ? error : undefined));
    return out;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** @throws INVALID_INPUT where it is no archive. */
export async function openZip(file: string): Promise<ZipFile> {
  const handle = await open(file, "r");
  try {
    return new ZipFile(handle, await entriesOf(handle));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function entriesOf(handle: FileHandle): Promise<ZipEntry[]> {
  const { size } = await handle.stat();
  const tailLength = Math.min(size, endLength + 65_535);
  const tail = await bytesAt(handle, size - tailLength, tailLength);
  let at = tail.length - endLength;
  while (at >= 0 && tail.readUInt32LE(at) !== endSignature) at--;
  if (at < 0) throw invalid("it is no zip archive, or not whole");
  const [length, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (start === 0xffffffff || length > mostDirectory || start + length > size)
    throw invalid("it is larger than can be read here: unpack it first");
  const directory = await bytesAt(handle, start, length);
  const entries: ZipEntry[] = [];
  for (let place = 0; place + 46 <= directory.length && directory.readUInt32LE(place) === entrySignature;) {
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => directory.readUInt16LE(place + field)) as [number, number, number];
    entries.push({
      name: directory.toString("utf8", place + 46, place + 46 + nameLength),
      method: directory.readUInt16LE(place + 10),
      packed: directory.readUInt32LE(place + 20),
      offset: directory.readUInt32LE(place + 42),
    });
    place += 46 + nameLength + extra + comment;
  }
  return entries;
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw invalid("it ends before its end");
  return buffer;
}

function invalid(problem: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", {
    message: `The archive cannot be read: ${problem}.`,
    fix: "Unpack it, and name conversations.json.",
  });
}

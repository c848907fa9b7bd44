import type { Readable } from "node:stream";
import type { ThreadDocument } from "../transfer/document.ts";
import type { ZipEntry, ZipFile } from "./zip.ts";

/** A larger file stays where it is: servers take no larger ones by default. */
const assetBytes = 20 * 2 ** 20;

const mediaTypes: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  pdf: "application/pdf",
  wav: "audio/wav",
  mp3: "audio/mpeg",
  txt: "text/plain",
};

/** Puts the pictures and files of an archive in the place of the parts that point to them. What the archive does not hold stays a note. */
export async function withAssets(zip: ZipFile, document: ThreadDocument): Promise<ThreadDocument> {
  const files: ThreadDocument["files"] = { ...document.files };
  const messages: ThreadDocument["messages"] = [];
  for (const message of document.messages) {
    const parts: typeof message.parts = [];
    for (const part of message.parts) {
      const pointer = part.type === "data" && part.name === "missingFile" ? pointerOf(part.data) : undefined;
      const found = pointer === undefined ? undefined : await assetOf(zip, pointer);
      if (!found) {
        parts.push(part);
        continue;
      }
      files[found.entry] ??= found.file;
      parts.push({ type: "file", file: found.entry });
    }
    messages.push({ ...message, parts });
  }
  return { ...document, messages, files };
}

function pointerOf(data: unknown): string | undefined {
  const { name } = (data ?? {}) as { readonly name?: unknown };
  return typeof name === "string" ? /:\/\/(file[-_][\w-]+)$/.exec(name)?.[1] : undefined;
}

interface Asset {
  /** Its name in the archive. */
  readonly entry: string;
  readonly file: ThreadDocument["files"][string];
}

/** A pointer is the beginning of a name: `file-abc` of `file-abc-loom.png`, wherever that stands. */
async function assetOf(zip: ZipFile, pointer: string): Promise<Asset | undefined> {
  const entry = zip.entries.find(({ name }) => isOf(name.slice(name.lastIndexOf("/") + 1), pointer));
  const bytes = entry && (await bytesOf(zip, entry));
  if (!entry || !bytes) return undefined;
  const base = entry.name.slice(entry.name.lastIndexOf("/") + 1);
  const name = base.slice(pointer.length).replace(/^[-.]+/, "") || base;
  const mediaType = mediaTypes[/\.(\w+)$/.exec(base)?.[1]?.toLowerCase() ?? ""] ?? "application/octet-stream";
  return {
    entry: entry.name.slice(-255),
    file: { name: name.slice(-255), mediaType, size: bytes.length, content: bytes.toString("base64") },
  };
}

function isOf(base: string, pointer: string): boolean {
  return base.startsWith(pointer) && /^([-.]|$)/.test(base.slice(pointer.length));
}

async function bytesOf(zip: ZipFile, entry: ZipEntry): Promise<Buffer | undefined> {
  const stream: Readable = await zip.read(entry);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop ends the stream.
    if (bytes > assetBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

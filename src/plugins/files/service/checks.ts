import { WeftlineError, isBlank, isLonger, mediaTypeOf } from "#weftline";
import type { FilesConfig } from "../config.ts";
import type { NewFile } from "../contract.ts";

const maxName = 255;

/** A file as announced, once that passed. */
export interface CheckedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
}

/** @throws INVALID_INPUT with all that is wrong. */
export function checkFile({ name, mediaType, size }: NewFile, config: FilesConfig): CheckedFile {
  const checked = { name: name.normalize("NFC").trim(), mediaType: mediaTypeOf(mediaType), size };
  const issues = [
    ...nameProblem(checked.name).map((message) => ({ path: ["input", "name"], message })),
    ...typeProblem(checked.mediaType, config).map((message) => ({ path: ["input", "mediaType"], message })),
    ...sizeProblem(size, config).map((message) => ({ path: ["input", "size"], message })),
  ];
  const [first] = issues;
  if (first) throw new WeftlineError("INVALID_INPUT", { ...first, issues });
  return checked;
}

/** What turns the direction of text or takes no room hides what a name is; slashes make it look like a place. */
function nameProblem(name: string): string[] {
  if (isBlank(name) || isLonger(name, maxName)) return [`A name has 1 to ${maxName} characters, one of them visible.`];
  return /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff/\\]/u.test(name) || !name.isWellFormed()
    ? ["A name has no slashes and no hidden characters."]
    : [];
}

function typeProblem(mediaType: string, { mediaTypes }: FilesConfig): string[] {
  if (mediaType.length > 127 || !/^[a-z0-9][\w.+-]*\/[a-z0-9][\w.+-]*$/.test(mediaType))
    return ["A media type is written as in image/png."];
  const [group = ""] = mediaType.split("/");
  const taken = [mediaType, `${group}/*`, "*/*"].some((each) => mediaTypes.map(mediaTypeOf).includes(each));
  return taken ? [] : [`Files of this type are not taken; these are: ${mediaTypes.join(", ")}.`];
}

function sizeProblem(size: number, { fileBytes }: FilesConfig): string[] {
  return Number.isSafeInteger(size) && size >= 1 && size <= fileBytes ? [] : [`A file has 1 to ${fileBytes} bytes.`];
}

/** How files begin whose type can be told from that. */
const beginnings: Readonly<Record<string, (head: Buffer) => boolean>> = {
  "image/png": (head) => head.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1")),
  "image/jpeg": (head) => head.subarray(0, 3).equals(Buffer.of(0xff, 0xd8, 0xff)),
  "image/gif": (head) => /^GIF8[79]a/.test(head.toString("latin1")),
  "image/webp": (head) => /^RIFF[^]{4}WEBP/.test(head.toString("latin1")),
  "application/pdf": (head) => head.toString("latin1").startsWith("%PDF-"),
};

/** @throws INVALID_INPUT for bytes that cannot be of the type. */
export function checkBeginning(mediaType: string, head: Buffer): void {
  if (beginnings[mediaType]?.(head) === false)
    throw new WeftlineError("INVALID_INPUT", {
      message: `These bytes are no ${mediaType}.`,
      fix: "Announce the file with the type that it has.",
    });
}

/** @throws INVALID_INPUT where the sender of the bytes says otherwise than who announced them. */
export function checkAnnounced(
  file: Pick<CheckedFile, "mediaType" | "size">,
  said: { readonly mediaType?: string | undefined; readonly size?: number | undefined },
): void {
  const mediaType = mediaTypeOf(said.mediaType ?? file.mediaType);
  if (mediaType !== mediaTypeOf(file.mediaType)) throw otherwise(`as ${mediaType}, not as ${file.mediaType}`);
  if (said.size !== undefined && said.size !== file.size) throw otherwise(`with ${said.size} bytes, not with ${file.size}`);
}

function otherwise(how: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", {
    message: `The bytes come ${how}.`,
    fix: "Announce the file anew with createFile, with the type and size that it has.",
  });
}

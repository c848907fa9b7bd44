import { z } from "zod";
import { WeftlineError, characters, isBlank, type NamedFile, type StoredFile, type StoredPart } from "#weftline";
import type { SendMessage, SentPart } from "./requests.ts";

const maxTitle = 200;
const maxMetadataBytes = 16 * 1024;
const minRetentionMs = 60_000;

/** What is said of metadata that are too long. */
export const metadataProblem = `At most ${maxMetadataBytes} bytes of JSON.`;

/** Whether metadata of a thread are short enough to be kept, and read with every list of threads. */
export function isShortMetadata(value: Readonly<Record<string, unknown>>): boolean {
  return bytesOf(JSON.stringify(value)) <= maxMetadataBytes;
}

const titleSchema = z
  .string()
  .trim()
  .superRefine(characters(1, maxTitle, "A title is not empty; null removes it."))
  .nullish();

const configSchema = z
  .object({
    historyLimit: z.int().min(1).max(1_000).nullish(),
    historyTokens: z.int().min(100).max(10_000_000).nullish(),
    retention: z.number().min(minRetentionMs, "The least is one minute, PT1M.").transform(Math.round).nullish(),
    simulatedAllowed: z.boolean().nullish(),
    // A record of zod's would lose a key named __proto__.
    metadata: z
      .custom<Readonly<Record<string, unknown>>>(isObject, "Expected a JSON object.")
      .refine(isShortMetadata, metadataProblem)
      .nullish(),
  })
  .nullish();

/** Settings that passed; what was left out is absent. */
export type CheckedConfig = z.output<typeof configSchema>;

/** @throws INVALID_INPUT */
export function checkTitle(title: unknown): string | null | undefined {
  return check(titleSchema, title, ["input", "title"]);
}

/** @throws INVALID_INPUT */
export function checkConfig(config: unknown): CheckedConfig {
  return check(configSchema, config, ["input", "config"]);
}

/** A part that passed; a file is only named yet. */
export type CheckedPart = Exclude<StoredPart, StoredFile> | NamedFile;

/**
 * The parts of a message that somebody sends.
 *
 * @throws INVALID_INPUT where there is not exactly one of text and parts, where nothing is said, or where it is too much.
 */
export function checkContent({ text, parts }: Pick<SendMessage, "text" | "parts">, maxBytes: number): CheckedPart[] {
  if ((text == null) === (parts == null)) throw invalid(["input", "text"], "Pass either text or parts.");
  const stored = text == null ? checkParts(parts ?? []) : [checkText(text, ["input", "text"])];
  const bytes = stored.reduce((sum, part) => sum + sizeOf(part), 0);
  if (bytes > maxBytes)
    throw invalid(["input", text == null ? "parts" : "text"], `A message holds at most ${maxBytes} bytes; this one has ${bytes}.`);
  return stored;
}

/** One field that is wrong. */
export function invalid(path: readonly string[], message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { path, message, issues: [{ path, message }] });
}

function checkParts(parts: readonly SentPart[]): CheckedPart[] {
  if (parts.length === 0) throw invalid(["input", "parts"], "A message has at least one part.");
  return parts.map((part, index) => {
    const path = ["input", "parts", String(index)];
    if (part.text != null) return checkText(part.text, [...path, "text"]);
    if (part.file != null) return { file: part.file, path: [...path, "file"] };
    if (part.data !== undefined) return { type: "data", name: "data", data: part.data };
    throw invalid(path, "This sort of part cannot be sent.");
  });
}

function checkText(text: string, path: readonly string[]): CheckedPart {
  if (isBlank(text)) throw invalid(path, "The text is empty.");
  return { type: "text", text };
}

function sizeOf(part: CheckedPart): number {
  if ("file" in part) return 0;
  if (part.type === "text") return bytesOf(part.text);
  return part.type === "data" ? bytesOf(JSON.stringify(part.data)) : 0;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

function check<Schema extends z.ZodType>(schema: Schema, value: unknown, path: readonly string[]): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => ({ path: [...path, ...issue.path.map(String)], message: issue.message }));
  const [first] = issues;
  throw new WeftlineError("INVALID_INPUT", { path: first?.path ?? path, message: first?.message ?? "The input is not valid.", issues });
}

import { createHmac, createSecretKey, randomBytes, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { WeftlineError, messageOf } from "../errors.ts";

/** Where the keys of sealed values come from. The first key seals; every key opens. */
export interface SecretsConfig {
  /** Keys of 32 bytes in base64; `weftline secrets generate-key` makes one. */
  readonly keys?: readonly string[];
  /** A file of such keys, one a line. They stand behind {@link SecretsConfig.keys}. */
  readonly keyFile?: string;
}

/** A key and the id that stands with what it sealed. */
export interface SecretKey {
  readonly id: string;
  readonly key: KeyObject;
}

const keyBytes = 32;

/** A new key, as it stands in a configuration. */
export function generateKey(): string {
  return randomBytes(keyBytes).toString("base64");
}

/**
 * The keys of a configuration.
 *
 * @throws CONFIG_INVALID for a key that is none and a file that cannot be read, without a word of what stands there.
 */
export function configuredKeys({ keys = [], keyFile }: SecretsConfig = {}): readonly SecretKey[] {
  const all = keys.map((text, at) => keyOf(text, `key ${at + 1} of the configuration`));
  return keyFile === undefined ? all : [...all, ...keysOfFile(keyFile)];
}

/** @throws CONFIG_INVALID */
export function keysOfFile(file: string): readonly SecretKey[] {
  const lines = textOf(file).split(/\r?\n/);
  const keys = lines.flatMap((line, at) => (line.trim() === "" ? [] : [keyOf(line.trim(), `line ${at + 1} of ${file}`)]));
  if (keys.length === 0) throw invalid(`${file} holds no key`);
  return keys;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(`the key file cannot be read: ${messageOf(error)}`);
  }
}

function keyOf(text: string, place: string): SecretKey {
  const bytes = Buffer.from(text, "base64");
  // Node skips what is no base64: only what comes out as it went in is a key.
  const isKey = bytes.length === keyBytes && bytes.toString("base64").replace(/=+$/, "") === standard(text);
  if (!isKey) throw invalid(`${place} is not ${keyBytes} bytes in base64`);
  const id = createHmac("sha256", bytes).update("weftline key id").digest("hex").slice(0, 16);
  return { id, key: createSecretKey(bytes) };
}

/** The same in the standard alphabet, without padding. */
function standard(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
}

function invalid(problem: string): WeftlineError {
  const fix = "Make a key with: weftline secrets generate-key";
  return new WeftlineError("CONFIG_INVALID", { file: "WEFTLINE_SECRET_KEY, WEFTLINE_SECRET_KEY_FILE or secrets", problem, fix });
}

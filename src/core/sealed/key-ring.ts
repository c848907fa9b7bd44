import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { makePrivateFile, repairFiles } from "../database/private-files.ts";
import { WeftlineError } from "../errors.ts";
import { configuredKeys, generateKey, keysOfFile, type SecretKey, type SecretsConfig } from "./keys.ts";

/** What decides which keys there are. */
export interface KeyRingOptions {
  readonly secrets?: SecretsConfig | undefined;
  /** The data folder: in development a key file is kept there where no key is configured. */
  readonly folder: string;
  readonly mode: "development" | "production";
}

/** The keys that seal and open values. */
export class KeyRing {
  readonly #configured: readonly SecretKey[];
  readonly #mode: KeyRingOptions["mode"];
  /** The key file of development. */
  readonly #file: string;
  #own: readonly SecretKey[] | undefined;

  /** @throws CONFIG_INVALID for keys that are none. */
  constructor({ secrets, folder, mode }: KeyRingOptions) {
    this.#configured = configuredKeys(secrets);
    this.#mode = mode;
    this.#file = join(folder, "secret.key");
  }

  /**
   * The key that seals. In development it is made where there is none.
   *
   * @param sealedWith the id of a key that something is sealed with, if anything is.
   * @throws SECRET_KEY_MISSING
   */
  async sealing(sealedWith: () => Promise<string | undefined>): Promise<SecretKey> {
    const known = this.#keys()[0];
    if (known) return known;
    if (this.#mode === "production") throw new WeftlineError("SECRET_KEY_MISSING", { problem: "none is configured.", retryable: false });
    const before = await sealedWith();
    // With another key in its place the lost file could not be put back.
    if (before !== undefined) throw new WeftlineError("SECRET_KEY_MISSING", this.#lost(before));
    makeKeyFile(this.#file);
    return this.#keys()[0] as SecretKey;
  }

  /** @throws SECRET_KEY_UNKNOWN where no key has that id. */
  opening(id: string): SecretKey {
    const keys = this.#keys();
    const found = keys.find((key) => key.id === id);
    if (found) return found;
    const known = keys.length === 0 ? "no key" : keys.map((key) => key.id).join(", ");
    throw new WeftlineError("SECRET_KEY_UNKNOWN", { key: id, known, fix: this.#whereIs(id), retryable: false });
  }

  #keys(): readonly SecretKey[] {
    if (this.#configured.length > 0) return this.#configured;
    if (this.#own || this.#mode === "production" || !existsSync(this.#file)) return this.#own ?? [];
    repairFiles([this.#file]);
    return (this.#own = keysOfFile(this.#file));
  }

  #lost(id: string) {
    const problem = `${this.#file} is missing, and values are sealed with its key ${id}.`;
    return { problem, fix: `Put ${this.#file} back.`, retryable: false };
  }

  #whereIs(id: string): string {
    if (existsSync(this.#file) && keysOfFile(this.#file).some((key) => key.id === id))
      return `The key is in ${this.#file}: set WEFTLINE_SECRET_KEY_FILE to it, or add it behind the first key.`;
    const file = this.#mode === "development" && this.#configured.length === 0 ? `put ${this.#file} back, or ` : "";
    const fix = `${file}add that key behind the first in WEFTLINE_SECRET_KEY or in the file that WEFTLINE_SECRET_KEY_FILE names.`;
    return `${fix.charAt(0).toUpperCase()}${fix.slice(1)}`;
  }
}

/** Whole and on disk before anything is sealed with it; one that another process made meanwhile stays. */
function makeKeyFile(file: string): void {
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true });
  makePrivateFile(draft);
  writeFileSync(draft, `${generateKey()}\n`, { flush: true });
  try {
    linkSync(draft, file);
  } catch (error) {
    if (!existsSync(file)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(dirname(file), "r");
  fsyncSync(folder);
  closeSync(folder);
}

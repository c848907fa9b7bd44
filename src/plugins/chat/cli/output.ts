import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { WeftlineError, type CliContext } from "#weftline";

/** Where a document goes. */
export interface Output {
  write(text: string): Promise<void>;
  /** It is whole: a file has its name from now on. */
  keep(): Promise<void>;
  /** What was not kept goes. */
  close(): Promise<void>;
}

/**
 * Standard output, or a new file for this user alone that has its name once it is whole.
 *
 * @throws CONFLICT where the file is there.
 */
export async function openOutput({ out }: Pick<CliContext, "out">, file: string | true | undefined): Promise<Output> {
  if (typeof file !== "string") return { write: async (text) => out(text), keep: async () => {}, close: async () => {} };
  const target = resolve(file);
  if (existsSync(target)) throw new WeftlineError("CONFLICT", { message: `${target} is there already.`, fix: "Name a new file." });
  const draft = `${target}.partial-${process.pid}`;
  const handle = await open(draft, "w", 0o600);
  return {
    write: async (text) => void (await handle.write(text)),
    keep: async () => {
      await handle.sync();
      await rename(draft, target);
    },
    close: async () => {
      await handle.close();
      await rm(draft, { force: true });
    },
  };
}

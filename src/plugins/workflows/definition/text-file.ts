import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { messageOf } from "#weftline";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist.",
  EISDIR: "it is a folder.",
  EACCES: "this user may not read it.",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8. Save it with that encoding.",
};

/**
 * Reads a file of text. A mark of the byte order is left out.
 *
 * @throws an error for {@link whyUnreadable}, also where the file is not UTF-8: its characters would be lost without a word.
 */
export async function readTextFile(file: string): Promise<string> {
  return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
}

/** Why a file cannot be read, as the end of a sentence. */
export function whyUnreadable(error: unknown): string {
  return reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? messageOf(error);
}

/** Whether a word of a command line names a file instead of a stored workflow, which a folder may share its name with. */
export function isFile(word: string): boolean {
  return statSync(word, { throwIfNoEntry: false })?.isDirectory() === false || /\.(ya?ml|json)$/i.test(word);
}

import { statSync } from "node:fs";
import { WeftlineError } from "../errors.ts";

/** How long an answer holds, in milliseconds: under load many commits share one look. */
const freshMs = 10;

/**
 * Remembers which files are open.
 *
 * @returns what throws STORE_UNAVAILABLE where one of them is no longer the one in its folder: what is written to it would be lost with the process.
 */
export function watchPresence(files: readonly string[]): () => void {
  const opened = files.map((file) => ({ file, identity: identityOf(file) }));
  let lookedAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - lookedAt < freshMs) return;
    for (const { file, identity } of opened) if (identityOf(file) !== identity) throw gone(file);
    lookedAt = now;
  };
}

function identityOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function gone(file: string): WeftlineError {
  const problem = `${file} was removed or replaced while the server has it open.`;
  return new WeftlineError("STORE_UNAVAILABLE", { problem, fix: "Put the file back. If it is lost, restart the server with a backup." });
}

import { WeftlineError, type Scope, type StoredPart, type Tx } from "#weftline";
import type { Thread } from "../entities.ts";
import type { CheckedPart } from "./checks.ts";
import type { ChatDeps } from "./deps.ts";

/**
 * The parts as they are stored: the thread holds the files that they name.
 *
 * @throws what the plugin that keeps files throws.
 */
export async function attachFiles(
  { files }: ChatDeps,
  scope: Scope,
  tx: Tx,
  thread: Thread,
  parts: readonly CheckedPart[],
): Promise<readonly StoredPart[]> {
  const named = parts.filter((part) => "file" in part);
  if (named.length === 0) return parts as readonly StoredPart[];
  if (!files) throw new WeftlineError("INVALID_INPUT", { message: "No plugin here keeps files." });
  const attached = await files.attach(scope, tx, thread.id, named);
  return parts.flatMap((part): StoredPart[] => ("file" in part ? attached.slice(named.indexOf(part)).slice(0, 1) : [part]));
}

/** Lets a thread hold the files of messages that are copied into it. */
export async function shareFiles({ files }: ChatDeps, tx: Tx, threadId: string, parts: readonly StoredPart[]): Promise<void> {
  const held = parts.flatMap((part) => (part.type === "file" ? [part.file] : []));
  if (held.length > 0) await files?.share(tx, threadId, held);
}

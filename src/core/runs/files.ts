import type { Tx } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { serviceRef } from "../kernel/refs.ts";
import type { StoredFile } from "./entities/message.ts";
import type { AgentRuntime, ConversationMessage, FilePart } from "./runtime.ts";

/** A file that a client names in a message. */
export interface NamedFile {
  /** Its id in the graph. */
  readonly file: string;
  /** Where that stood in the arguments, for errors. */
  readonly path: readonly string[];
}

/** Files of viewers: attached to messages, read by agents. The plugin that keeps them provides it. */
export interface Files {
  /**
   * Makes parts of files of the viewer for a message of a thread; the thread holds them from then on.
   *
   * @throws NOT_FOUND, CONFLICT for one that was not uploaded, INVALID_INPUT for too many.
   */
  attach(scope: Scope, tx: Tx, threadId: string, files: readonly NamedFile[]): Promise<readonly StoredFile[]>;
  /** Lets a thread hold files that another thread of the same owner holds too, as a copy of it does. */
  share(tx: Tx, threadId: string, files: readonly string[]): Promise<void>;
  /** The bytes. As the platform itself: whoever asks has seen the message. @throws NOT_FOUND */
  read(id: string): Promise<Uint8Array>;
}

export const fileService = serviceRef<Files>("files.files");

/** A file as a framework is handed it: nothing is read before it is asked for. */
export function filePartOf({ file, name, mediaType, size }: StoredFile, files: Pick<Files, "read"> | undefined): FilePart {
  const bytes = async (): Promise<Uint8Array> => {
    if (files) return files.read(file);
    throw new WeftlineError("UNAVAILABLE", {
      what: `The file ${name}`,
      reason: "no plugin keeps files.",
      fix: "Add the plugin files again.",
    });
  };
  const dataUrl = async (): Promise<string> => `data:${mediaType};base64,${Buffer.from(await bytes()).toString("base64")}`;
  return { type: "file", id: file, name, mediaType, size, bytes, dataUrl };
}

/** @throws FILE_UNSUPPORTED where a conversation holds a file and the framework takes none. */
export function refuseFiles({ id, features }: AgentRuntime, messages: readonly ConversationMessage[]): void {
  if (features.files) return;
  const parts = messages.flatMap((message) => (message.role === "ASSISTANT" ? [] : message.parts));
  const found = parts.find((part) => part.type === "file");
  if (found) throw fileUnsupported(`The framework ${id}`, found);
}

/** What a framework or a model that cannot take a file refuses it with. */
export function fileUnsupported(who: string, { name, mediaType }: Pick<FilePart, "name" | "mediaType">, why = ""): WeftlineError {
  return new WeftlineError("FILE_UNSUPPORTED", { who, file: name, mediaType, why: why === "" ? "" : `: ${why}` });
}

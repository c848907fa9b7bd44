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
  /** Which of these files are still kept, as the platform itself. */
  kept(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The bytes. As the platform itself: whoever asks has seen the message. @throws NOT_FOUND */
  read(id: string): Promise<Uint8Array>;
}

export const fileService = serviceRef<Files>("files.files");

/** A file as a framework is handed it: nothing is read before it is asked for. */
export function filePartOf({ file, name, mediaType: stored, size }: StoredFile, files: Pick<Files, "read"> | undefined): FilePart {
  const mediaType = mediaTypeOf(stored);
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

/**
 * A conversation as a framework takes it: where it takes no files, those of earlier messages stand as notes.
 *
 * @throws FILE_UNSUPPORTED for a file in a message that is to be answered now, where the framework takes none.
 */
export function withTakenFiles({ id, features }: AgentRuntime, messages: readonly ConversationMessage[]): readonly ConversationMessage[] {
  if (features.files) return messages;
  return messages.map((message) => {
    if (message.role === "ASSISTANT") return message;
    const found = message.parts.find((part) => part.type === "file");
    if (!found) return message;
    if (!message.earlier) throw fileUnsupported(`The framework ${id}`, found);
    return {
      ...message,
      parts: message.parts.map((part) => (part.type === "file" ? { type: "text" as const, text: fileNote(part) } : part)),
    };
  });
}

/** What stands in the place of a file of an earlier message that a model cannot be shown. */
export function fileNote({ name, mediaType }: Pick<FilePart, "name" | "mediaType">): string {
  return `[Here stood the file ${JSON.stringify(name)} (${mediaType}), which cannot be shown.]`;
}

/** Names that media types go by besides their own. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["image/jpg", "image/jpeg"],
  ["image/pjpeg", "image/jpeg"],
  ["image/jfif", "image/jpeg"],
  ["image/x-png", "image/png"],
  ["application/x-pdf", "application/pdf"],
]);

/** A media type by its registered name, without parameters. */
export function mediaTypeOf(said: string): string {
  const essence = (said.split(";", 1)[0] ?? "").trim().toLowerCase();
  return otherNames.get(essence) ?? essence;
}

/** What stands in a conversation for a file that its owner deleted. */
export function deletedFileNote({ name, mediaType, size }: StoredFile): string {
  return `[The file ${JSON.stringify(name)} (${mediaType}, ${size} bytes) was deleted and can no longer be read.]`;
}

/** What a framework or a model that cannot take a file refuses it with. */
export function fileUnsupported(who: string, { name, mediaType }: Pick<FilePart, "name" | "mediaType">, why = ""): WeftlineError {
  return new WeftlineError("FILE_UNSUPPORTED", { who, file: name, mediaType, why: why === "" ? "" : `: ${why}` });
}

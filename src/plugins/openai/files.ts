import { WeftlineError, fileNote, fileUnsupported, type ConversationMessage, type FilePart, type ModelBinding } from "#weftline";

/** A file as it is sent: a picture or a document as a data URL, anything that is text as that. */
export type LoadedFile =
  | { readonly kind: "image" | "pdf"; readonly name: string; readonly url: string }
  | { readonly kind: "text"; readonly text: string };

/** The files of a conversation, loaded. */
export type LoadedFiles = ReadonlyMap<FilePart, LoadedFile>;

const mebibyte = 1024 * 1024;
/** What is written out in the prompt has to fit into what a model can read. */
const mostTextBytes = mebibyte;
/** Providers take no larger requests. */
const mostBytes = 32 * mebibyte;

const pictures = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);
const texts = /^text\/|^application\/(.+\+)?(json|xml|yaml|toml|javascript|typescript|sql|x-yaml|x-ndjson|x-sh|graphql)$|^image\/svg\+xml$/;

/**
 * Reads the files of a conversation. What cannot be taken of an earlier message, or is too much beside newer files, becomes a note.
 *
 * @throws FILE_UNSUPPORTED for one of a message that is to be answered now, where the binding does not take it; what the file itself throws.
 */
export async function loadFiles(messages: readonly ConversationMessage[], model: Pick<ModelBinding, "id" | "files">): Promise<LoadedFiles> {
  const loading = new Map<FilePart, Promise<LoadedFile>>();
  let bytes = 0;
  for (const part of filesOf(messages, "answered")) {
    if ((bytes += part.size) > mostBytes) throw refusal(part, model, "the message has more than 32 MiB of files");
    loading.set(part, loaded(part, model));
  }
  for (const part of filesOf(messages, "earlier").toReversed()) {
    const fits = bytes + part.size <= mostBytes;
    if (fits) bytes += part.size;
    const note: LoadedFile = { kind: "text", text: fileNote(part) };
    loading.set(part, fits ? loaded(part, model).catch((error: unknown) => noteUnlessTransient(error, note)) : Promise.resolve(note));
  }
  return new Map(await Promise.all([...loading].map(async ([part, file]) => [part, await file] as const)));
}

function filesOf(messages: readonly ConversationMessage[], which: "answered" | "earlier"): FilePart[] {
  return messages.flatMap((message) => {
    if (message.role === "ASSISTANT" || (which === "earlier") !== (message.earlier === true)) return [];
    return message.parts.filter((part) => part.type === "file");
  });
}

/** A file that is gone or cannot be taken stays so; one that cannot be read at this moment is worth another try. */
function noteUnlessTransient(error: unknown, note: LoadedFile): LoadedFile {
  if (error instanceof WeftlineError && (error.code === "FILE_UNSUPPORTED" || error.code === "NOT_FOUND")) return note;
  throw error;
}

async function loaded(part: FilePart, model: Pick<ModelBinding, "id" | "files">): Promise<LoadedFile> {
  const { name, mediaType } = part;
  if (texts.test(mediaType)) return { kind: "text", text: await written(part, model) };
  const kind = pictures.has(mediaType) ? "image" : mediaType === "application/pdf" ? "pdf" : undefined;
  if (kind === undefined || !(model.files ?? ["image"]).includes(kind)) throw refusal(part, model);
  return { kind, name, url: await part.dataUrl() };
}

async function written(part: FilePart, model: Pick<ModelBinding, "id">): Promise<string> {
  const { name, mediaType, size } = part;
  if (size > mostTextBytes) throw refusal(part, model, "it is text of more than 1 MiB");
  try {
    return `File ${JSON.stringify(name)} (${mediaType}, ${size} bytes):\n${new TextDecoder("utf-8", { fatal: true }).decode(await part.bytes())}`;
  } catch (error) {
    throw error instanceof TypeError ? refusal(part, model, "it is not UTF-8") : error;
  }
}

function refusal(part: FilePart, { id }: Pick<ModelBinding, "id">, why?: string) {
  return fileUnsupported(`The model binding "${id}"`, part, why);
}

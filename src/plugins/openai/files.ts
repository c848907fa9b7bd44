import { fileUnsupported, type ConversationMessage, type FilePart, type ModelBinding } from "#weftline";

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
 * Reads the files of a conversation.
 *
 * @throws FILE_UNSUPPORTED for one that the binding does not take; what the file itself throws.
 */
export async function loadFiles(messages: readonly ConversationMessage[], model: Pick<ModelBinding, "id" | "files">): Promise<LoadedFiles> {
  const parts = messages.flatMap((message) => (message.role === "ASSISTANT" ? [] : message.parts.filter((part) => part.type === "file")));
  let bytes = 0;
  for (const part of parts)
    if ((bytes += part.size) > mostBytes) throw refusal(part, model, "the conversation has more than 32 MiB of files");
  return new Map(await Promise.all(parts.map(async (part) => [part, await loaded(part, model)] as const)));
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

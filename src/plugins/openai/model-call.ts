import {
  fileUnsupported,
  messageOf,
  plainJson,
  plainText,
  type ConversationMessage,
  type FilePart,
  type InputPart,
  type ModelBinding,
  type ToolDefinition,
} from "#weftline";
import type { LoadedFile, LoadedFiles } from "./files.ts";
import type { OpenAIOptions } from "./options.ts";
import type { ToolNames } from "./tool-names.ts";

/** What every model call of a turn says. */
export interface ModelSettings {
  readonly model: Pick<ModelBinding, "id" | "model" | "baseURL" | "api">;
  readonly options: OpenAIOptions;
  readonly tools: readonly Pick<ToolDefinition, "name" | "description" | "inputSchema">[];
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
}

/** Everything that one model call says. */
export interface ModelCall extends ModelSettings {
  readonly instructions: string | undefined;
  readonly messages: readonly ConversationMessage[];
  readonly names: ToolNames;
  /** Whose turn it is: to messages of this run belongs what the provider wants back of the model's thoughts. */
  readonly runId?: string;
  /** The files of the messages, read; a message with a file that is not here is refused. */
  readonly files?: LoadedFiles;
}

/** A message of the user or of the system. */
type InputMessage = Extract<ConversationMessage, { role: "USER" | "SYSTEM" }>;

/**
 * Such a message as one text: data stands as JSON under its name.
 *
 * @throws FILE_UNSUPPORTED for a file: that is no text.
 */
export function inputText({ parts }: InputMessage): string {
  return parts.map((part) => (part.type === "file" ? refuse(part) : textOf(part))).join("\n\n");
}

/** Such a message as it is sent: one text, or where it holds pictures or documents each part by itself. */
export function inputContent<Content>(
  { parts }: InputMessage,
  files: LoadedFiles | undefined,
  partOf: (part: LoadedFile) => Content,
): string | Content[] {
  const all = parts.map((part): LoadedFile =>
    part.type === "file" ? (files?.get(part) ?? refuse(part)) : { kind: "text", text: textOf(part) },
  );
  const texts = all.flatMap((part) => (part.kind === "text" ? [part.text] : []));
  return texts.length === all.length ? texts.join("\n\n") : all.map(partOf);
}

function textOf(part: Exclude<InputPart, FilePart>): string {
  return part.type === "text" ? part.text : `${part.name}:\n${JSON.stringify(part.data)}`;
}

function refuse(file: FilePart): never {
  throw fileUnsupported("What is sent as text", file);
}

/** The arguments of a past call. Servers parse them, so what is no JSON object, or none that everybody can read, is wrapped. */
export function argumentsText(given: unknown): string {
  if (typeof given !== "string") return wrapped(given ?? {}, given);
  if (given.trim() === "") return "{}";
  try {
    return wrapped(JSON.parse(given), given);
  } catch {
    return JSON.stringify({ invalid: plainText(given) });
  }
}

function wrapped(value: unknown, given: unknown): string {
  try {
    const plain = plainJson(value).value;
    if (typeof plain !== "object" || plain === null || Array.isArray(plain)) return JSON.stringify({ value: plain });
    // Whitespace and the order of keys stay as the model wrote them: a provider knows the beginning of a conversation again by its bytes.
    return typeof given === "string" && given.isWellFormed() && !/\\u(d[89a-f]|0000)/i.test(given) ? given : JSON.stringify(plain);
  } catch (error) {
    return JSON.stringify({ invalid: typeof given === "string" ? plainText(given) : messageOf(error) });
  }
}

/** The name under which a schema of the answer is sent. */
export const answerName = "answer";

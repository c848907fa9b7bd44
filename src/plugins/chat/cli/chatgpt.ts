import type { z } from "zod";
import { WeftlineError, isBlank, plainText } from "#weftline";
import type { DocumentMessage, DocumentPart } from "../transfer/document.ts";
import { documentLimits, type threadDocument } from "../transfer/document.ts";
import type { LeftOut } from "./send-threads.ts";

/** A conversation of ChatGPT's export as a thread document, and what was left out. */
export interface Converted extends LeftOut {
  readonly key: string;
  readonly document: z.input<typeof threadDocument>;
}

/** The year 10000, in seconds: later times have no form in ISO 8601 that others read. */
const endOfTime = Date.UTC(10_000, 0) / 1_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a conversation of `conversations.json`. The format is nowhere written down and changes, so whatever is not as expected is left out, and only a
 * conversation without a tree is refused.
 *
 * @throws INVALID_INPUT with the reason.
 */
export function convertConversation(value: unknown): Converted {
  const conversation = fieldsOf(value);
  const mapping = fieldsOf(conversation?.["mapping"]);
  if (!conversation || !mapping) throw new WeftlineError("INVALID_INPUT", { message: "it has no messages (mapping)" });
  const path = pathOf(mapping, textIn(conversation, "current_node"));
  const createdAt = timeOf(conversation["create_time"]) ?? firstTime(path) ?? new Date(0).toISOString();
  const messages = path.flatMap((node) => messageOf(node, createdAt));
  const all = Object.values(mapping).flatMap((node) => messageOf(node, createdAt)).length;
  const id = textIn(conversation, "conversation_id") ?? textIn(conversation, "id");
  const title = textIn(conversation, "title")?.trim() ?? "";
  const updated = timeOf(conversation["update_time"]);
  return {
    key: `chatgpt:${id ?? ""}`,
    otherBranches: all - messages.length,
    cutTexts: messages.flatMap(({ parts }) => parts).filter((part) => "text" in part && part.text.length === documentLimits.text).length,
    document: {
      format: "weftline-thread",
      version: 1,
      thread: {
        title: isBlank(title) ? null : [...title].slice(0, documentLimits.title).join(""),
        createdAt,
        archived: conversation["is_archived"] === true,
        agent: null,
        metadata: {
          importedFrom: "chatgpt",
          ...(id === undefined ? {} : { conversationId: id }),
          ...(updated === undefined ? {} : { updatedAt: updated }),
        },
      },
      messages,
      files: {},
    },
  };
}

/** The branch that was last shown, from its beginning; the newest leaf where nothing says which. A circle ends where it closes. */
function pathOf(mapping: Fields, current: string | undefined): unknown[] {
  const path: unknown[] = [];
  const seen = new Set<string>();
  let id = current !== undefined && Object.hasOwn(mapping, current) ? current : newestLeaf(mapping);
  while (id !== undefined && Object.hasOwn(mapping, id) && !seen.has(id)) {
    seen.add(id);
    path.push(mapping[id]);
    id = textIn(fieldsOf(mapping[id]), "parent");
  }
  return path.toReversed();
}

function newestLeaf(mapping: Fields): string | undefined {
  let [newest, time]: [string | undefined, number] = [undefined, -Infinity];
  for (const [id, node] of Object.entries(mapping)) {
    const children = fieldsOf(node)?.["children"];
    if (Array.isArray(children) && children.length > 0) continue;
    const at = Number(fieldsOf(fieldsOf(node)?.["message"])?.["create_time"] ?? 0);
    if (at >= time) [newest, time] = [id, at];
  }
  return newest;
}

const roles: Readonly<Record<string, DocumentMessage["role"]>> = { user: "USER", assistant: "ASSISTANT", tool: "TOOL", system: "SYSTEM" };

/** Nodes without a message, what was hidden there, and what says nothing are left out. */
function messageOf(node: unknown, fallback: string): z.input<typeof threadDocument>["messages"] {
  const message = fieldsOf(fieldsOf(node)?.["message"]);
  if (!message) return [];
  const metadata = fieldsOf(message["metadata"]);
  const author = fieldsOf(message["author"]);
  const role = roles[textIn(author, "role") ?? ""];
  if (role === undefined || role === "SYSTEM" || metadata?.["is_visually_hidden_from_conversation"] === true) return [];
  const tool = role === "TOOL" ? (textIn(author, "name") ?? "tool") : undefined;
  const parts = partsOf(fieldsOf(message["content"]), { tool, recipient: textIn(message, "recipient") });
  if (parts.length === 0) return [];
  const model = textIn(metadata, "model_slug");
  return [
    {
      role,
      createdAt: timeOf(message["create_time"]) ?? fallback,
      status: "COMPLETE",
      ...(role === "ASSISTANT"
        ? { provenance: "REPLAYED" as const, agent: model === undefined ? "ChatGPT" : `ChatGPT ${model}`.slice(0, 255) }
        : {}),
      parts: parts.slice(0, documentLimits.parts),
    },
  ];
}

/** A thread is as old as its first message where nothing else says it. */
function firstTime(path: readonly unknown[]): string | undefined {
  return path.map((node) => timeOf(fieldsOf(fieldsOf(node)?.["message"])?.["create_time"])).find((time) => time !== undefined);
}

interface Speaking {
  /** Of what a tool answered. */
  readonly tool: string | undefined;
  readonly recipient: string | undefined;
}

function partsOf(content: Fields | undefined, { tool, recipient }: Speaking): DocumentPart[] {
  if (!content) return [];
  const type = textIn(content, "content_type") ?? "text";
  const isCall = tool === undefined && recipient !== undefined && recipient !== "all";
  if (type === "code" || (isCall && type === "text")) {
    const code = textIn(content, "text") ?? joined(content["parts"]);
    if (code === "") return [];
    if (isCall) return [{ type: "toolCall", name: nameOf(recipient), status: "SUCCESS", arguments: { input: plainText(code) } }];
    return [{ type: "text", text: cut(`\`\`\`${languageOf(content)}\n${code}\n\`\`\``) }];
  }
  if (type === "thoughts" || type === "reasoning_recap") return thoughtsOf(content);
  const parts = Array.isArray(content["parts"])
    ? content["parts"].flatMap((each) => partOf(each))
    : textPart(textIn(content, "text") ?? textIn(content, "result"));
  if (tool === undefined || parts.length === 0) return parts;
  const said = parts.flatMap((each) => (each.type === "text" ? [each.text] : [])).join("\n");
  const rest = parts.filter(({ type: kind }) => kind !== "text");
  return [...(said === "" ? [] : [{ type: "toolCall" as const, name: nameOf(tool), status: "SUCCESS", result: said }]), ...rest];
}

/** One of `parts`: text, or something that points to a file of the export. */
function partOf(value: unknown): DocumentPart[] {
  if (typeof value === "string") return textPart(value);
  const fields = fieldsOf(value);
  if (!fields) return [];
  const said = textIn(fields, "text");
  if (said !== undefined) return textPart(said);
  const pointer = textIn(fields, "asset_pointer") ?? textIn(fieldsOf(fields["audio_asset_pointer"]), "asset_pointer");
  if (pointer === undefined) return [];
  const type = textIn(fields, "content_type") ?? "asset";
  const size = Number(fields["size_bytes"] ?? 0);
  return [
    {
      type: "data",
      name: "missingFile",
      data: { name: pointer.slice(-200), mediaType: type.slice(0, 100), size: Number.isSafeInteger(size) ? size : 0 },
    },
  ];
}

function thoughtsOf(content: Fields): DocumentPart[] {
  const thoughts = Array.isArray(content["thoughts"]) ? content["thoughts"] : [];
  const said = thoughts.flatMap((each) =>
    [textIn(fieldsOf(each), "summary"), textIn(fieldsOf(each), "content")].filter((text) => text !== undefined),
  );
  const text = [...said, textIn(content, "content") ?? ""].filter((each) => each !== "").join("\n\n");
  return text === "" ? [] : [{ type: "reasoning", text: cut(text) }];
}

function textPart(text: string | undefined): DocumentPart[] {
  return text === undefined || text.trim() === "" ? [] : [{ type: "text", text: cut(text) }];
}

function joined(parts: unknown): string {
  return Array.isArray(parts) ? parts.filter((each) => typeof each === "string").join("\n") : "";
}

const nameOf = (text: string): string => text.slice(0, 255) || "tool";

function languageOf(content: Fields): string {
  const language = textIn(content, "language") ?? "";
  return /^[a-z0-9+#-]{1,20}$/i.test(language) && language !== "unknown" ? language : "";
}

/** Text that every store takes, and no more than a part holds. */
function cut(text: string): string {
  return plainText(text.slice(0, documentLimits.text));
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function textIn(fields: Fields | undefined, key: string): string | undefined {
  const value = fields?.[key];
  return typeof value === "string" && value !== "" ? plainText(value) : undefined;
}

/** Seconds since 1970, with a fraction; in some exports a date as text. */
function timeOf(value: unknown): string | undefined {
  const seconds = typeof value === "string" && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) / 1_000 : Number(value ?? Number.NaN);
  return seconds > 0 && seconds < endOfTime ? new Date(seconds * 1_000).toISOString() : undefined;
}

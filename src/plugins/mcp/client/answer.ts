import type { CallToolResult } from "@modelcontextprotocol/client";
import { z } from "zod";

/** Stands in `_meta` of an answer of which not all is understood. */
const mark = "weftline/not-understood";

const words = z.string().optional().catch(undefined);
// What is searched for one character takes no stack, however long it is.
const base64 = z.string().refine((data) => !/[^\w+/=\s-]/.test(data));

/** The blocks of an answer, each as the words that stand for it. What is no text is named with its type and size, never shown as base64. */
const block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }).transform(({ text }) => text),
  z
    .object({ type: z.literal(["image", "audio"]), data: base64, mimeType: words })
    .transform(({ type, data, mimeType }) => leftOut(type === "image" ? "An image" : "A recording", data, mimeType)),
  z
    .object({ type: z.literal("resource_link"), uri: z.string(), name: words })
    .transform(({ uri, name }) => `${name ?? "A resource"}: ${uri}`),
  z
    .object({ type: z.literal("resource"), resource: z.object({ uri: z.string(), text: z.string() }) })
    .transform(({ resource }) => `${resource.uri}:\n${resource.text}`),
  z
    .object({ type: z.literal("resource"), resource: z.object({ uri: z.string(), blob: base64, mimeType: words }) })
    .transform(({ resource: { uri, blob, mimeType } }) => leftOut(uri, blob, mimeType)),
]);

/** What can be told of a block that is none. */
const almostText = z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]);

/** Reads the answer of a call block by block, before the SDK does, which refuses all of it for one block that it does not know. */
export function readAnswer(answer: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { content, structuredContent, isError, resultType, _meta: _, ...rest } = answer;
  // Questions of the server and what becomes of a task are the SDK's.
  if (resultType !== undefined && resultType !== "complete") return { ...answer };
  const texts: string[] = [];
  let understood = isError === undefined || typeof isError === "boolean";
  const structured = isObject(structuredContent) ? structuredContent : undefined;
  for (const each of Array.isArray(content) ? (content as readonly unknown[]) : [content]) {
    const read = Array.isArray(content) ? block.safeParse(each) : undefined;
    const text = read?.success ? read.data : almostText.safeParse(each).data;
    if (!read?.success) understood = false;
    if (text !== undefined) texts.push(text);
  }
  // Older protocols have objects there only.
  if (structuredContent != null && !structured && texts.length === 0) texts.push(JSON.stringify(structuredContent));
  return {
    ...rest,
    ...(resultType === undefined ? {} : { resultType }),
    content: texts.map((text) => ({ type: "text", text })),
    ...(structured ? { structuredContent: structured } : {}),
    ...(isError === true ? { isError } : {}),
    // The value stands for all of it.
    ...(understood || (structured && isError === undefined) ? {} : { _meta: { [mark]: true } }),
  };
}

/** Whether parts of an answer are missing since they are not understood. */
export function isPartial({ _meta }: Pick<CallToolResult, "_meta">): boolean {
  return _meta?.[mark] === true;
}

/** What is said of an answer of which not all is understood, and what of it is. */
export function notUnderstood(texts: readonly string[] = []): string {
  const rest = texts.join("\n").trim();
  const said = "It has run, and its answer is not understood. Do not call it again for that.";
  return rest === "" ? said : `${said} What is understood of it:\n${rest}`;
}

function leftOut(what: string, base64Data: string, mimeType: string | undefined): string {
  const type = mimeType !== undefined && /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/.test(mimeType) ? mimeType : "of an unknown type";
  return `[${what} is left out: ${type}, ${Buffer.byteLength(base64Data, "base64")} bytes.]`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

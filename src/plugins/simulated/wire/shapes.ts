import { z } from "zod";
import type { AnswerFormat, JsonSchema, SeenFile, ToolChoice } from "../request.ts";
import type { Problem } from "./exchange.ts";

/** A JSON Schema inside a request. */
export const jsonSchema = z.record(z.string(), z.unknown());

/** A picture or a document, written out as `data:<type>;base64,…`: nothing is fetched here. */
const dataUrl = z.string().regex(/^data:[\w.+-]+\/[\w.+-]+;base64,/, "only data URLs in base64 are taken, as data:image/png;base64,…");

const contentPart = z.object({
  type: z.string(),
  text: z.string().nullish(),
  /** Chat Completions wraps the URL, Responses does not. */
  image_url: z.union([z.object({ url: dataUrl }), dataUrl]).nullish(),
  file: z.object({ filename: z.string().nullish(), file_data: dataUrl }).nullish(),
  filename: z.string().nullish(),
  file_data: dataUrl.nullish(),
});

/** The content of a message: text, or parts of which some hold text and some files. */
export const textParts = z.union([z.string(), z.array(contentPart)]);

/** The pictures and documents of a message's content. */
export function filesOf(content: z.infer<typeof textParts> | null | undefined): readonly SeenFile[] {
  return typeof content === "string" ? [] : (content ?? []).flatMap((each) => fileOf(each) ?? []);
}

function fileOf({ image_url: image, file, filename, file_data: data }: z.infer<typeof contentPart>): SeenFile | undefined {
  const url = (typeof image === "string" ? image : image?.url) ?? file?.file_data ?? data;
  const name = file?.filename ?? filename;
  if (url == null) return undefined;
  const comma = url.indexOf(",");
  const padding = url.endsWith("==") ? 2 : url.endsWith("=") ? 1 : 0;
  const base64 = url.length - comma - 1 - padding;
  return { ...(name == null ? {} : { name }), mediaType: url.slice(5, url.indexOf(";")), size: Math.floor((base64 * 3) / 4) };
}

/** The text of a message's content; what is not text is left out. */
export function textOf(content: z.infer<typeof textParts> | null | undefined): string {
  if (typeof content === "string") return content;
  return (content ?? []).flatMap((part) => part.text ?? []).join("\n");
}

/** The format that a request asks for, of a `type` that both APIs share. */
export function formatOf(type: string | undefined, schema: JsonSchema | null | undefined): AnswerFormat {
  if (type === "json_object") return { kind: "json" };
  return type === "json_schema" ? { kind: "json", ...(schema ? { schema } : {}) } : { kind: "text" };
}

/** A choice of a tool that is not offered. */
export function choiceProblem(choice: ToolChoice, tools: readonly string[]): Problem | undefined {
  if (choice.mode === "tool" && !tools.includes(choice.name)) {
    return { status: 400, message: `Tool choice '${choice.name}' not found in 'tools' parameter.`, param: "tool_choice" };
  }
  if (choice.mode === "required" && tools.length === 0) {
    return { status: 400, message: "Tool choice 'required' must be specified with 'tools' parameter.", param: "tool_choice" };
  }
  return undefined;
}

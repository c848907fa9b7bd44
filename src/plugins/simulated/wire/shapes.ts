import { z } from "zod";
import type { AnswerFormat, JsonSchema, ToolChoice } from "../request.ts";
import type { Problem } from "./exchange.ts";

/** A JSON Schema inside a request. */
export const jsonSchema = z.record(z.string(), z.unknown());

/** The content of a message: text, or parts of which some hold text. */
export const textParts = z.union([z.string(), z.array(z.object({ type: z.string(), text: z.string().nullish() }))]);

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

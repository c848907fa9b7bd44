import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { ConversationMessage, ModelBinding, ToolDefinition, ToolOutcome } from "#weftline";
import type { OpenAIOptions } from "./options.ts";
import type { ToolNames } from "./tool-names.ts";

/** What every model call of a turn says. */
export interface ModelSettings {
  readonly model: Pick<ModelBinding, "model" | "baseURL" | "api">;
  readonly options: OpenAIOptions;
  readonly tools: readonly Pick<ToolDefinition, "name" | "description" | "inputSchema">[];
  readonly outputSchema: Readonly<Record<string, unknown>> | undefined;
}

/** Everything that one model call says. */
export interface ModelCall extends ModelSettings {
  readonly instructions: string | undefined;
  readonly messages: readonly ConversationMessage[];
  readonly names: ToolNames;
  /** What the provider itself wrote for messages of this turn: sent back as it came, with the model's thoughts in it. */
  readonly native: ReadonlyMap<ConversationMessage, readonly ResponseInputItem[]>;
}

/** A user's or the system's message as one text: data stands as JSON under its name. */
export function inputText(message: Extract<ConversationMessage, { role: "USER" | "SYSTEM" }>): string {
  return message.parts.map((part) => (part.type === "text" ? part.text : `${part.name}:\n${JSON.stringify(part.data)}`)).join("\n\n");
}

/** What the model is told of a call. */
export function outcomeText(outcome: ToolOutcome | undefined): string {
  switch (outcome?.status) {
    case undefined:
      return "Error: the call was not made.";
    case "SUCCESS":
      return typeof outcome.result === "string" ? outcome.result : JSON.stringify(outcome.result ?? null);
    case "ERROR":
      return `Error: ${outcome.error}`;
    case "DENIED":
      return `Denied: ${outcome.error}`;
    case "CANCELLED":
      return `Cancelled: ${outcome.error}`;
  }
}

/** The arguments of a past call. Servers parse them, so what was not JSON is wrapped. */
export function argumentsText(given: unknown): string {
  if (typeof given !== "string") return JSON.stringify(given ?? {});
  try {
    const value: unknown = JSON.parse(given);
    return typeof value === "object" && value !== null ? given : JSON.stringify({ value });
  } catch {
    return given.trim() === "" ? "{}" : JSON.stringify({ invalid: given });
  }
}

/** The name under which a schema of the answer is sent. */
export const answerName = "answer";

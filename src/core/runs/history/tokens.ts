import type { ConversationMessage } from "../runtime.ts";

/** For cutting what is too long: never fewer than what an estimate counts as a token. */
export const charactersPerToken = 4;

/** What every message costs besides its content. */
const tokensOfMessage = 4;

/**
 * Estimates the tokens of a text, at four bytes of UTF-8 a token: near enough for English, and for most other languages more than they take.
 *
 * @example estimateTokens("Hello there") // 3
 */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / charactersPerToken);
}

/** Estimates the tokens of a message. Of a file only its name counts: what it costs is the model's to say. */
export function tokensOf(message: ConversationMessage): number {
  const texts =
    message.role === "ASSISTANT"
      ? [message.text, ...message.toolCalls.flatMap((call) => [call.name, json(call.arguments), json(call.outcome)])]
      : message.parts.map((part) => (part.type === "text" ? part.text : part.type === "data" ? json(part.data) : part.name));
  return texts.reduce((sum, text) => sum + estimateTokens(text), tokensOfMessage);
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? "";
}

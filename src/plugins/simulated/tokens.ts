import type { SimulatedRequest } from "./request.ts";

/**
 * Estimates the tokens of a text, at four characters a token.
 *
 * @example estimateTokens("Hello there") // 3
 */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / charactersPerToken);
}

/** Characters that one token stands for in every estimate. */
export const charactersPerToken = 4;

/** Estimates the tokens that a request costs: its turns and its tools. */
export function inputTokens(request: SimulatedRequest): number {
  let total = 0;
  for (const turn of request.turns) {
    total += estimateTokens(turn.text);
    if (turn.role === "assistant") for (const call of turn.calls) total += estimateTokens(call.name + call.arguments);
  }
  for (const tool of request.tools) total += estimateTokens(tool.name + JSON.stringify(tool.parameters));
  return total;
}

/**
 * Splits a text into the word-like pieces that are streamed one by one. Joined, they are the text.
 *
 * @example textPieces("Hello, world") // ["Hello,", " world"]
 */
export function textPieces(text: string): readonly string[] {
  return text.match(/\s*\S{1,12}|\s+/gu) ?? [];
}

/** Splits a call's JSON arguments into fragments. Joined, they are the arguments. */
export function argumentPieces(json: string): readonly string[] {
  return json.match(/[^]{1,8}/gu) ?? [];
}

import type { TokenUsage } from "#weftline";
import { fieldsOf, isFields } from "./text.ts";

/** Counts of tokens as far as a provider gave them. */
export type ReportedUsage = Partial<Omit<TokenUsage, "estimated">>;

/** No model call has so many tokens. */
const mostTokens = 1e12;

/** Reads counts by any of the names that providers, SDKs and frameworks give them: each is a whole number from 0 up, or absent. */
export function reportedUsage(usage: unknown): ReportedUsage | undefined {
  if (!isFields(usage)) return undefined;
  const inputs = fieldsOf(usage["prompt_tokens_details"] ?? usage["input_tokens_details"] ?? usage["input_token_details"]);
  const outputs = fieldsOf(usage["completion_tokens_details"] ?? usage["output_tokens_details"] ?? usage["output_token_details"]);
  const inputTokens = count(usage["prompt_tokens"], usage["input_tokens"]);
  const outputTokens = count(usage["completion_tokens"], usage["output_tokens"]);
  const cached = count(inputs["cached_tokens"], inputs["cache_read"], usage["prompt_cache_hit_tokens"]);
  const reasoning = count(outputs["reasoning_tokens"], outputs["reasoning"]);
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(cached === undefined ? {} : { cachedInputTokens: Math.min(cached, inputTokens ?? cached) }),
    ...(reasoning === undefined ? {} : { reasoningTokens: Math.min(reasoning, outputTokens ?? reasoning) }),
  };
}

/** The first of these that is a count. */
function count(...values: readonly unknown[]): number | undefined {
  for (const value of values) {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    if (Number.isSafeInteger(number) && (number as number) >= 0 && (number as number) <= mostTokens) return number as number;
  }
  return undefined;
}

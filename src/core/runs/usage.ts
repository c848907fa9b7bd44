import type { StoredUsage, TokenUsage } from "./events.ts";

export const noUsage: StoredUsage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, estimated: false };

/** The sum with one more model call. */
export function addUsage(sum: StoredUsage, call: TokenUsage): StoredUsage {
  return {
    inputTokens: addCounts(sum.inputTokens, call.inputTokens),
    outputTokens: addCounts(sum.outputTokens, call.outputTokens),
    cachedInputTokens: addReported(sum.cachedInputTokens, call.cachedInputTokens),
    reasoningTokens: addReported(sum.reasoningTokens, call.reasoningTokens),
    modelCalls: sum.modelCalls + 1,
    estimated: sum.estimated || call.estimated === true,
  };
}

/** Counts together, as far as the graph can count. */
export function addCounts(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

/** What was never reported stays null. */
export function addReported(sum: number | null | undefined, more: number | null | undefined): number | null {
  return sum == null && more == null ? null : addCounts(sum ?? 0, more ?? 0);
}

/** The sums of a row; what is no count, as an earlier version may have kept it, is none. */
export function storedUsage(stored: Partial<StoredUsage> | null | undefined): StoredUsage {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, modelCalls, estimated } = stored ?? {};
  return {
    inputTokens: count(inputTokens) ?? 0,
    outputTokens: count(outputTokens) ?? 0,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens: count(cachedInputTokens) ?? null }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens: count(reasoningTokens) ?? null }),
    modelCalls: count(modelCalls) ?? 0,
    estimated: estimated === true,
  };
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

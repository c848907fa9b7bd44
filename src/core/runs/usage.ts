import type { StoredUsage, TokenUsage } from "./events.ts";
import type { CallCost } from "./metering/cost.ts";

export const noUsage: StoredUsage = { inputTokens: 0, outputTokens: 0, modelCalls: 0, estimated: false, unpricedCalls: 0 };

/** The sum with one more model call. */
export function addUsage(sum: StoredUsage, call: TokenUsage & { readonly cost?: CallCost }): StoredUsage {
  const { cost } = call;
  const { nanos = 0, priceSources = [], unpricedCalls = sum.modelCalls } = sum;
  return {
    inputTokens: addCounts(sum.inputTokens, call.inputTokens),
    outputTokens: addCounts(sum.outputTokens, call.outputTokens),
    cachedInputTokens: addReported(sum.cachedInputTokens, call.cachedInputTokens),
    reasoningTokens: addReported(sum.reasoningTokens, call.reasoningTokens),
    modelCalls: sum.modelCalls + 1,
    estimated: sum.estimated || call.estimated === true,
    ...(cost || priceSources.length > 0 ? { nanos: addCounts(nanos, cost?.[0] ?? 0), priceSources: withSource(priceSources, cost) } : {}),
    unpricedCalls: unpricedCalls + (cost ? 0 : 1),
  };
}

function withSource(sources: readonly string[], cost: CallCost | undefined): readonly string[] {
  return cost === undefined || sources.includes(cost[1]) ? sources : [...sources, cost[1]];
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
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, modelCalls, estimated, priceSources } = stored ?? {};
  const unpricedCalls = count(stored?.unpricedCalls) ?? (count(modelCalls) ? undefined : 0);
  return {
    inputTokens: count(inputTokens) ?? 0,
    outputTokens: count(outputTokens) ?? 0,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens: count(cachedInputTokens) ?? null }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens: count(reasoningTokens) ?? null }),
    modelCalls: count(modelCalls) ?? 0,
    estimated: estimated === true,
    ...(priceSources === undefined ? {} : { nanos: count(stored?.nanos) ?? 0, priceSources }),
    ...(unpricedCalls === undefined ? {} : { unpricedCalls }),
  };
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

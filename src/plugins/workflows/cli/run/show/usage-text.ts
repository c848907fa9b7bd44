import type { Usage } from "../events.ts";

/** Tokens and their cost for people; nothing where no model was asked. A price that is unknown is not shown as none. */
export function usageText({ totalTokens, cost, unpricedCalls }: Usage): readonly string[] {
  if (totalTokens === 0 && cost === null && unpricedCalls === 0) return [];
  const tokens = `${totalTokens.toLocaleString("en-US")} tokens`;
  if (!cost) return [tokens];
  const amount = `${Number(cost.amount)} ${cost.currency}`;
  return [tokens, unpricedCalls > 0 ? `${amount} and ${unpricedCalls} calls without a price` : amount];
}

import type { LoggedEvent, StoredUsage } from "./events.ts";

/** The last numbers that a run gave out: of messages, steps, calls and counts of usage. */
export interface Counters {
  m: number;
  s: number;
  c: number;
  u: number;
}

/** Where the numbers of a run stand, by what its log holds. */
export function countersOf(past: readonly LoggedEvent[], usage: StoredUsage): Counters {
  const counters = { m: 0, s: 0, c: 0, u: usage.modelCalls };
  for (const { kind, payload } of past) {
    const numbers = payload as { readonly m?: number; readonly s?: number; readonly c?: number };
    if (kind === "message.started") counters.m = Math.max(counters.m, numbers.m ?? 0);
    else if (kind === "step.started") counters.s = Math.max(counters.s, numbers.s ?? 0);
    else if (kind === "tool.requested") counters.c = Math.max(counters.c, numbers.c ?? 0);
  }
  return counters;
}

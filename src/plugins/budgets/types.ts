import { enumKey } from "#weftline";

export const UsageGroup = enumKey("AGENT", "WORKFLOW", "MODEL", "ACTOR", "THREAD");
export type UsageGroup = keyof typeof UsageGroup;
export const BudgetScope = enumKey("TENANT", "USER", "AGENT", "THREAD", "RUN");
export type BudgetScope = keyof typeof BudgetScope;
export const OnExceed = enumKey("DENY", "PAUSE");
export type OnExceed = keyof typeof OnExceed;

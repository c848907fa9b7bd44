export { Budget } from "./entities.ts";
export type { BudgetScope, OnExceed } from "./types.ts";

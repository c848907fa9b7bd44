import type { GraphBuilder } from "#weftline";
import { addBudgets } from "./budget.ts";
import { addSeries } from "./series.ts";
import { addUsage } from "./usage.ts";

/** The graph of what runs cost, and may cost. */
export function addBudgetsSchema(builder: GraphBuilder): void {
  addUsage(builder);
  addSeries(builder);
  addBudgets(builder);
}

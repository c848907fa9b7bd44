import type { GraphBuilder } from "#weftline";
import { addSeries } from "./series.ts";
import { addUsage } from "./usage.ts";

/** The graph of what runs cost. */
export function addBudgetsSchema(builder: GraphBuilder): void {
  addUsage(builder);
  addSeries(builder);
}

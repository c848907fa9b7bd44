import { definePlugin, modelMeter } from "#weftline";
import { budgetsConfig } from "./config.ts";
import { PriceList } from "./prices/price-list.ts";
import { addBudgetsSchema } from "./schema/index.ts";

/**
 * What model calls cost, and what may be spent on them.
 *
 * @example budgets({ prices: { "ollama/*": { input: "0.05", output: "0.05" } } })
 */
export const budgets = definePlugin({
  id: "budgets",
  description: "Prices model calls and sums them up.",
  config: budgetsConfig,
  provides: { meter: modelMeter },
  schema: addBudgetsSchema,
  setup: ({ config }) => {
    const prices = new PriceList(config.prices);
    return {
      meter: {
        get isReady() {
          return prices.isReady;
        },
        prepare: (binding) => prices.prepare(binding),
        priceOf: (call) => prices.priceOf(call),
      },
    };
  },
});

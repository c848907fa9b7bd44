import { databaseService, definePlugin, modelMeter } from "#weftline";
import { budgetsConfig } from "./config.ts";
import { accountEntity, budgetEntity, heldCallEntity, liftEntity } from "./entities.ts";
import { BudgetMeter } from "./ledger/meter.ts";
import { migrations } from "./migrations/index.ts";
import { PriceList } from "./prices/price-list.ts";
import { addBudgetsSchema } from "./schema/index.ts";
import { budgetEditor, createBudgetEditor } from "./service/budgets.ts";

/**
 * What model calls cost, and what may be spent on them.
 *
 * @example budgets({ prices: { "ollama/*": { input: "0.05", output: "0.05" } } })
 */
export const budgets = definePlugin({
  id: "budgets",
  description: "Prices model calls, sums them up and keeps them within budgets.",
  config: budgetsConfig,
  requires: { database: databaseService },
  provides: { meter: modelMeter, editor: budgetEditor },
  entities: [budgetEntity, accountEntity, heldCallEntity, liftEntity],
  migrations,
  schema: addBudgetsSchema,
  setup: async ({ config, deps }) => {
    const meter = new BudgetMeter(deps.database, config, new PriceList(config.prices));
    await meter.load();
    return { meter, editor: createBudgetEditor({ config, meter }) };
  },
});

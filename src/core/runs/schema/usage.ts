import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Provenance } from "../../host/types.ts";
import { UsageRow, type Run } from "../entities/run.ts";
import type { StoredUsage } from "../events.ts";
import { addCounts, addReported, noUsage, storedUsage } from "../usage.ts";
import { reachOf } from "./access.ts";

/** An amount of money in decimal digits, as in `12.50`, and its ISO 4217 currency. */
export interface MoneyInput {
  readonly amount: string;
  readonly currency?: string | null;
}

/** What tokens cost, and who says so. */
export interface Cost {
  /** Decimal digits. */
  readonly amount: string;
  readonly currency: string;
  readonly priceSource: string;
}

/** What the simulated model asks for its answers. */
export const simulatedCost: Cost = Object.freeze({ amount: "0", currency: "USD", priceSource: "simulated" });

/** The type key of `Usage`: tokens of one or more model calls and what they cost; without a cost the price is unknown. */
export class UsageView {
  readonly tokens: StoredUsage;
  readonly cost: Cost | null;

  constructor(tokens: StoredUsage, cost: Cost | null = null) {
    this.tokens = tokens;
    this.cost = cost;
  }

  /**
   * The sum of stored model calls. It is free of cost only where every one of them was simulated.
   *
   * @example usage: UsageView.sum(await scope.em.find(UsageRow, { targetId: agent.id }))
   */
  static sum(rows: readonly UsageRow[]): UsageView {
    const tokens = rows.reduce<StoredUsage>(
      (sum, row) => ({
        inputTokens: addCounts(sum.inputTokens, row.inputTokens),
        outputTokens: addCounts(sum.outputTokens, row.outputTokens),
        cachedInputTokens: addReported(sum.cachedInputTokens, row.cachedInputTokens),
        reasoningTokens: addReported(sum.reasoningTokens, row.reasoningTokens),
        modelCalls: sum.modelCalls + 1,
        estimated: sum.estimated || row.estimated,
      }),
      noUsage,
    );
    const simulated = rows.length > 0 && rows.every(({ provenance }) => provenance === "SIMULATED");
    return new UsageView(tokens, simulated ? simulatedCost : null);
  }
}

/** The usage of a run's own model calls so far. */
export async function usageOfRun(scope: Scope, run: Run): Promise<UsageView> {
  return new UsageView(storedUsage(run.usage), await costOfRun(scope, run.id, run.provenance));
}

/** A run counts as simulated where any answer was; it cost nothing only where all were. */
export async function costOfRun(scope: Scope, runId: string, provenance: Provenance | null | undefined): Promise<Cost | null> {
  if (provenance !== "SIMULATED") return null;
  const paid = await scope.load(costOfRun, runId, async (runIds) => {
    const rows = await scope
      .emWith(reachOf(scope))
      .find(UsageRow, { runId: { $in: [...runIds] }, provenance: { $ne: "SIMULATED" } }, { fields: ["runId"] });
    const paidRuns = new Set(rows.map((row) => row.runId));
    return runIds.map((id) => paidRuns.has(id));
  });
  return paid ? null : simulatedCost;
}

/** The usage of a step's model calls; null for a step that made none. */
export async function usageOfStep(scope: Scope, stepId: string): Promise<UsageView | null> {
  const usage = await scope.load(usageOfStep, stepId, async (stepIds) => {
    const rows = await scope.emWith(reachOf(scope)).find(UsageRow, { stepId: { $in: [...stepIds] } });
    return stepIds.map((id) => {
      const own = rows.filter((row) => row.stepId === id);
      return own.length === 0 ? undefined : UsageView.sum(own);
    });
  });
  return usage ?? null;
}

export function addUsage(builder: GraphBuilder): void {
  const money = {
    amount: "How much, in decimal digits, as in 12.50.",
    currency: "The currency by ISO 4217, as in USD.",
  };
  builder.objectRef<Required<MoneyInput>>("Money").implement({
    description: "An amount of money.",
    fields: (t) => ({
      amount: t.exposeString("amount", { nullable: false, description: money.amount }),
      currency: t.string({ nullable: false, description: money.currency, resolve: ({ currency }) => currency ?? "USD" }),
    }),
  });
  builder.inputType(inputNamed<MoneyInput>(builder, "MoneyInput"), {
    description: "An amount of money.",
    fields: (t) => ({
      amount: t.string({ required: true, description: money.amount }),
      currency: t.string({ defaultValue: "USD", description: money.currency }),
    }),
  });
  const CostRef = builder.objectRef<Cost>("Cost").implement({
    description:
      "What model calls cost. Where a price is unknown there is no Cost; simulated answers cost 0 by the price source simulated.",
    fields: (t) => ({
      amount: t.exposeString("amount", { nullable: false, description: money.amount }),
      currency: t.exposeString("currency", { nullable: false, description: money.currency }),
      priceSource: t.exposeString("priceSource", { nullable: false, description: "Who says so." }),
    }),
  });
  builder.objectType(UsageView, {
    name: "Usage",
    description: "Tokens of one or more model calls; null for what was not reported.",
    fields: (t) => ({
      inputTokens: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Tokens that models read.",
        resolve: ({ tokens }) => tokens.inputTokens,
      }),
      outputTokens: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Tokens that models wrote.",
        resolve: ({ tokens }) => tokens.outputTokens,
      }),
      totalTokens: t.field({
        type: "SafeInt",
        nullable: false,
        description: "Both together.",
        resolve: ({ tokens }) => addCounts(tokens.inputTokens, tokens.outputTokens),
      }),
      cachedInputTokens: t.field({
        type: "SafeInt",
        description: "Input tokens that came from the provider's cache.",
        resolve: ({ tokens }) => tokens.cachedInputTokens ?? null,
      }),
      reasoningTokens: t.field({
        type: "SafeInt",
        description: "Output tokens that were reasoning.",
        resolve: ({ tokens }) => tokens.reasoningTokens ?? null,
      }),
      modelCalls: t.field({
        type: "SafeInt",
        nullable: false,
        description: "How many model calls.",
        resolve: ({ tokens }) => tokens.modelCalls,
      }),
      estimated: t.boolean({
        nullable: false,
        description: "Whether some counts were estimated here, not reported by the provider.",
        resolve: ({ tokens }) => tokens.estimated,
      }),
      cost: t.field({ type: CostRef, description: "What they cost; null where a price is unknown.", resolve: ({ cost }) => cost }),
    }),
  });
}

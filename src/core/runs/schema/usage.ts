import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Provenance } from "../../host/types.ts";
import { UsageRow, type Run, type Step } from "../entities/run.ts";
import type { StoredUsage } from "../events.ts";
import { addCounts, addReported, noUsage, storedUsage } from "../usage.ts";
import { reachOf } from "./access.ts";
import { modelCallsOf } from "./step-work.ts";

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

/** The type key of `Usage`: tokens of one or more model calls, what those with a price cost, and how many have none. */
export class UsageView {
  readonly tokens: StoredUsage;
  /** Of the calls that have a price; null where none has. */
  readonly cost: Cost | null;
  readonly unpricedCalls: number;

  /** @param unpricedCalls how many of the calls have no price; those that have one were simulated. */
  constructor(tokens: StoredUsage, unpricedCalls: number = tokens.modelCalls) {
    this.tokens = tokens;
    this.unpricedCalls = unpricedCalls;
    this.cost = unpricedCalls < tokens.modelCalls ? simulatedCost : null;
  }

  /**
   * The sum of stored model calls.
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
    return new UsageView(tokens, rows.filter(({ provenance }) => provenance !== "SIMULATED").length);
  }
}

/** The usage of a run's own model calls so far. */
export function usageOfRun(scope: Scope, run: Run): Promise<UsageView> {
  return pricedUsage(scope, storedUsage(run.usage), run);
}

/** Tokens of a run's model calls with what they cost. A run counts as simulated where any answer was, so its calls are looked at. */
export async function pricedUsage(
  scope: Scope,
  tokens: StoredUsage,
  { id, provenance }: { readonly id: string; readonly provenance?: Provenance | null | undefined },
): Promise<UsageView> {
  return new UsageView(tokens, provenance === "SIMULATED" ? await unpricedCallsOf(scope, id) : tokens.modelCalls);
}

/** How many of a run's model calls were not simulated, batched. */
export async function unpricedCallsOf(scope: Scope, runId: string): Promise<number> {
  const calls = await scope.load(unpricedCallsOf, runId, async (runIds) => {
    const rows = await scope
      .emWith(reachOf(scope))
      .find(UsageRow, { runId: { $in: [...runIds] }, provenance: { $ne: "SIMULATED" } }, { fields: ["runId"] });
    return runIds.map((id) => rows.filter((row) => row.runId === id).length);
  });
  return calls ?? 0;
}

/** The usage of a step's model calls; null for a step that made none. */
export async function usageOfStep(scope: Scope, step: Step): Promise<UsageView | null> {
  const calls = await modelCallsOf(scope, step.id);
  return calls.length === 0 ? null : UsageView.sum(calls);
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
      unpricedCalls: t.field({
        type: "SafeInt",
        nullable: false,
        description: "How many of the calls have no known price: cost is of the others.",
        resolve: ({ unpricedCalls }) => unpricedCalls,
      }),
      cost: t.field({
        type: CostRef,
        description: "What the calls with a known price cost; null where no call has one.",
        resolve: ({ cost }) => cost,
      }),
    }),
  });
}

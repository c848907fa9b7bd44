import type { GraphBuilder } from "../../graphql/builder.ts";
import { inputNamed } from "../../graphql/extend.ts";
import type { Scope } from "../../graphql/scope.ts";
import type { Provenance } from "../../host/types.ts";
import { UsageRow, type Run, type Step } from "../entities/run.ts";
import type { StoredUsage, TokenUsage } from "../events.ts";
import { amountOf, ledgerCurrency, simulatedPrice, type CallCost } from "../metering/cost.ts";
import type { SummedUsage } from "../metering/sums.ts";
import { addCounts, addUsage as withCall, noUsage, storedUsage } from "../usage.ts";
import { reachOf } from "./access.ts";
import { modelCallsOf } from "./step-work.ts";

/** An amount of money in decimal digits, as in `12.50`, and its ISO 4217 currency. */
export interface MoneyInput {
  readonly amount: string;
  readonly currency?: string | null;
}

/** The type key of `Money`. */
export class Money {
  declare readonly amount: string;
  declare readonly currency: string;
}

/** What tokens cost, and who says so. */
export interface Cost {
  /** Decimal digits. */
  readonly amount: string;
  readonly currency: string;
  readonly priceSource: string;
}

/** The type key of `Usage`: tokens of one or more model calls, what those with a price cost, and how many have none. */
export class UsageView {
  readonly tokens: SummedUsage;
  /** Of the calls that have a price; null where none has. */
  readonly cost: Cost | null;
  readonly unpricedCalls: number;

  constructor(tokens: SummedUsage) {
    this.tokens = tokens;
    this.unpricedCalls = tokens.unpricedCalls ?? tokens.modelCalls;
    this.cost = this.unpricedCalls < tokens.modelCalls ? costOf(tokens) : null;
  }

  /**
   * The sum of stored model calls.
   *
   * @example usage: UsageView.sum(await scope.em.find(UsageRow, { targetId: agent.id }))
   */
  static sum(rows: readonly UsageRow[]): UsageView {
    return new UsageView(rows.reduce<StoredUsage>((sum, row) => withCall(sum, callOf(row)), noUsage));
  }
}

/** Of several sources those that ask for money are named. */
function costOf({ nanos = 0, priceSources = [] }: SummedUsage): Cost {
  const asking = priceSources.filter((source) => source !== simulatedPrice);
  const priceSource = asking.length === 0 ? simulatedPrice : asking.toSorted().join(", ");
  return { amount: amountOf(nanos), currency: ledgerCurrency, priceSource };
}

function callOf(row: UsageRow): TokenUsage & { readonly cost?: CallCost } {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, estimated, costNanos, priceSource } = row;
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens == null ? {} : { cachedInputTokens }),
    ...(reasoningTokens == null ? {} : { reasoningTokens }),
    estimated,
    ...(costNanos == null || priceSource == null ? {} : { cost: [Number(costNanos), priceSource] as const }),
  };
}

/** The usage of a run's own model calls so far. */
export function usageOfRun(scope: Scope, run: Run): Promise<UsageView> {
  return pricedUsage(scope, storedUsage(run.usage), run);
}

/**
 * Tokens of a run's model calls with what they cost. Earlier versions kept no cost with a run: one of theirs counts as simulated where any answer was, so
 * its calls are looked at.
 */
export async function pricedUsage(
  scope: Scope,
  tokens: StoredUsage,
  { id, provenance }: { readonly id: string; readonly provenance?: Provenance | null | undefined },
): Promise<UsageView> {
  if (tokens.unpricedCalls !== undefined) return new UsageView(tokens);
  const unpricedCalls = provenance === "SIMULATED" ? await unpricedCallsOf(scope, id) : tokens.modelCalls;
  return new UsageView({ ...tokens, unpricedCalls, priceSources: [simulatedPrice] });
}

/** How many of a run's model calls were not simulated, batched. */
async function unpricedCallsOf(scope: Scope, runId: string): Promise<number> {
  const calls = await scope.load(unpricedCallsOf, runId, async (runIds) => {
    const rows = await scope
      .emWith(reachOf(scope))
      .find(UsageRow, { runId: { $in: [...runIds] }, provenance: { $ne: "SIMULATED" } }, { fields: ["runId"] });
    return runIds.map((id) => rows.filter((row) => row.runId === id).length);
  });
  return calls ?? 0;
}

/** Whether every model call of a run was simulated. */
export async function isAllSimulated(scope: Scope, runId: string): Promise<boolean> {
  return (await unpricedCallsOf(scope, runId)) === 0;
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
  builder.objectType(Money, {
    name: "Money",
    description: "An amount of money.",
    fields: (t) => ({
      amount: t.exposeString("amount", { nullable: false, description: money.amount }),
      currency: t.exposeString("currency", { nullable: false, description: money.currency }),
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

import {
  Money,
  UsageView,
  addBudgetError,
  amountOf,
  connectionType,
  databaseService,
  defineEnum,
  inputNamed,
  ledgerCurrency,
  loadNode,
  loadRows,
  nodeType,
  pageArgs,
  pageOf,
  resultType,
  globalId,
  type GraphBuilder,
  type MoneyInput,
  type Scope,
} from "#weftline";
import { Budget } from "../entities.ts";
import { reserved, type AccountRow } from "../ledger/accounts.ts";
import { periodAt } from "../ledger/periods.ts";
import { budgetEditor, graphScopeId, loadBudget, standing, type SetBudget } from "../service/budgets.ts";
import { BudgetScope, OnExceed } from "../types.ts";

export function addBudgets(builder: GraphBuilder): void {
  defineEnum(builder, BudgetScope, "BudgetScope", "Whose model calls a budget is for.", {
    TENANT: "All of the tenant.",
    USER: "Those of the runs of one actor.",
    AGENT: "Those of the runs of one agent.",
    THREAD: "Those of the runs of one thread, with the runs below them.",
    RUN: "Those of one run, with the runs below it.",
  });
  defineEnum(builder, OnExceed, "OnExceed", "What becomes of a model call that a budget does not hold.", {
    DENY: "Its run fails, and no new one starts while the budget is used up.",
    PAUSE: "Its run asks an admin and waits: it goes on by itself when the budget is raised or begins anew.",
  });
  addBudgetType(builder);
  addBudgetError(builder, {
    description: "A budget is used up.",
    fields: (t) => ({
      budget: t.field({
        type: Budget,
        description: "Which budget.",
        resolve: ({ details }, _, scope) => loadBudget(scope, details["budget"]),
      }),
    }),
  });
  builder.queryField("budgets", (t) =>
    t.field({
      type: connectionType(builder, "Budget", Budget),
      description: "The budgets of the tenant, newest first.",
      args: (({ first, after }) => ({ first, after }))(pageArgs(t)),
      resolve: (_, page, scope) => pageOf(scope.em, Budget, {}, page, { createdAt: "desc", id: "desc" }) as never,
    }),
  );
  addBudgetMutations(builder);
}

function addBudgetType(builder: GraphBuilder): void {
  nodeType(builder, Budget, {
    name: "Budget",
    description: "How much may be spent on model calls. What is spent and what calls under way may come to never pass it together.",
    ownership: { rule: "SHARED" },
    load: loadRows(Budget),
    fields: (t) => ({
      scope: t.field({ type: BudgetScope, nullable: false, description: "Whose calls it is for.", resolve: ({ scope }) => scope }),
      scopeId: t.id({
        description: "The actor, agent, thread or run; null for the tenant.",
        resolve: (budget, _, scope) => graphScopeId(scope, budget),
      }),
      period: t.field({
        type: "Duration",
        description: "After that it begins anew; null for ever. With a time zone it is a day, week or month (P30D) of the calendar there.",
        resolve: ({ periodMs }) => (periodMs === 0 ? null : periodMs),
      }),
      timeZone: t.string({
        description: "Whose calendar its periods follow; null where they follow each other from when it was made.",
        resolve: ({ timeZone }) => timeZone ?? null,
      }),
      resetsAt: t.field({ type: "DateTime", description: "When it begins anew.", resolve: (budget, _, scope) => resetsAt(scope, budget) }),
      maxCost: t.field({
        type: Money,
        description: "How much money.",
        resolve: ({ maxNanos }) => (maxNanos == null ? null : { amount: amountOf(maxNanos), currency: ledgerCurrency }),
      }),
      tokenLimit: t.field({
        type: "SafeInt",
        description: "How many tokens, read and written.",
        resolve: ({ tokenLimit }) => tokenLimit ?? null,
      }),
      onExceed: t.field({
        type: OnExceed,
        nullable: false,
        description: "What becomes of a call that it does not hold.",
        resolve: ({ onExceed }) => onExceed,
      }),
      spent: t.field({
        type: UsageView,
        nullable: false,
        description: "What was spent in the period of now.",
        resolve: async (budget, _, scope) => new UsageView(spentOf(await standing(scope, budget))),
      }),
      reserved: t.field({
        type: UsageView,
        nullable: false,
        description: "What calls under way may come to at most.",
        resolve: async (budget, _, scope) => new UsageView(heldOf(await standing(scope, budget))),
      }),
    }),
  });
}

async function resetsAt(scope: Scope, budget: Budget): Promise<number | null> {
  return periodAt(budget, await scope.use(databaseService).now()).endsAt ?? null;
}

function spentOf(row: AccountRow | undefined): UsageView["tokens"] {
  const { input = 0, output = 0, calls = 0, unpriced = 0, estimated = 0, nanos = 0, sources = "" } = row ?? {};
  return {
    inputTokens: input,
    outputTokens: output,
    modelCalls: calls,
    unpricedCalls: unpriced,
    estimated: estimated > 0,
    nanos,
    priceSources: sources.split(",").filter(Boolean),
  };
}

function heldOf(row: AccountRow | undefined): UsageView["tokens"] {
  const { held_input: inputTokens = 0, held_output: outputTokens = 0, held_calls: modelCalls = 0, held_nanos: nanos = 0 } = row ?? {};
  return { inputTokens, outputTokens, modelCalls, estimated: modelCalls > 0, unpricedCalls: 0, nanos, priceSources: [reserved] };
}

function addBudgetMutations(builder: GraphBuilder): void {
  const input = inputNamed<SetBudget>(builder, "SetBudgetInput");
  builder.inputType(input, {
    description: "A budget. With id it changes that one, which keeps its scope; without, there is one a scope, scopeId and period.",
    fields: (t) => ({
      id: t.id({ description: "Which budget to change." }),
      scope: t.field({ type: BudgetScope, required: true, description: "Whose calls it is for." }),
      scopeId: t.id({ description: "The actor, agent, thread or run; none for the tenant." }),
      period: t.field({ type: "Duration", description: "After that it begins anew; for ever by default. At least a minute." }),
      timeZone: t.string({
        description:
          "By the IANA database: the period is P1D, P1W or P1M of the calendar there. Without one, periods follow each other from now on.",
      }),
      maxCost: t.field({ type: inputNamed<MoneyInput>(builder, "MoneyInput"), description: "How much money, in USD." }),
      tokenLimit: t.field({ type: "SafeInt", description: "How many tokens, read and written." }),
      onExceed: t.field({ type: OnExceed, required: true, description: "What becomes of a call that it does not hold." }),
    }),
  });
  const set = resultType<{ readonly budget: Budget }>(builder, "SetBudget", {
    errors: ["conflict"],
    fields: (t) => ({
      budget: t.field({ type: Budget, nullable: false, description: "The budget as it is now.", resolve: ({ budget }) => budget }),
    }),
  });
  const removed = resultType<{ readonly id: string }>(builder, "RemoveBudget", {
    fields: (t) => ({
      deletedBudgetId: t.id({ nullable: false, description: "The budget that is gone.", resolve: ({ id }) => globalId("Budget", id) }),
    }),
  });
  builder.mutationFields((t) => ({
    setBudget: t.field({
      type: set.type,
      nullable: false,
      description:
        "Sets a budget, for admins. What was spent in its period so far counts, and runs that wait for it go on where it has more.",
      args: { input: t.arg({ type: input, required: true, description: "The budget." }) },
      resolve: (_, { input: given }, scope) =>
        set.attempt(async () => ({ budget: await scope.use(budgetEditor).set(scope, given, (id) => loadNode(builder, id, scope)) })),
    }),
    removeBudget: t.field({
      type: removed.type,
      nullable: false,
      description: "Removes a budget, for admins. Runs that wait for it go on.",
      args: { budget: t.arg.id({ required: true, description: "Which budget." }) },
      resolve: (_, { budget }, scope) => removed.attempt(async () => ({ id: await scope.use(budgetEditor).remove(scope, String(budget)) })),
    }),
  }));
}

import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const BudgetSchema = defineEntity({
  name: "Budget",
  tableName: "budgets_budget",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    /** Who made it. */
    ownerId: p.string(),
    scope: p.enum(["TENANT", "USER", "AGENT", "THREAD", "RUN"] as const),
    /** Of the actor, agent, thread or run within the tenant; empty for the tenant. */
    scopeId: p.string(),
    /** In milliseconds; 0 for ever. */
    periodMs: p.bigint("number"),
    /** By the IANA database: its periods are those of the calendar there. */
    timeZone: p.string().nullable(),
    maxNanos: p.bigint("number").nullable(),
    tokenLimit: p.bigint("number").nullable(),
    onExceed: p.enum(["DENY", "PAUSE"] as const),
    /** Milliseconds since 1970; without a time zone, its periods follow each other from then on. */
    createdAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "scope", "scopeId", "periodMs"] }],
  indexes: [{ properties: ["tenantId", "createdAt", "id"] }],
});

/** How much may be spent on model calls within a scope and a period. */
export class Budget extends BudgetSchema.class {}
BudgetSchema.setClass(Budget);
export const budgetEntity = owned(BudgetSchema, { rule: "SHARED" });

const AccountSchema = defineEntity({
  name: "BudgetAccount",
  tableName: "budgets_account",
  properties: (p) => ({
    /** Made of the budget and the period, or of the run. */
    id: p.string().primary(),
    budgetId: p.string().nullable().index(),
    runId: p.string().nullable().index(),
    calls: p.bigint("number").default(0),
    unpriced: p.bigint("number").default(0),
    estimated: p.integer().default(0),
    input: p.bigint("number").default(0),
    output: p.bigint("number").default(0),
    nanos: p.bigint("number").default(0),
    /** Who said so, separated by commas. */
    sources: p.string().default(""),
    /** What calls under way may come to at most. */
    heldCalls: p.bigint("number").default(0),
    heldInput: p.bigint("number").default(0),
    heldOutput: p.bigint("number").default(0),
    heldNanos: p.bigint("number").default(0),
    /** How far above its limit it was lifted. */
    liftedNanos: p.bigint("number").default(0),
    liftedTokens: p.bigint("number").default(0),
  }),
});

/** What was spent and is held of one period of a budget, or of a run that has limits. */
class BudgetAccount extends AccountSchema.class {}
AccountSchema.setClass(BudgetAccount);
export const accountEntity = owned(AccountSchema, { rule: "INTERNAL" });

const HeldCallSchema = defineEntity({
  name: "HeldCall",
  tableName: "budgets_call",
  properties: (p) => ({
    id: p.string().primary(),
    runId: p.string().index(),
    epoch: p.integer(),
    /** LOST: its process is gone, and what it held counts as spent. */
    state: p.enum(["OPEN", "LOST"] as const),
    accounts: p.json<readonly string[]>(),
    provider: p.string(),
    model: p.string(),
    provenance: p.enum(["LIVE", "SIMULATED"] as const),
    input: p.bigint("number"),
    output: p.bigint("number"),
    nanos: p.bigint("number").nullable(),
  }),
});

/** A call under way, with what it may come to at most. */
class HeldCall extends HeldCallSchema.class {}
HeldCallSchema.setClass(HeldCall);
export const heldCallEntity = owned(HeldCallSchema, { rule: "INTERNAL" });

const LiftSchema = defineEntity({
  name: "BudgetLift",
  tableName: "budgets_lift",
  properties: (p) => ({
    /** The question that was approved: it lifts once. */
    interruptId: p.string().primary(),
    runId: p.string().index(),
  }),
});

/** A leave to spend more that was used. */
class BudgetLift extends LiftSchema.class {}
LiftSchema.setClass(BudgetLift);
export const liftEntity = owned(LiftSchema, { rule: "INTERNAL" });

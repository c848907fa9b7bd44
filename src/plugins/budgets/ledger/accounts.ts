import { nanosOf, treeUsage, usageSums, type Sql, type SumQuery, type TreeUsage } from "#weftline";
import type { Budget } from "../entities.ts";
import { periodAt } from "./periods.ts";

/** A row of `budgets_account`. */
export interface AccountRow extends TreeUsage {
  readonly id: string;
  readonly held_calls: number;
  readonly held_input: number;
  readonly held_output: number;
  readonly held_nanos: number;
  readonly lifted_nanos: number;
  readonly lifted_tokens: number;
}

/** What one call came to. */
export interface Spent {
  readonly input: number;
  readonly output: number;
  readonly nanos: number | null;
  readonly source: string | null;
  readonly estimated: boolean;
}

/** Something that limits a call. */
export interface Limit {
  readonly account: AccountRow;
  /** What a budget that may be lifted is. */
  readonly budget: Budget | undefined;
  readonly endsAt: number | undefined;
  readonly maxNanos: number | undefined;
  readonly maxTokens: number | undefined;
  /** As in "1.5 USD" or "1000 tokens", for people. */
  readonly words: string;
}

/** Whose calls they are: the run, those above it, and what its tree belongs to. */
export interface Subject {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly targetType: string;
  readonly targetId: string;
  readonly threadId: string | null;
  /** The run first, then those above it. */
  readonly chain: readonly { readonly id: string; readonly limits: RunLimitsRow }[];
}

/** The limits of a run that the meter keeps. */
export interface RunLimitsRow {
  readonly maxTokens?: number;
  readonly maxCost?: { readonly amount: string; readonly currency: string };
}

interface LinkRow {
  readonly id: string;
  readonly epoch: number;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly thread_id: string | null;
  readonly limits: string;
}

/** Whose calls the calls of a run are, and its epoch; nothing for a run that is gone. */
export async function subjectOf(sql: Sql, runId: string): Promise<(Subject & { readonly epoch: number }) | undefined> {
  const links = await sql.all<LinkRow>(
    `with recursive above (id, depth) as (select id, 0 from runs_run where id = ?
       union all select r.parent_id, a.depth + 1 from above a join runs_run r on r.id = a.id where r.parent_id is not null and a.depth < 64)
     select r.id, r.epoch, r.tenant_id, r.owner_id, r.target_type, r.target_id, r.thread_id, r.limits from above a join runs_run r on r.id = a.id
     order by a.depth`,
    runId,
  );
  const [run] = links;
  if (!run) return undefined;
  return {
    epoch: run.epoch,
    tenantId: run.tenant_id,
    ownerId: run.owner_id,
    targetType: run.target_type,
    targetId: run.target_id,
    threadId: links.find(({ thread_id: thread }) => thread !== null)?.thread_id ?? null,
    chain: links.map(({ id, limits }) => ({ id, limits: JSON.parse(limits) as RunLimitsRow })),
  };
}

/** The budgets that a subject's calls count to, in the order in which they are locked. */
export async function budgetsOf(sql: Sql, subject: Subject): Promise<Budget[]> {
  const { tenantId, ownerId, targetType, targetId, threadId, chain } = subject;
  const runs = chain.map(({ id }) => id);
  return sql.all<Budget>(
    `select id, tenant_id as "tenantId", scope, scope_id as "scopeId", period_ms as "periodMs", time_zone as "timeZone", max_nanos as "maxNanos",
     token_limit as "tokenLimit", on_exceed as "onExceed", created_at as "createdAt" from budgets_budget
     where tenant_id = ? and ((scope = 'TENANT' and scope_id = '') or (scope = 'USER' and scope_id = ?) or (scope = 'AGENT' and scope_id = ?)
       or (scope = 'THREAD' and scope_id = ?) or (scope = 'RUN' and scope_id in (${runs.map(() => "?").join(", ") || "''"}))) order by id`,
    tenantId,
    ownerId,
    targetType === "Agent" ? targetId : "",
    threadId ?? "",
    ...runs,
  );
}

/** The price source of what a call may come to at most. */
export const reserved = "reserved";

export const accountOf = ({ id }: Pick<Budget, "id">, startsAt: number): string => `${id}@${startsAt}`;
export const runAccount = (runId: string): string => `run:${runId}`;

/** The account of a budget's period now. Its first look sums up what was spent in the period before there was a budget. */
export async function budgetAccount(sql: Sql, budget: Budget, now: number): Promise<AccountRow> {
  const id = accountOf(budget, periodAt(budget, now).startsAt);
  const found = await readAccount(sql, id);
  if (found) return found;
  await insertAccount(sql, { id, budgetId: budget.id, runId: null }, await spentBefore(sql, budget, now));
  // Of periods that are over only those are needed that calls under way are held on.
  await sql.run("delete from budgets_account where budget_id = ? and id <> ? and held_calls = 0", budget.id, id);
  return (await readAccount(sql, id)) as AccountRow;
}

/** What a budget's scope has spent in the period of now, by the ledger. */
async function spentBefore(sql: Sql, budget: Budget, now: number): Promise<TreeUsage> {
  const { tenantId, scope, scopeId } = budget;
  if (scope === "RUN") return treeUsage(sql, scopeId);
  const of: Record<typeof scope, Omit<SumQuery, "tenantId">> = {
    TENANT: {},
    USER: { ownerId: scopeId },
    AGENT: { by: "AGENT", key: scopeId },
    THREAD: { by: "THREAD", key: scopeId },
  };
  const [sum] = await usageSums(sql, { tenantId, since: periodAt(budget, now).startsAt, ...of[scope] });
  const usage = sum?.usage;
  return {
    calls: usage?.modelCalls ?? 0,
    unpriced: usage?.unpricedCalls ?? 0,
    estimated: usage?.estimated ? 1 : 0,
    input: usage?.inputTokens ?? 0,
    output: usage?.outputTokens ?? 0,
    nanos: Number(usage?.nanos ?? 0),
    sources: usage?.priceSources?.join(",") ?? "",
  };
}

/** The account of a run with limits. */
export async function limitedRun(sql: Sql, runId: string): Promise<AccountRow> {
  const id = runAccount(runId);
  const found = await readAccount(sql, id);
  if (found) return found;
  await insertAccount(sql, { id, budgetId: null, runId }, await treeUsage(sql, runId));
  return (await readAccount(sql, id)) as AccountRow;
}

export function readAccount(sql: Sql, id: string): Promise<AccountRow | undefined> {
  return sql.get<AccountRow>("select * from budgets_account where id = ?", id);
}

interface NewAccount {
  readonly id: string;
  readonly budgetId: string | null;
  readonly runId: string | null;
}

async function insertAccount(sql: Sql, { id, budgetId, runId }: NewAccount, spent: TreeUsage): Promise<void> {
  const { calls, unpriced, estimated, input, output, nanos, sources } = spent;
  await sql.run(
    `insert into budgets_account (id, budget_id, run_id, calls, unpriced, estimated, input, output, nanos, sources)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
    id,
    budgetId,
    runId,
    calls,
    unpriced,
    estimated,
    input,
    output,
    nanos,
    sources,
  );
}

/** Adds a call to what was spent. */
export async function spend(sql: Sql, id: string, { input, output, nanos, source, estimated }: Spent): Promise<void> {
  await sql.run(
    `update budgets_account set calls = calls + 1, unpriced = unpriced + ?, estimated = max(estimated, ?), input = input + ?, output = output + ?,
     nanos = nanos + ?, sources = case when ? = '' or ',' || sources || ',' like '%,' || ? || ',%' then sources when sources = '' then ? else sources || ',' || ? end
     where id = ?`,
    nanos === null ? 1 : 0,
    estimated ? 1 : 0,
    input,
    output,
    nanos ?? 0,
    source ?? "",
    source ?? "",
    source ?? "",
    source ?? "",
    id,
  );
}

/** Holds what a call may come to, or gives it back. */
export async function hold(
  sql: Sql,
  id: string,
  { input, output, nanos }: Pick<Spent, "input" | "output" | "nanos">,
  way: 1 | -1,
): Promise<void> {
  await sql.run(
    `update budgets_account set held_calls = held_calls + ?, held_input = held_input + ?, held_output = held_output + ?, held_nanos = held_nanos + ? where id = ?`,
    way,
    way * input,
    way * output,
    way * (nanos ?? 0),
    id,
  );
}

/** Takes a lift back as far as it was not used: a leave is for one call. */
export async function trimLifts(sql: Sql, ids: readonly string[]): Promise<void> {
  const limit = (column: string): string => `(select b.${column} from budgets_budget b where b.id = budgets_account.budget_id)`;
  for (const id of ids)
    await sql.run(
      `update budgets_account set lifted_nanos = min(lifted_nanos, max(0, nanos + held_nanos - coalesce(${limit("max_nanos")}, 0))),
       lifted_tokens = min(lifted_tokens, max(0, input + output + held_input + held_output - coalesce(${limit("token_limit")}, 0)))
       where id = ? and (lifted_nanos > 0 or lifted_tokens > 0)`,
      id,
    );
}

/** All that limits the calls of a subject now. */
export async function limitsOf(sql: Sql, subject: Subject, now: number): Promise<Limit[]> {
  const limits: Limit[] = [];
  for (const budget of await budgetsOf(sql, subject)) {
    const { maxNanos, tokenLimit } = budget;
    limits.push({
      account: await budgetAccount(sql, budget, now),
      budget,
      endsAt: periodAt(budget, now).endsAt,
      maxNanos: maxNanos ?? undefined,
      maxTokens: tokenLimit ?? undefined,
      words: budget.scope.toLowerCase(),
    });
  }
  for (const { id, limits: own } of subject.chain) {
    if (own.maxCost === undefined && own.maxTokens === undefined) continue;
    const maxNanos = own.maxCost === undefined ? undefined : nanosOf(own.maxCost.amount);
    const words = own.maxCost ? `${own.maxCost.amount} ${own.maxCost.currency}` : `${own.maxTokens} tokens`;
    limits.push({ account: await limitedRun(sql, id), budget: undefined, endsAt: undefined, maxNanos, maxTokens: own.maxTokens, words });
  }
  return limits;
}

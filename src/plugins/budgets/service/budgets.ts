import { DateTime } from "luxon";
import { v7 as newId } from "uuid";
import {
  WeftlineError,
  actorNamed,
  databaseService,
  globalId,
  graphIdOfActor,
  hasRole,
  loadRow,
  localId,
  localIdOrNothing,
  moneyProblems,
  nanosOf,
  runService,
  serviceRef,
  type InputProblem,
  type MoneyInput,
  type Scope,
} from "#weftline";
import type { BudgetsConfig } from "../config.ts";
import { Budget } from "../entities.ts";
import { budgetAccount, type AccountRow } from "../ledger/accounts.ts";
import type { BudgetMeter } from "../ledger/meter.ts";
import { calendarUnits, dayMs } from "../ledger/periods.ts";
import type { BudgetScope, OnExceed } from "../types.ts";

/** `SetBudgetInput`; `period` in milliseconds. */
export interface SetBudget {
  readonly id?: string | null;
  readonly scope: BudgetScope;
  readonly scopeId?: string | null;
  readonly period?: number | null;
  readonly timeZone?: string | null;
  readonly maxCost?: MoneyInput | null;
  readonly tokenLimit?: number | null;
  readonly onExceed: OnExceed;
}

/** What budgets are set with. */
export interface BudgetsHost {
  readonly config: BudgetsConfig;
  readonly meter: BudgetMeter;
}

type FindNode = (id: string) => Promise<unknown>;

/** Sets and removes budgets, for admins. */
export interface BudgetEditor {
  /** @param find what the id of the graph names, as the viewer. */
  set(scope: Scope, input: SetBudget, find: FindNode): Promise<Budget>;
  remove(scope: Scope, budget: string): Promise<string>;
  /** The accounts of budgets that the caller may see, of their periods of now. */
  standings(budgets: readonly Budget[]): Promise<readonly AccountRow[]>;
}

export const budgetEditor = serviceRef<BudgetEditor>("budgets.editor");

/** What it has spent is of that scope, and so are the calls under way. */
const keepsScope = "A budget keeps its scope. Set another one, and remove this.";

/** The most that a period lasts. */
const mostDays = 3_660;

export function createBudgetEditor(host: BudgetsHost): BudgetEditor {
  return {
    set: (scope, input, find) => setBudget(host, scope, { input, find }),
    remove: removeBudget,
    standings: (budgets) => host.meter.standings(budgets),
  };
}

/** @throws FORBIDDEN */
function checkAdmin({ viewer }: Scope): void {
  if (hasRole(viewer, "admin")) return;
  throw new WeftlineError("FORBIDDEN", { message: "Only admins set budgets." });
}

async function setBudget(
  host: BudgetsHost,
  scope: Scope,
  { input, find }: { readonly input: SetBudget; readonly find: FindNode },
): Promise<Budget> {
  // What the viewer cannot see is not there, also for who may not set any.
  const id = input.id == null ? undefined : localId("Budget", input.id, ["input", "id"]);
  if (id !== undefined && !(await loadBudget(scope, id))) throw new WeftlineError("NOT_FOUND", { what: "budget", path: ["input", "id"] });
  const scopeId = await scopeIdOf(scope, find, input);
  checkAdmin(scope);
  const fields = fieldsOf(input);
  const { tenantId, actorId } = scope.viewer;
  host.meter.watch(tenantId);
  const budget = await scope.write(async (tx) => {
    const place = { scope: input.scope, scopeId, periodMs: fields.periodMs };
    const same = await tx.em.findOne(Budget, { tenantId, ...place });
    const found = id === undefined ? same : await tx.em.findOne(Budget, { id });
    if (id !== undefined && !found) throw new WeftlineError("NOT_FOUND", { what: "budget", path: ["input", "id"] });
    if (found && (found.scope !== input.scope || found.scopeId !== scopeId))
      throw new WeftlineError("CONFLICT", { message: keepsScope, path: ["input", "scope"] });
    if (same && found && same.id !== found.id)
      throw new WeftlineError("CONFLICT", { message: "There is a budget of that scope and period already.", path: ["input"] });
    if (!found && (await tx.em.count(Budget, { tenantId })) >= host.config.perTenant)
      throw new WeftlineError("RATE_LIMITED", { message: `At most ${host.config.perTenant} budgets.`, fix: "Remove some." });
    const now = await scope.use(databaseService).now();
    const row =
      found ??
      tx.em.create(Budget, { id: newId(), tenantId, ownerId: actorId, createdAt: now, ...place, ...fields, onExceed: input.onExceed });
    Object.assign(row, place, fields, { onExceed: input.onExceed });
    await tx.em.flush();
    // What was spent in the period so far counts.
    await budgetAccount(tx.sql, row, now);
    return row.id;
  }, "budgets.set");
  await scope.use(runService).budgetChanged(tenantId, budget);
  return scope.em.findOneOrFail(Budget, { id: budget });
}

async function removeBudget(scope: Scope, budget: string): Promise<string> {
  const id = localId("Budget", budget, ["budget"]);
  if (!(await loadBudget(scope, id))) throw new WeftlineError("NOT_FOUND", { what: "budget", path: ["budget"] });
  checkAdmin(scope);
  await scope.write(async (tx) => {
    const row = await tx.em.findOne(Budget, { id });
    if (!row) throw new WeftlineError("NOT_FOUND", { what: "budget", path: ["budget"] });
    await tx.sql.run("delete from budgets_account where budget_id = ?", id);
    tx.em.remove(row);
  }, "budgets.remove");
  await scope.use(runService).budgetChanged(scope.viewer.tenantId, id);
  return id;
}

type Fields = Pick<Budget, "periodMs" | "timeZone" | "maxNanos" | "tokenLimit">;

/** @throws INVALID_INPUT */
function fieldsOf({ period, timeZone, maxCost, tokenLimit }: SetBudget): Fields {
  const issues: InputProblem[] = [];
  const wrong = (name: string, message: string): void => void issues.push({ path: ["input", name], message });
  if (maxCost == null && tokenLimit == null) wrong("maxCost", "A budget needs a maxCost or a tokenLimit.");
  if (maxCost != null) issues.push(...moneyProblems(maxCost, ["input", "maxCost"]));
  if (tokenLimit != null && tokenLimit < 0) wrong("tokenLimit", "At least 0.");
  if (period != null && (period < 60_000 || period > mostDays * dayMs)) wrong("period", `From a minute to ${mostDays} days.`);
  if (timeZone != null && !DateTime.local().setZone(timeZone).isValid)
    wrong("timeZone", "A zone of the IANA database, as in Europe/Berlin.");
  if (timeZone != null && (period == null || calendarUnits[period] === undefined))
    wrong("period", "With a time zone: P1D, P1W or P1M, of the calendar there. Without one, of any length, from now on.");
  if (issues.length > 0) throw new WeftlineError("INVALID_INPUT", { issues, path: issues[0]?.path, message: issues[0]?.message } as never);
  return {
    periodMs: period ?? 0,
    timeZone: timeZone ?? null,
    maxNanos: maxCost == null ? null : (nanosOf(maxCost.amount) ?? null),
    tokenLimit: tokenLimit ?? null,
  };
}

const typeOf = { AGENT: "Agent", THREAD: "Thread", RUN: "Run" } as const;

/** The local id of what a budget is for. Foreign ids answer as missing ones do. @throws INVALID_INPUT, NOT_FOUND */
async function scopeIdOf(scope: Scope, find: FindNode, { scope: kind, scopeId }: SetBudget): Promise<string> {
  const path = ["input", "scopeId"];
  if (kind === "TENANT") {
    if (scopeId == null) return "";
    throw new WeftlineError("INVALID_INPUT", { path, message: "A budget of the tenant has no scopeId." });
  }
  if (scopeId == null) throw new WeftlineError("INVALID_INPUT", { path, message: `Say which ${kind.toLowerCase()}.` });
  const local = kind === "USER" ? actorNamed(scope, scopeId) : localIdOrNothing(typeOf[kind], scopeId);
  if (local === undefined || !(await find(scopeId))) throw new WeftlineError("NOT_FOUND", { what: kind.toLowerCase(), path });
  return local;
}

/** The id in the graph of what a budget is for. */
export function graphScopeId(scope: Scope, { scope: kind, scopeId }: Budget): string | null {
  if (kind === "TENANT") return null;
  return kind === "USER" ? graphIdOfActor(scope, scopeId) : globalId(typeOf[kind], scopeId);
}

/** What was spent and is held of the period of now; nothing where nobody has called a model in it. */
export async function standing(scope: Scope, budget: Budget): Promise<AccountRow | undefined> {
  const found = await scope.load(standing, budget.id, async (ids) => {
    const rows = await scope.use(budgetEditor).standings(await scope.em.find(Budget, { id: { $in: [...ids] } }));
    return ids.map((id) => rows.find((row) => row.id.startsWith(`${id}@`)));
  });
  return found ?? undefined;
}

export const loadBudget = (scope: Scope, id: unknown): Promise<Budget | null> => loadRow(scope, Budget, typeof id === "string" ? id : null);

import {
  WeftlineError,
  type AdmittedCall,
  type Database,
  type LostCall,
  type MeterNote,
  type MeteredStart,
  type ModelMeter,
  type ModelRequest,
  type Sql,
  type SqlTx,
} from "#weftline";
import type { BudgetsConfig } from "../config.ts";
import type { Budget } from "../entities.ts";
import type { PriceList } from "../prices/price-list.ts";
import {
  accountOf,
  budgetAccount,
  budgetsOf,
  hold,
  limitsOf,
  readAccount,
  runAccount,
  reserved,
  spend,
  subjectOf,
  trimLifts,
  type AccountRow,
  type Spent,
} from "./accounts.ts";
import { isPeriodOf, periodAt } from "./periods.ts";
import { reserve } from "./reserve.ts";
import { readRequest } from "./worst-case.ts";

interface HeldRow {
  readonly id: string;
  readonly run_id: string;
  readonly epoch: number;
  readonly state: "OPEN" | "LOST";
  readonly accounts: string;
  readonly provider: string;
  readonly model: string;
  readonly provenance: "LIVE" | "SIMULATED";
  readonly input: number;
  readonly output: number;
  readonly nanos: number | null;
}

/**
 * Keeps model calls within budgets: holds what a call may come to before it is made, and counts what it came to. What limits nobody costs a look into a set.
 * The sets hold at least whom there is something for, since one process has the store.
 */
export class BudgetMeter implements ModelMeter {
  readonly #database: Database;
  readonly #config: BudgetsConfig;
  readonly #prices: PriceList;
  /** Tenants with budgets, runs with calls that are held, and runs with accounts of their own. */
  readonly #tenants = new Set<string>();
  readonly #holding = new Set<string>();
  readonly #limited = new Set<string>();

  constructor(database: Database, config: BudgetsConfig, prices: PriceList) {
    this.#database = database;
    this.#config = config;
    this.#prices = prices;
  }

  get isReady(): boolean {
    return this.#prices.isReady;
  }

  readonly prepare: ModelMeter["prepare"] = (binding) => this.#prices.prepare(binding);
  readonly priceOf: ModelMeter["priceOf"] = (call) => this.#prices.priceOf(call);

  /** Reads whom there is something for. What a lost process held counts as spent from now on. */
  async load(): Promise<void> {
    const { read } = this.#database;
    for (const { id } of await read.all<{ id: string }>("select distinct tenant_id as id from budgets_budget")) this.#tenants.add(id);
    for (const { id } of await read.all<{ id: string }>("select run_id as id from budgets_account where run_id is not null"))
      this.#limited.add(id);
    for (const { id } of await read.all<{ id: string }>("select distinct run_id as id from budgets_call")) this.#holding.add(id);
    for (;;) {
      const open = await read.all<HeldRow>("select * from budgets_call where state = 'OPEN' limit 100");
      if (open.length === 0) return;
      await this.#database.commit(async ({ sql }) => {
        for (const row of open) await lose(sql, row);
      }, "budgets.recover");
    }
  }

  /** From now on the tenant has budgets. */
  watch(tenantId: string): void {
    this.#tenants.add(tenantId);
  }

  admit(request: ModelRequest): Promise<AdmittedCall | undefined> | undefined {
    const { run, binding } = request;
    const { maxCost, maxTokens } = run.limits;
    const limited = maxCost !== undefined || maxTokens !== undefined || run.parentId != null || this.#tenants.has(run.tenantId);
    const forbidden = this.#config.unknownPrice === "forbidden" && binding.provenance === "LIVE";
    return limited || forbidden ? this.#admit(request) : undefined;
  }

  async #admit({ run, binding, url, body, approvals }: ModelRequest): Promise<AdmittedCall | undefined> {
    const { provider, provenance } = binding;
    if (provenance === "LIVE") await this.#prices.prepare(binding);
    const asked = readRequest(url, body);
    const model = asked.model ?? binding.model;
    const cost = (inputTokens: number, outputTokens: number): number | undefined =>
      provenance === "SIMULATED" ? 0 : this.#prices.priceOf({ provider, model, inputTokens, outputTokens })?.[0];
    if (this.#config.unknownPrice === "forbidden" && cost(1, 1) === undefined)
      throw new WeftlineError("PRICE_UNKNOWN", { provider, model });
    if (!this.#tenants.has(run.tenantId) && !(await isLimited(this.#database.read, run.id))) return undefined;
    this.#holding.add(run.id);
    return this.#database.commit(async ({ sql, afterCommit }) => {
      const subject = await subjectOf(sql, run.id);
      if (subject?.epoch !== run.epoch) throw new WeftlineError("RUN_FENCED");
      const old = await sql.all<HeldRow>("select * from budgets_call where run_id = ? and state = 'OPEN' and epoch < ?", run.id, run.epoch);
      for (const row of old) await lose(sql, row);
      const now = await clock(sql);
      const limits = await limitsOf(sql, subject, now);
      afterCommit(() => {
        for (const { id, limits: own } of subject.chain) if (own.maxCost ?? own.maxTokens) this.#limited.add(id);
      });
      if (limits.length === 0) return undefined;
      const { answerTokens } = this.#config;
      return reserve(sql, limits, {
        runId: run.id,
        epoch: run.epoch,
        provider,
        model,
        provenance,
        asked,
        cost,
        answerTokens,
        approvals,
        now,
      });
    }, "budgets.reserve");
  }

  async release(call: string): Promise<void> {
    await this.#database.commit(async ({ sql }) => {
      const row = await sql.get<HeldRow>("select * from budgets_call where id = ? and state = 'OPEN'", call);
      if (row) await trimLifts(sql, await giveBack(sql, row));
    }, "budgets.release");
  }

  lost(runId: string): Promise<readonly LostCall[]> | undefined {
    if (!this.#holding.has(runId)) return undefined;
    return this.#database.read.all<LostCall>(
      `select id as call, provider, model, provenance, input as "inputTokens", output as "outputTokens" from budgets_call where run_id = ? and state = 'LOST'`,
      runId,
    );
  }

  settle(tx: SqlTx, notes: readonly MeterNote[]): Promise<void> | undefined {
    const concern = notes.filter(({ kind, run }) =>
      kind === "called" ? this.#tenants.has(run.tenantId) || this.#limited.size > 0 || this.#holding.has(run.id) : this.#hasOf(run.id),
    );
    return concern.length === 0 ? undefined : this.#settleAll(tx, concern);
  }

  #hasOf(runId: string): boolean {
    return this.#holding.has(runId) || this.#limited.has(runId);
  }

  async #settleAll(tx: SqlTx, notes: readonly MeterNote[]): Promise<void> {
    for (const note of notes) {
      if (note.kind === "called") await this.#called(tx.sql, note);
      else await this.#rests(tx, note);
    }
  }

  async #called(sql: Sql, { run, call, usage }: Extract<MeterNote, { kind: "called" }>): Promise<void> {
    const held =
      call === undefined ? undefined : await sql.get<HeldRow>("select * from budgets_call where id = ? and run_id = ?", call, run.id);
    if (held?.state === "LOST") {
      await sql.run("delete from budgets_call where id = ?", held.id);
      return;
    }
    const of = new Set(held ? await giveBack(sql, held) : []);
    const subject = await subjectOf(sql, run.id);
    if (!subject) return;
    const now = await clock(sql);
    if (this.#tenants.has(run.tenantId)) {
      for (const budget of await budgetsOf(sql, subject)) {
        // A call counts to the period in which it was made; one of a budget whose periods were changed since counts to those, too.
        if ([...of].some((id) => isPeriodOf(budget, id))) continue;
        const isNew = (await readAccount(sql, accountOf(budget, periodAt(budget, now).startsAt))) === undefined;
        // A new account sums up the ledger, in which this call stands by now.
        if (isNew) await budgetAccount(sql, budget, now);
        else of.add(accountOf(budget, periodAt(budget, now).startsAt));
      }
    }
    for (const { id } of subject.chain) if (this.#limited.has(id)) of.add(runAccount(id));
    for (const id of [...of].toSorted()) await spend(sql, id, spentOf(usage));
    if (held) await trimLifts(sql, [...of]);
  }

  /** A run that rests calls nobody: what it still holds may have been spent. One that ended needs nothing more. */
  async #rests({ sql, afterCommit }: SqlTx, { kind, run }: MeterNote): Promise<void> {
    if (this.#holding.has(run.id)) {
      const open = await sql.all<HeldRow>("select * from budgets_call where run_id = ? and state = 'OPEN'", run.id);
      for (const row of open) await lose(sql, row);
    }
    if (kind !== "ended") return;
    await sql.run("delete from budgets_call where run_id = ?", run.id);
    await sql.run("delete from budgets_account where run_id = ?", run.id);
    await sql.run("delete from budgets_lift where run_id = ?", run.id);
    afterCommit(() => {
      this.#holding.delete(run.id);
      this.#limited.delete(run.id);
    });
  }

  /** The accounts of budgets, of their periods of now. */
  async standings(budgets: readonly Budget[]): Promise<readonly AccountRow[]> {
    if (budgets.length === 0) return [];
    const now = await this.#database.now();
    const ids = budgets.map((budget) => accountOf(budget, periodAt(budget, now).startsAt));
    return this.#database.read.all<AccountRow>(`select * from budgets_account where id in (${ids.map(() => "?").join(", ")})`, ...ids);
  }

  checkStart(sql: Sql, start: MeteredStart): Promise<void> | undefined {
    return this.#tenants.has(start.tenantId) ? checkStart(sql, start) : undefined;
  }
}

/** @throws BUDGET_EXCEEDED */
async function checkStart(sql: Sql, { threadId, ...start }: MeteredStart): Promise<void> {
  const now = await clock(sql);
  for (const budget of await budgetsOf(sql, { ...start, threadId: threadId ?? null, chain: [] })) {
    if (budget.onExceed !== "DENY") continue;
    const account = await readAccount(sql, accountOf(budget, periodAt(budget, now).startsAt));
    if (!account) continue;
    const noMoney = budget.maxNanos != null && account.nanos >= budget.maxNanos + account.lifted_nanos;
    const noTokens = budget.tokenLimit != null && account.input + account.output >= budget.tokenLimit + account.lifted_tokens;
    if (!noMoney && !noTokens) continue;
    throw new WeftlineError("BUDGET_EXCEEDED", {
      budget: budget.id,
      problem: `the budget of the ${budget.scope.toLowerCase()} is used up.`,
    });
  }
}

async function isLimited(sql: Sql, runId: string): Promise<boolean> {
  const subject = await subjectOf(sql, runId);
  return subject?.chain.some(({ limits }) => limits.maxCost !== undefined || limits.maxTokens !== undefined) ?? false;
}

/** @returns the accounts that held it */
async function giveBack(sql: Sql, row: HeldRow): Promise<readonly string[]> {
  const accounts = JSON.parse(row.accounts) as readonly string[];
  for (const id of accounts) await hold(sql, id, row, -1);
  await sql.run("delete from budgets_call where id = ?", row.id);
  return accounts;
}

/** What a call held counts as spent: nobody knows what became of it. It stays to be recorded by whoever goes on with the run. */
async function lose(sql: Sql, row: HeldRow): Promise<void> {
  for (const id of JSON.parse(row.accounts) as readonly string[]) {
    await hold(sql, id, row, -1);
    await spend(sql, id, { input: row.input, output: row.output, nanos: row.nanos, source: reserved, estimated: true });
  }
  await sql.run("update budgets_call set state = 'LOST' where id = ?", row.id);
}

function spentOf({ inputTokens, outputTokens, cost, estimated = false }: Extract<MeterNote, { kind: "called" }>["usage"]): Spent {
  const [nanos, source] = cost ?? [null, null];
  return { input: inputTokens, output: outputTokens, nanos, source, estimated };
}

async function clock(sql: Sql): Promise<number> {
  return (await sql.get<{ now: number }>(`select ${sql.now} as now`))?.now ?? 0;
}

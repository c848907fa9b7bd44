import { v7 as newId } from "uuid";
import { WeftlineError, amountOf, type AdmittedCall, type Sql } from "#weftline";
import { hold, type Limit, type Spent } from "./accounts.ts";
import type { AskedModel } from "./worst-case.ts";

/** No answer is cut below this: the least that providers take, and too little to say anything. */
const leastOutput = 16;

/** Of most texts: for what is not reported. */
const bytesPerToken = 4;

/** A call that asks for room. */
export interface Reserving {
  readonly runId: string;
  readonly epoch: number;
  readonly provider: string;
  readonly model: string;
  readonly provenance: "LIVE" | "SIMULATED";
  readonly asked: AskedModel;
  /** What so many tokens cost; nothing where that is not known. */
  readonly cost: (input: number, output: number) => number | undefined;
  /** How long an answer may be where nobody says. */
  readonly answerTokens: number;
  /** Leaves that were given, by their ids. */
  readonly approvals: readonly string[];
  readonly now: number;
}

/**
 * Holds what a call may come to at most on all its accounts, with its answer cut to what is left.
 *
 * @throws BUDGET_EXCEEDED, RUN_LIMIT
 */
export async function reserve(sql: Sql, limits: readonly Limit[], call: Reserving): Promise<AdmittedCall> {
  const { asked, cost } = call;
  const wanted = asked.writes ? (asked.cap ?? call.answerTokens) : 0;
  const least = asked.cappable ? Math.min(leastOutput, wanted) : wanted;
  const lifted = await liftAll(sql, limits, { ...call, wanted, least });
  const output = Math.min(wanted, ...lifted.map((limit) => mostOutput(limit, call)));
  const tight = lifted.filter((limit) => mostOutput(limit, call) < least);
  if (tight.length > 0) throw refusal(tight, call, least);
  const held = { input: asked.input, output: output * asked.answers, nanos: cost(asked.input, output * asked.answers) ?? null };
  const id = newId();
  const accounts = lifted.map(({ account }) => account.id).toSorted();
  for (const account of accounts) await hold(sql, account, held, 1);
  await sql.run(
    `insert into budgets_call (id, run_id, epoch, state, accounts, provider, model, provenance, input, output, nanos) values (?, ?, ?, 'OPEN', ?, ?, ?, ?, ?, ?, ?)`,
    id,
    call.runId,
    call.epoch,
    JSON.stringify(accounts),
    call.provider,
    call.model,
    call.provenance,
    held.input,
    held.output,
    held.nanos,
  );
  const body = output === asked.cap ? undefined : asked.capped(output);
  return {
    call: id,
    provider: call.provider,
    model: call.model,
    inputTokens: Math.ceil(asked.input / bytesPerToken),
    ...(body === undefined ? {} : { body }),
  };
}

interface Left {
  readonly nanos: number;
  readonly tokens: number;
}

function leftOf({ account, maxNanos, maxTokens }: Limit): Left {
  const { nanos, input, output, held_nanos: heldNanos, held_input: heldInput, held_output: heldOutput } = account;
  return {
    nanos: maxNanos === undefined ? Number.POSITIVE_INFINITY : maxNanos + account.lifted_nanos - nanos - heldNanos,
    tokens:
      maxTokens === undefined ? Number.POSITIVE_INFINITY : maxTokens + account.lifted_tokens - input - output - heldInput - heldOutput,
  };
}

/** How long an answer may be for a limit to hold; less than nothing where the question alone is too much. A call without a price costs no known money. */
function mostOutput(limit: Limit, { asked, cost }: Reserving): number {
  const left = leftOf(limit);
  const byTokens = Math.floor((left.tokens - asked.input) / asked.answers);
  const base = cost(asked.input, 0);
  if (base === undefined || left.nanos === Number.POSITIVE_INFINITY) return byTokens;
  const million = (cost(asked.input, 1_000_000) ?? base) - base;
  if (base + million === 0) return byTokens;
  if (left.nanos < base) return -1;
  if (million === 0) return byTokens;
  let most = Math.min(byTokens, Math.floor(((left.nanos - base) * 1_000_000) / million / asked.answers));
  while (most > 0 && (cost(asked.input, most * asked.answers) ?? 0) > left.nanos) most -= Math.max(1, Math.ceil(most / 1_000));
  return most;
}

interface Lifting extends Reserving {
  readonly wanted: number;
  readonly least: number;
}

/** Lifts those that do not hold the call and that there is a leave for, by what the call needs. */
async function liftAll(sql: Sql, limits: readonly Limit[], call: Lifting): Promise<readonly Limit[]> {
  if (call.approvals.length === 0) return limits;
  const lifted: Limit[] = [];
  for (const limit of limits) lifted.push(mostOutput(limit, call) < call.least && limit.budget ? await lift(sql, limit, call) : limit);
  return lifted;
}

async function lift(sql: Sql, limit: Limit, call: Lifting): Promise<Limit> {
  const leave = await unusedLeave(sql, limit.budget?.id ?? "", call);
  if (leave === undefined) return limit;
  const { asked, cost, wanted, runId } = call;
  const left = leftOf(limit);
  const needed = cost(asked.input, wanted * asked.answers) ?? 0;
  const nanos = Number.isFinite(left.nanos) ? Math.max(0, needed - left.nanos) : 0;
  const tokens = Number.isFinite(left.tokens) ? Math.max(0, asked.input + wanted * asked.answers - left.tokens) : 0;
  const { account } = limit;
  await sql.run("insert into budgets_lift (interrupt_id, run_id) values (?, ?)", leave, runId);
  await sql.run(
    "update budgets_account set lifted_nanos = lifted_nanos + ?, lifted_tokens = lifted_tokens + ? where id = ?",
    nanos,
    tokens,
    account.id,
  );
  return {
    ...limit,
    account: { ...account, lifted_nanos: account.lifted_nanos + nanos, lifted_tokens: account.lifted_tokens + tokens },
  };
}

/** A leave counts for the run and the budget that it was asked for, once. */
async function unusedLeave(sql: Sql, budgetId: string, { approvals, runId }: Reserving): Promise<string | undefined> {
  const marks = approvals.map(() => "?").join(", ");
  const row = await sql.get<{ id: string }>(
    `select i.id from runs_interrupt i where i.id in (${marks}) and i.run_id = ? and i.kind = 'BUDGET' and i.status = 'RESOLVED'
     and i.key >= ? and i.key < ? and not exists (select 1 from budgets_lift l where l.interrupt_id = i.id) order by i.id limit 1`,
    ...approvals,
    runId,
    `budget/${budgetId}/`,
    `budget/${budgetId}0`,
  );
  return row?.id;
}

/** Where one says no, nobody is asked. */
function refusal(tight: readonly Limit[], call: Reserving, least: number): WeftlineError {
  const run = tight.find(({ budget }) => budget === undefined);
  if (run) return new WeftlineError("RUN_LIMIT", { limit: run.words });
  const first = tight.find(({ budget }) => budget?.onExceed === "DENY") ?? tight[0];
  const { budget, endsAt } = first as Limit;
  const problem = problemOf(first as Limit, call, least);
  if (budget?.onExceed !== "PAUSE") return new WeftlineError("BUDGET_EXCEEDED", { budget: budget?.id, problem });
  const pause = {
    budget: budget.id,
    message: `May the run make one more model call? ${problem}`,
    ...(endsAt === undefined ? {} : { expiresInMs: Math.max(1, endsAt - call.now) }),
  };
  return new WeftlineError("BUDGET_EXCEEDED", { budget: budget.id, problem, pause });
}

function problemOf(limit: Limit, { asked, cost }: Reserving, least: number): string {
  const left = leftOf(limit);
  const needs: Spent = {
    input: asked.input,
    output: least * asked.answers,
    nanos: cost(asked.input, least * asked.answers) ?? null,
    source: null,
    estimated: true,
  };
  const isMoney = needs.nanos !== null && needs.nanos > left.nanos;
  const of = `the budget of the ${limit.words}`;
  return isMoney
    ? `${of} has ${amountOf(Math.max(0, left.nanos))} USD left, and the call may cost ${amountOf(needs.nanos ?? 0)} USD or more.`
    : `${of} has ${Math.max(0, left.tokens)} tokens left, and the call may take ${needs.input + needs.output} or more.`;
}

import type { Tx } from "../database/database.ts";
import { asSystem } from "../database/ownership/entity-manager.ts";
import { hasRole } from "../database/viewer.ts";
import { WeftlineError, type InputProblem } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { hashOf } from "../host/idempotency.ts";
import { appendSignal, type AppendHost } from "./append.ts";
import type { Decide } from "./contract.ts";
import { Interrupt, type StoredDecision } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import { event } from "./events.ts";
import { projectedRun } from "./projector.ts";
import type { ToolDefinition, ToolRegistry } from "./tools.ts";
import { isTerminal } from "./types.ts";
import { isOfUndo } from "./undo.ts";

/** What a decision needs beyond the log. */
export interface DecisionHost extends AppendHost {
  /** Checks edited arguments and answers; absent where no plugin provides it. */
  registry(): ToolRegistry | undefined;
}

/**
 * Resolves an interrupt, once. The decision is for exactly the call that was asked about: it names the hash of its arguments. It is logged
 * whenever it comes, also before the run has come to wait.
 *
 * @throws DECISION_CONFLICT where it was decided otherwise, expired, was cancelled, or asks about other arguments.
 */
export async function decideInterrupt(host: DecisionHost, scope: Scope, decide: Decide): Promise<Interrupt> {
  await scope.write(async (tx) => {
    const interrupt = await tx.em.findOne(Interrupt, { id: decide.interruptId });
    if (!interrupt) throw new WeftlineError("NOT_FOUND", { what: "interrupt", path: ["input", "interrupt"] });
    const decision = toDecision(decide, scope.viewer.actorId);
    if (interrupt.status !== "PENDING") return checkSame(interrupt, decide, decision);
    const run = await asSystem(tx.em).findOneOrFail(Run, { id: interrupt.runId });
    if (isTerminal(run.status) || (run.status === "CANCELLING" && (await isOfBefore(tx, run, interrupt))))
      throw conflict("Its run was cancelled or has ended.");
    await check(host, tx, interrupt, decide);
    await checkBudget(host, tx, { run, interrupt, decide, isAdmin: hasRole(scope.viewer, "admin") });
    await appendSignal(host, tx, projectedRun(run), [
      { ...event("interrupt.resolved", { interrupt: interrupt.id, status: "RESOLVED" }), row: { decision } },
    ]);
  }, "decide");
  scope.renew();
  return scope.em.findOneOrFail(Interrupt, { id: decide.interruptId });
}

interface Decided {
  readonly run: Run;
  readonly interrupt: Interrupt;
  readonly decide: Decide;
  readonly isAdmin: boolean;
}

/**
 * Only admins lift a budget; and what lets a run go on that could not be paid for is refused, so that it can be said again.
 *
 * @throws FORBIDDEN, BUDGET_EXCEEDED
 */
async function checkBudget({ meter }: DecisionHost, { sql }: Tx, { run, interrupt, decide, isAdmin }: Decided): Promise<void> {
  if (interrupt.kind === "BUDGET") {
    if (isAdmin) return;
    throw new WeftlineError("FORBIDDEN", { message: "Only admins decide about budgets.", path: ["input", "interrupt"] });
  }
  const { tenantId, ownerId, targetType, targetId, threadId } = run;
  if (decide.kind !== "REJECT")
    await meter()?.checkStart(sql, { tenantId, ownerId, targetType, targetId, threadId: threadId ?? undefined });
}

/** Whether a run that is being cancelled asked before that. What it asks to undo what it did, it waits for, whenever it asked. */
async function isOfBefore({ sql }: Tx, { streamNum, startSeq }: Run, { seq, stepId }: Interrupt): Promise<boolean> {
  if (stepId != null && (await isOfUndo(sql, stepId))) return false;
  const cancelled = await sql.get(
    "select seq from runs_event where stream_num = ? and seq > ? and run_seq = ? and kind = 'run.cancelling' limit 1",
    streamNum,
    seq,
    startSeq,
  );
  return cancelled !== undefined;
}

function toDecision({ kind, arguments: edited, payload, reason }: Decide, by: string): StoredDecision {
  const said = kind === "EDIT" ? edited : payload;
  return { kind, by, at: Date.now(), ...(reason === undefined ? {} : { reason }), ...(said === undefined ? {} : { payload: said }) };
}

/** The same decision again, about the same call, is a success: its sender may not have heard the first answer. */
function checkSame(interrupt: Interrupt, decide: Decide, decision: StoredDecision): void {
  const before = interrupt.decision;
  if (before && before.kind === decision.kind && before.by === decision.by && hashOf(before.payload) === hashOf(decision.payload))
    return checkHash(interrupt, decide);
  throw conflict(
    before ? `It was decided already: ${before.kind}.` : `It is ${interrupt.status.toLowerCase()} and can no longer be decided.`,
  );
}

async function check(host: DecisionHost, tx: Tx, interrupt: Interrupt, decide: Decide): Promise<void> {
  if (interrupt.expiresAt != null) {
    const clock = await tx.sql.get<{ now: number }>(`select ${tx.sql.now} as now`);
    if (clock && interrupt.expiresAt <= clock.now) throw conflict("It has expired.");
  }
  if (!interrupt.allowed.includes(decide.kind)) throw invalid(["kind"], `Allowed here: ${interrupt.allowed.join(", ")}.`);
  checkHash(interrupt, decide);
  if (decide.kind === "EDIT") await checkEdit(host, interrupt, decide);
  if (decide.kind === "ANSWER" && decide.payload === undefined) throw invalid(["payload"], "An answer needs a payload.");
  if (decide.kind === "ANSWER" && interrupt.responseSchema != null) {
    const schema = interrupt.responseSchema as Readonly<Record<string, unknown>>;
    const problems = (await host.registry()?.checkSchema(schema, decide.payload, callerOf(interrupt))) ?? [];
    if (problems.length > 0) throw invalidAll("payload", problems);
  }
}

function checkHash(interrupt: Interrupt, decide: Decide): void {
  if (interrupt.argumentsHash == null) return;
  if (decide.argumentsHash === undefined)
    throw invalid(["argumentsHash"], "Pass the interrupt's argumentsHash: a decision is for exactly one call.");
  if (decide.argumentsHash !== interrupt.argumentsHash) throw conflict("The arguments are not those of this interrupt.");
}

async function checkEdit(host: DecisionHost, interrupt: Interrupt, decide: Decide): Promise<void> {
  if (decide.arguments === undefined) throw invalid(["arguments"], "An edit needs the arguments to use instead.");
  const registry = host.registry();
  const tool = await toolOf(registry, interrupt);
  const schema = interrupt.responseSchema as Readonly<Record<string, unknown>> | null | undefined;
  const problems = tool
    ? ((await registry?.check(tool, decide.arguments, callerOf(interrupt))) ?? [])
    : ((schema && (await registry?.checkSchema(schema, decide.arguments, callerOf(interrupt)))) ?? []);
  if (problems.length > 0) throw invalidAll("arguments", problems);
}

/** The tool that was asked about, where there is one of the name now: everybody's, or one of the tenant's own. */
async function toolOf(registry: ToolRegistry | undefined, { toolName, tenantId }: Interrupt): Promise<ToolDefinition | undefined> {
  if (toolName == null || !registry) return undefined;
  return registry.find(toolName) ?? (await registry.ofTenant([toolName], { tenantId }))[0];
}

function callerOf({ tenantId, ownerId }: Interrupt): string {
  return `${tenantId}:${ownerId}`;
}

function conflict(problem: string): WeftlineError {
  return new WeftlineError("DECISION_CONFLICT", { problem, path: ["input"] });
}

function invalid(path: readonly string[], message: string): WeftlineError {
  const full = ["input", ...path];
  return new WeftlineError("INVALID_INPUT", { message, path: full, issues: [{ path: full, message }] });
}

function invalidAll(field: string, problems: readonly InputProblem[]): WeftlineError {
  return new WeftlineError("INVALID_INPUT", {
    path: ["input", field],
    issues: problems.map(({ path, message }) => ({ path: ["input", field, ...path], message })),
  });
}

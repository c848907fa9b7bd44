import type { Database } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { asPlatform } from "../database/rows.ts";
import { WeftlineError, type ErrorCode } from "../errors.ts";
import { castOf, type AgentCast, type OwnCast } from "./cast.ts";
import { converse } from "./converse.ts";
import { endOutright } from "./end-outright.ts";
import { Interrupt, ToolCall } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import { event, type EventPayloads, type LoggedEvent } from "./events.ts";
import type { KnownProgram } from "./figures.ts";
import { CallCosts } from "./metering/call-costs.ts";
import { meterOf } from "./metering/meter.ts";
import { RunMeter } from "./metering/run-meter.ts";
import { perform } from "./perform.ts";
import { projectedRun } from "./projector.ts";
import { Questions } from "./questions.ts";
import { foldOpenMessages, readPast } from "./restore.ts";
import { RunSession } from "./session.ts";
import type { TurnHost, TurnStops } from "./stage.ts";
import { ToolCalls } from "./tool-calls.ts";
import { traceparentsOf } from "./trace/trace-context.ts";
import { ToolRuns } from "./tool-runs.ts";
import { toolRegistry, type PolicedCall } from "./tools.ts";
import { endTurn, provenanceOf, terminate, type Ending } from "./turn-end.ts";
import { storedUsage } from "./usage.ts";

/** Errors that leave a run as it stands: it is another owner's, or the store takes nothing now. */
const leavesRun: ReadonlySet<ErrorCode> = new Set(["RUN_FENCED", "SHUTTING_DOWN", "STORE_UNAVAILABLE", "NOT_FOUND"]);

/** After so many lost processes a run is given up, so that it does not take the others down with it. */
const maxTakeovers = 5;

/**
 * Advances a claimed run as far as it goes now: to its end, or to where it waits for a person. Everything that happened before, in this
 * process or in a lost one, is read from the log.
 *
 * @throws RUN_FENCED or SHUTTING_DOWN where the run must be left as it is.
 */
export async function runTurn(host: TurnHost, run: Run, stops: TurnStops): Promise<void> {
  const { abort, end, wakes } = stops;
  wakes.seen = run.wakes;
  const opened = await openSession(host, run).catch(async (error: unknown) => {
    // It may be readable later, but not for ever.
    if (run.takeovers <= maxTakeovers) throw error;
    refusedFor(host, run, error);
    await endOutright(host, run, new WeftlineError("RUN_POISONED", { takeovers: run.takeovers }, { cause: error }));
  });
  if (!opened) return;
  const { session, calls, interrupts, isCancelling } = opened;
  const leftMs = await timeLeft(host.database, run);
  const deadline =
    leftMs === undefined
      ? undefined
      : setTimeout(() => end.abort(new WeftlineError("RUN_DEADLINE")), Math.max(0, Math.min(leftMs, 2 ** 31 - 1)));
  let wasEnding = false;
  try {
    if (isCancelling) end.abort(new WeftlineError("RUN_CANCELLED"));
    if (leftMs !== undefined && leftMs <= 0) end.abort(new WeftlineError("RUN_DEADLINE"));
    wasEnding = end.signal.aborted;
    if (run.startedAt == null) end.signal.throwIfAborted();
    if (run.pauseRequested === 1 && !end.signal.aborted) return await pauseNow(session);
    if (run.takeovers > maxTakeovers) throw new WeftlineError("RUN_POISONED", { takeovers: run.takeovers });
    if (!isCancelling) session.append(run.startedAt == null ? "run.started" : "run.resumed", {});
    const cast = await castOf(host.lookup, run).catch((error: unknown) => {
      throw end.signal.aborted ? end.signal.reason : error;
    });
    host.counters.programs.note(run.id, programOf(run, cast));
    if (!("endsItself" in cast.program && cast.program.endsItself)) endAtOnce(stops);
    const registry = host.lookup.has(toolRegistry) ? host.lookup.use(toolRegistry) : undefined;
    const toolCalls = new ToolCalls({
      session,
      read: host.database.read,
      tools: cast.tools,
      registry,
      caller: callerOf(run, cast),
      gates: host.gates,
      signal: abort.signal,
      log: host.log,
      uncaught: host.uncaught,
      stalls: host.stalls,
      traceparent: traceparentsOf(host.lookup, run),
      runs: new ToolRuns({ host, run, session, stops }),
      failpoint: host.failpoint,
      calls,
      interrupts,
    });
    const questions = new Questions({ session, registry, plugin: cast.plugin, interrupts });
    const meter = new RunMeter({ meter: meterOf(host.lookup), run, session, questions });
    const stage = { host, run, session, toolCalls, questions, meter, ...stops };
    const { output, text } = await host.uncaught.label({ plugin: cast.plugin }, () =>
      cast.kind === "agent" ? host.providers.watch({ runId: run.id, cast }, () => converse(stage, cast)) : perform(stage, cast),
    );
    await terminate({ host, run, stops }, session, "run.finished", { ...provenanceOf(session), output, usage: session.usage }, text);
  } catch (error) {
    await endForCertain({ host, run, stops, wasEnding }, session, abort.signal.aborted ? abort.signal.reason : error);
  } finally {
    clearTimeout(deadline);
  }
}

/** What of a cast its watchers are told. */
function programOf({ targetType }: Run, cast: AgentCast | OwnCast): KnownProgram {
  const { plugin } = cast;
  if (cast.kind === "own") return { targetType, plugin };
  return { targetType, plugin, framework: cast.program.framework, provider: cast.model.provider, model: cast.model.model };
}

/** Pauses a run before its turn begins: the pause was asked for while an earlier turn ended, or its process was lost. */
async function pauseNow(session: RunSession): Promise<void> {
  session.append("run.paused", {}, { urgency: "now" });
  await session.flush();
}

/** Whoever does not end by itself is ended when the run is to end. */
function endAtOnce({ abort, end }: TurnStops): void {
  const stop = (): void => abort.abort(end.signal.reason);
  if (end.signal.aborted) stop();
  else end.signal.addEventListener("abort", stop, { once: true });
  abort.signal.throwIfAborted();
}

/** Who calls tools in a run, as policies see it. */
function callerOf(run: Run, { program }: AgentCast | OwnCast): Pick<PolicedCall, "agent" | "run"> {
  const { id, threadId = null, trigger, ownerId, tenantId } = run;
  const agent = "agent" in program ? { ...program.agent, policies: program.toolPolicies ?? [] } : undefined;
  return { agent, run: { id, threadId, trigger, ownerId, tenantId } };
}

/** Until the deadline by the store's clock: this process's own decides nothing. */
async function timeLeft({ read }: Database, run: Run): Promise<number | undefined> {
  if (run.deadlineAt == null) return undefined;
  const clock = await read.get<{ now: number }>(`select ${read.now} as now`);
  return run.deadlineAt - (clock?.now ?? 0);
}

/** A run as its turn finds it. */
interface Opened {
  readonly session: RunSession;
  readonly calls: ToolCall[];
  readonly interrupts: Interrupt[];
  /** Whether a cancel was asked for, perhaps since the run was claimed. */
  readonly isCancelling: boolean;
}

async function openSession(host: TurnHost, run: Run): Promise<Opened> {
  const fresh = run.startedAt == null;
  const { read, rows } = host.database;
  const past: LoggedEvent[] = fresh ? [{ seq: run.startSeq, at: run.createdAt, ...event("run.queued", {}) }] : await readPast(read, run);
  const start = {
    run: projectedRun(run),
    epoch: run.epoch,
    agentName: run.targetName,
    provenance: run.provenance ?? undefined,
    usage: storedUsage(run.usage),
    past,
    broken: fresh ? [] : await foldOpenMessages(read, run, past),
    regeneratesId: run.regeneratesId ?? undefined,
    costs: new CallCosts(meterOf(host.lookup)),
    lastCheckpoint: fresh ? undefined : await lastCheckpointOf(read, run),
  };
  const ofRun = { where: "e.run_id = ?", params: [run.id] };
  const calls = fresh ? [] : await rows.all(ToolCall, asPlatform, ofRun);
  const interrupts = fresh ? [] : await rows.all(Interrupt, asPlatform, { ...ofRun, orderBy: "e.created_at" });
  const session = new RunSession(host.writer, start);
  const resumable = stepsToResume(past, session.open.steps);
  if (!fresh) {
    session.countWritten(await writtenBy(read, run));
    closeLost(session, calls, resumable);
    session.resumeSteps(resumable.values());
  }
  const isCancelling = run.status === "CANCELLING" || past.some(({ kind }) => kind === "run.cancelling");
  return { session, calls, interrupts, isCancelling };
}

async function lastCheckpointOf(sql: Sql, { id }: Run): Promise<string | undefined> {
  const last = await sql.get<{ id: string }>(
    "select id from runs_checkpoint where run_id = ? and namespace = '' order by num desc limit 1",
    id,
  );
  return last?.id;
}

/** What earlier turns wrote, as far as it is there. */
async function writtenBy(sql: Sql, { id, streamNum, startSeq }: Run): Promise<number> {
  const row = await sql.get<{ written: number }>(
    `select (select coalesce(sum(length(payload) + 40), 0) from runs_event where stream_num = ? and seq >= ? and run_seq = ?)
     + (select coalesce(sum(length(value)), 0) from runs_checkpoint_value where run_id = ?)
     + (select coalesce(sum(bytes), 0) from runs_value where stream_num = ? and run_seq = ?) as written`,
    streamNum,
    startSeq,
    startSeq,
    id,
    streamNum,
    startSeq,
  );
  return row?.written ?? 0;
}

/** The session anew, from what stands in the log. The epoch stays that of this turn: whoever took the run over is not written into. */
async function reopen(host: TurnHost, { id, epoch }: Run): Promise<RunSession> {
  const run = await host.database.em("SYSTEM").findOneOrFail(Run, { id });
  return (await openSession(host, Object.assign(run, { epoch }))).session;
}

/**
 * What a lost process left open and nobody will go on with: steps, and calls that the model had not finished writing. Calls of complete
 * messages may still be made; those that are not end with the run.
 */
function closeLost(session: RunSession, calls: readonly ToolCall[], resumable: ReadonlyMap<number, unknown>): void {
  const reason = "The server process was lost.";
  const open = session.open;
  for (const c of open.calls) {
    const call = calls.find(({ num }) => num === c);
    const unwritten = call?.messageId != null && open.messages.some((m) => call.messageId === `${session.run.id}.${m}`);
    if (unwritten) session.append("tool.finished", { c, status: "CANCELLED", error: reason });
  }
  for (const s of open.steps) if (!resumable.has(s)) session.append("step.finished", { s, status: "FAILED", error: reason });
}

/** Steps that last over the turns of their run: nodes, and what waits for a run that it started. */
function stepsToResume(past: readonly LoggedEvent[], open: readonly number[]): ReadonlyMap<number, LoggedEvent<StepStarted>> {
  const lasting = new Map<number, LoggedEvent<StepStarted>>();
  if (open.length === 0) return lasting;
  const isOpen = new Set(open);
  for (const each of past) {
    if (each.kind !== "step.started") continue;
    const { s, node, child } = each.payload as StepStarted;
    if (isOpen.has(s) && (node !== undefined || child !== undefined)) lasting.set(s, each as LoggedEvent<StepStarted>);
  }
  return lasting;
}

type StepStarted = EventPayloads["step.started"];

/** Ends a turn, whatever it takes: a run whose last row was refused would stay at work, and be done again. */
async function endForCertain(ending: Ending, session: RunSession, reason: unknown): Promise<void> {
  const { host, run } = ending;
  let failure = new WeftlineError("INTERNAL", {}, { cause: reason });
  try {
    return await endTurn(ending, session.spoilt ? await reopen(host, run) : session, reason);
  } catch (error) {
    refusedFor(host, run, error);
    // What the log refused with a reason of its own, as a run that is too deep, is why it ends.
    if (error instanceof WeftlineError && error.kind !== "internal") failure = error;
  }
  try {
    await endTurn(ending, await reopen(host, run), failure);
  } catch (error) {
    refusedFor(host, run, error);
    await endOutright(host, run, failure);
  }
}

/** Logs why a run could not be ended so. @throws what leaves the run to another owner, or to a later try. */
function refusedFor({ log }: TurnHost, { id }: Run, error: unknown): void {
  if (error instanceof WeftlineError && leavesRun.has(error.code)) throw error;
  log.error({ runId: id, err: error }, "how a run was to end could not be written");
}

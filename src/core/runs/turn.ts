import pRetry from "p-retry";
import type { Database } from "../database/database.ts";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";
import { castOf, type Cast, type Lookup } from "./cast.ts";
import type { AgentProgram } from "./contract.ts";
import { Interrupt, ToolCall } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import { event, type EventKind, type EventPayloads, type LoggedEvent, type RunEventBody } from "./events.ts";
import type { Failpoint } from "./failpoint.ts";
import { failureOf } from "./failure.ts";
import { conversationOf, inputOf } from "./history.ts";
import { listen } from "./listen.ts";
import { Questions } from "./questions.ts";
import { foldOpenMessages, readPast } from "./restore.ts";
import { contextOf, type TurnAsks } from "./run-context.ts";
import { RunSession, noUsage } from "./session.ts";
import { ToolCalls } from "./tool-calls.ts";
import { toolRegistry } from "./tools.ts";
import type { LogWriter } from "./writer.ts";

/** How often a turn is tried when the provider fails in a way that may pass. */
const attempts = 3;
/** After so many lost processes a run is given up, so that it does not take the others down with it. */
const maxTakeovers = 5;

/** What a turn needs of the host. */
export interface TurnHost {
  readonly database: Database;
  readonly writer: LogWriter;
  readonly log: Logger;
  readonly lookup: Lookup;
  readonly failpoint?: Failpoint | undefined;
}

/**
 * Advances a claimed run as far as it goes now: to its end, or to where it waits for a person. Everything that happened before, in this
 * process or in a lost one, is read from the log.
 *
 * @throws RUN_FENCED or SHUTTING_DOWN where the run must be left as it is.
 */
export async function runTurn(host: TurnHost, run: Run, abort: AbortController): Promise<void> {
  const { session, calls, interrupts } = await openSession(host, run);
  const leftMs = await timeLeft(host.database, run);
  const deadline =
    leftMs === undefined ? undefined : setTimeout(() => abort.abort(new WeftlineError("RUN_DEADLINE")), Math.min(leftMs, 2 ** 31 - 1));
  try {
    if (run.status === "CANCELLING") throw new WeftlineError("RUN_CANCELLED");
    if (leftMs !== undefined && leftMs <= 0) throw new WeftlineError("RUN_DEADLINE");
    if (run.takeovers > maxTakeovers) throw new WeftlineError("RUN_POISONED", { takeovers: run.takeovers });
    session.append(run.startedAt == null ? "run.started" : "run.resumed", {});
    const cast = await castOf(host.lookup, run);
    if (run.takeovers > 0 && run.startedAt != null && !cast.runtime.features.resume) throw new WeftlineError("PROCESS_LOST");
    session.answersAs(cast.model.provenance);
    const registry = host.lookup.has(toolRegistry) ? host.lookup.use(toolRegistry) : undefined;
    const toolCalls = new ToolCalls({
      session,
      tools: cast.tools,
      registry,
      signal: abort.signal,
      log: host.log,
      failpoint: host.failpoint,
      calls,
      interrupts,
    });
    const questions = new Questions({ session, registry, plugin: cast.plugin, interrupts });
    await converse(host, run, session, cast, { toolCalls, questions }, abort);
    await finish(host, run, session, cast.program);
  } catch (error) {
    const ending = session.spoilt ? await reopen(host, run) : session;
    await end(host, ending, run, abort.signal.aborted ? abort.signal.reason : error);
  } finally {
    clearTimeout(deadline);
  }
}

/** Until the deadline by the store's clock: this process's own decides nothing. */
async function timeLeft({ read }: Database, run: Run): Promise<number | undefined> {
  if (run.deadlineAt == null) return undefined;
  const clock = await read.get<{ now: number }>(`select ${read.now} as now`);
  return run.deadlineAt - (clock?.now ?? 0);
}

async function openSession(host: TurnHost, run: Run): Promise<{ session: RunSession; calls: ToolCall[]; interrupts: Interrupt[] }> {
  const fresh = run.startedAt == null;
  const { read } = host.database;
  const em = host.database.em("SYSTEM");
  const past: LoggedEvent[] = fresh ? [{ seq: run.startSeq, at: run.createdAt, ...event("run.queued", {}) }] : await readPast(read, run);
  const start = {
    run: {
      id: run.id,
      tenantId: run.tenantId,
      ownerId: run.ownerId,
      streamNum: run.streamNum,
      startSeq: run.startSeq,
      threadId: run.threadId ?? null,
      targetType: run.targetType,
      targetId: run.targetId,
    },
    epoch: run.epoch,
    agentName: run.targetName,
    provenance: run.provenance ?? undefined,
    usage: run.usage ?? noUsage,
    past,
    broken: fresh ? [] : await foldOpenMessages(read, run, past),
    regeneratesId: run.regeneratesId ?? undefined,
  };
  const calls = fresh ? [] : await em.find(ToolCall, { runId: run.id });
  const interrupts = fresh ? [] : await em.find(Interrupt, { runId: run.id }, { orderBy: { createdAt: "asc" } });
  const session = new RunSession(host.writer, start);
  if (!fresh) closeLost(session, calls);
  return { session, calls, interrupts };
}

/** The session anew, from what stands in the log. The epoch stays that of this turn: whoever took the run over is not written into. */
async function reopen(host: TurnHost, { id, epoch }: Run): Promise<RunSession> {
  const run = await host.database.em("SYSTEM").findOneOrFail(Run, { id });
  return (await openSession(host, Object.assign(run, { epoch }))).session;
}

/** What a lost process left open and nobody will go on with: steps, and calls that the model had not finished writing. */
function closeLost(session: RunSession, calls: readonly ToolCall[]): void {
  const reason = "The server process was lost.";
  const open = session.open;
  for (const c of open.calls) {
    const call = calls.find(({ num }) => num === c);
    const unwritten = call?.messageId != null && open.messages.some((m) => call.messageId === `${session.run.id}.${m}`);
    if (unwritten) session.append("tool.finished", { c, status: "CANCELLED", error: reason });
  }
  for (const s of open.steps) session.append("step.finished", { s, status: "FAILED", error: reason });
}

/** Lets the adapter speak; a provider's passing failure starts the turn again from the messages that are complete. */
async function converse(host: TurnHost, run: Run, session: RunSession, cast: Cast, asks: TurnAsks, abort: AbortController): Promise<void> {
  const ctx = contextOf(host, run, session, cast, asks, abort.signal);
  const speak = async (attempt: number): Promise<void> => {
    const nothingSaid = attempt === 1 && run.startedAt == null;
    if (!nothingSaid) await session.flush();
    const messages = nothingSaid && run.threadId == null ? inputOf(run) : await conversationOf(host.database, run);
    const request = {
      agent: cast.program.agent,
      instructions: cast.program.instructions,
      options: cast.program.options as never,
      messages,
      input: run.input ?? null,
      outputSchema: run.settings.outputSchema ?? cast.program.outputSchema,
    };
    await listen(cast.runtime.stream(request, ctx), abort.signal, (body) => hear(run, session, cast, body, abort));
    const { messages: open, steps } = session.open;
    if (open.length + steps.length > 0) {
      throw new WeftlineError("PROTOCOL_VIOLATION", { plugin: cast.plugin, problem: "the turn ended with a message or a step open" });
    }
  };
  await pRetry(speak, {
    retries: attempts - 1,
    minTimeout: 500,
    factor: 2,
    randomize: true,
    signal: abort.signal,
    shouldRetry: ({ error }) => cast.runtime.features.resume && error instanceof WeftlineError && error.retryable && !abort.signal.aborted,
    onFailedAttempt: async ({ error, retriesLeft }) => {
      if (retriesLeft === 0 || !(error instanceof WeftlineError && error.retryable)) return;
      host.log.warn({ runId: run.id, code: error.code }, "a turn failed and is tried again");
      session.breakOff(error.message);
      if (error.details.retryAfterMs !== undefined) await pause(Math.min(error.details.retryAfterMs, 60_000), abort.signal);
    },
  });
}

function hear(run: Run, session: RunSession, cast: Cast, body: RunEventBody, abort: AbortController): Promise<void> | undefined {
  const wait = blaming(cast.plugin, () => session.say(body));
  const { maxTokens } = run.limits;
  if (body.kind === "usage.recorded" && maxTokens !== undefined && session.usage.inputTokens + session.usage.outputTokens > maxTokens) {
    abort.abort(new WeftlineError("RUN_LIMIT", { limit: `${maxTokens} tokens` }));
  }
  return wait;
}

/** A broken protocol is the fault of the plugin that spoke. */
function blaming<T>(plugin: string, speak: () => T): T {
  try {
    return speak();
  } catch (error) {
    if (!(error instanceof WeftlineError && error.code === "PROTOCOL_VIOLATION")) throw error;
    throw new WeftlineError("PROTOCOL_VIOLATION", { ...error.details, plugin }, { cause: error });
  }
}

async function finish(host: TurnHost, run: Run, session: RunSession, program: AgentProgram): Promise<void> {
  const text = session.lastText ?? "";
  const schema = run.settings.outputSchema ?? program.outputSchema;
  const output = schema ? structured(host, schema, text) : text;
  await terminate(host, session, "run.finished", { ...provenanceOf(session), output, usage: session.usage }, text);
}

function structured(host: TurnHost, schema: Readonly<Record<string, unknown>>, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new WeftlineError("OUTPUT_INVALID", { problem: "it is not JSON" }, { cause: error });
  }
  const problems = host.lookup.has(toolRegistry) ? host.lookup.use(toolRegistry).checkSchema(schema, value) : [];
  if (problems.length > 0)
    throw new WeftlineError("OUTPUT_INVALID", { problem: problems.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ") });
  return value;
}

/** Ends a turn that did not come to its own end. */
async function end(host: TurnHost, session: RunSession, run: Run, reason: unknown): Promise<void> {
  const known = asWeftlineError(reason);
  const usage = session.usage;
  const text = session.lastText;
  switch (known.code) {
    case "RUN_FENCED":
    case "SHUTTING_DOWN":
      throw known;
    case "RUN_SUSPENDED":
      host.failpoint?.("wait.before");
      session.append("run.waiting", {}, { urgency: "now" });
      await session.flush();
      return host.failpoint?.("wait.committed");
    case "RUN_CANCELLED": {
      const cancelReason = run.cancelReason ?? (known.details.reason as string | undefined);
      session.closeOpen("CANCELLED", "The run was cancelled.");
      return terminate(
        host,
        session,
        "run.cancelled",
        { ...provenanceOf(session), ...(cancelReason ? { reason: cancelReason } : {}), usage },
        text,
      );
    }
    case "RUN_DEADLINE":
      session.closeOpen("CANCELLED", known.message);
      return terminate(host, session, "run.expired", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
    default:
      if (known.kind === "internal") host.log.error({ runId: run.id, err: known.cause ?? known }, "a run failed");
      session.closeOpen("FAILED", known.code === "INTERNAL" ? "Something went wrong here." : known.message);
      return terminate(host, session, "run.failed", { ...provenanceOf(session), failure: failureOf(known), usage }, text);
  }
}

async function terminate<Kind extends EventKind>(
  host: TurnHost,
  session: RunSession,
  kind: Kind,
  payload: EventPayloads[Kind],
  text: string | undefined,
): Promise<void> {
  if (session.raised.size > 0) {
    await session.flush();
    const pending = await host.database.read.all<{ id: string }>(
      "select id from runs_interrupt where run_id = ? and status = 'PENDING'",
      session.run.id,
    );
    for (const { id } of pending) session.append("interrupt.resolved", { interrupt: id, status: "CANCELLED" });
  }
  host.failpoint?.("finish.before");
  session.append(kind, payload, { row: { text }, urgency: "now" });
  await session.flush();
  host.failpoint?.("finish.committed");
}

function provenanceOf(session: RunSession): { provenance?: "LIVE" | "SIMULATED" | "REPLAYED" } {
  return session.provenance === undefined || session.usage.modelCalls === 0 ? {} : { provenance: session.provenance };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
  });
}

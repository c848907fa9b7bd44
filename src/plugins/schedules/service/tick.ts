import { LockMode } from "@mikro-orm/core";
import {
  Run,
  WeftlineError,
  asWeftlineError,
  startRequested,
  untilAborted,
  type FoundTarget,
  type NamedTarget,
  type OnBusy,
  type Scope,
  type Tx,
} from "#weftline";
import { decideTick, graceMs, timeOf, type DueTick } from "../cron/due.ts";
import { Schedule } from "../entities.ts";
import type { Overlap } from "../types.ts";
import type { SchedulesHost } from "./host.ts";
import { publishSchedule } from "./rows.ts";
import { targetNamed, threadOf } from "./target.ts";

const onBusy: Readonly<Record<Overlap, OnBusy>> = { SKIP: "REJECT", QUEUE: "ENQUEUE", CANCEL_PREVIOUS: "INTERRUPT" };

/**
 * Decides about the oldest tick of a schedule that is due: starts its run, as its owner, and moves on, in one transaction. Where the run cannot be
 * started, the tick is skipped, or the schedule disabled, with a reason.
 *
 * @throws transient errors, such as an unavailable store or authenticator, and the signal's reason: the tick stays due.
 */
export async function fireTick(host: SchedulesHost, schedule: Schedule, signal: AbortSignal): Promise<void> {
  try {
    await startAsOwner(host, schedule, signal);
  } catch (error) {
    const known = asWeftlineError(error);
    const outcome = outcomeOf(known);
    if (outcome === "later") throw error;
    await (outcome === "skip" ? skipTick(host, schedule, known) : disable(host, schedule, known));
  }
}

async function startAsOwner(host: SchedulesHost, read: Schedule, signal: AbortSignal): Promise<void> {
  const { scope, named, checked } = await withinLimit(host, signal, prepare(host, read));
  await scope.write(async (tx) => {
    const schedule = await lock(tx, read);
    const now = await host.database.now();
    const due = schedule && decideTick(schedule, now, host.config.missedTicks);
    if (!due) return;
    const { tick, leftOut } = due;
    if (tick !== undefined && !(await hasRun(scope, schedule.id, tick)))
      schedule.lastRunId = (await startRun(host, scope, tx, { schedule, tick, named, checked })).id;
    moveOn(host, tx, schedule, due, reasonAfter(schedule, due, now));
    if (leftOut !== undefined) host.log.warn({ scheduleId: schedule.id, leftOut }, "ticks of a schedule were missed");
  }, "schedules.tick");
}

/** Who the owner is now, and whether the target takes what it would be given. */
async function prepare(host: SchedulesHost, read: Schedule) {
  const scope = await host.acting.of({ tenantId: read.tenantId, actorId: read.ownerId });
  const named = targetNamed(scope, read);
  return { scope, named, checked: await named.check({ input: read.input, text: read.text }) };
}

/** An authenticator or a target that never answers holds up nobody else. */
async function withinLimit<T>({ config }: SchedulesHost, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(config.checkMs);
  try {
    return await untilAborted(work, AbortSignal.any([signal, late]));
  } catch (error) {
    if (!late.aborted || signal.aborted || error instanceof WeftlineError) throw error;
    const reason = `its owner or its target could not be looked up within ${config.checkMs / 1_000} s.`;
    const fix = "See which authenticator or plugin does not answer.";
    throw new WeftlineError("UNAVAILABLE", { what: "A run of the schedule", reason, fix }, { cause: error });
  }
}

interface Start {
  readonly schedule: Schedule;
  readonly tick: number;
  readonly named: NamedTarget;
  readonly checked: FoundTarget | undefined;
}

async function startRun({ config }: SchedulesHost, scope: Scope, tx: Tx, { schedule, tick, named, checked }: Start) {
  const { id, overlap, limits, input, text } = schedule;
  const open = await scope.countRows(Run, { where: "e.schedule_id = ? and e.finished_at is null", params: [id] });
  return startRequested(scope, tx, {
    targetType: named.targetType,
    target: await named.find(checked),
    trigger: "SCHEDULE",
    schedule: { id, tickAt: tick },
    onBusy: overlap === "QUEUE" && open >= config.openRuns ? "REJECT" : onBusy[overlap],
    limits,
    input,
    text: text ?? null,
    thread: threadOf(schedule),
  });
}

/** What was read unlocked decides nothing: a schedule that changed since, or that another process moved on, is left alone. */
async function lock(tx: Tx, { id, nextAt, updatedAt }: Schedule): Promise<(Schedule & { readonly nextAt: number }) | undefined> {
  const row = await tx.em.findOne(Schedule, { id, nextAt, updatedAt, enabled: true }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return row?.nextAt == null ? undefined : (row as Schedule & { readonly nextAt: number });
}

/** A clock that was put back may come to a tick again. */
async function hasRun(scope: Scope, scheduleId: string, tick: number): Promise<boolean> {
  return (await scope.countRows(Run, { where: "e.schedule_id = ? and e.schedule_tick_at = ?", params: [scheduleId, tick] })) > 0;
}

/** What was left out stays told while missed ticks are made up for, until a tick that is on time. */
function reasonAfter({ reason }: Schedule, { tick, leftOut }: DueTick, now: number): string | null {
  if (leftOut !== undefined) return leftOut;
  const isMissed = tick !== undefined && now - tick >= graceMs;
  return isMissed ? (reason ?? null) : null;
}

function moveOn(host: SchedulesHost, tx: Tx, schedule: Schedule, { tick, next }: DueTick, reason: string | null): void {
  schedule.lastTickAt = tick ?? schedule.nextAt ?? null;
  schedule.nextAt = next ?? null;
  schedule.reason = next === undefined ? "There is no later tick." : reason;
  schedule.enabled = next !== undefined;
  publishSchedule(host, tx, schedule, "UPDATED");
}

/** What to do about a tick whose run could not be started. */
function outcomeOf({ code, kind }: WeftlineError): "skip" | "disable" | "later" {
  // What is busy or full now may not be at the next tick.
  if (code === "BUSY" || code === "RATE_LIMITED" || code === "STORAGE_FULL" || code === "WORK_TOO_LONG") return "skip";
  return kind === "notFound" || kind === "forbidden" || kind === "input" || kind === "conflict" ? "disable" : "later";
}

async function skipTick(host: SchedulesHost, read: Schedule, error: WeftlineError): Promise<void> {
  await host.database.write(
    "SYSTEM",
    async (tx) => {
      const schedule = await lock(tx, read);
      const due = schedule && decideTick(schedule, await host.database.now(), host.config.missedTicks);
      if (!due) return;
      const why = error.code === "BUSY" ? "a run before it is still open." : told(error);
      const skipped = `The tick of ${timeOf(due.tick ?? schedule.nextAt)} was skipped: ${why}`;
      moveOn(host, tx, schedule, due, due.leftOut === undefined ? skipped : `${due.leftOut} ${skipped}`);
    },
    "schedules.skip",
  );
}

async function disable(host: SchedulesHost, read: Schedule, error: WeftlineError): Promise<void> {
  await host.database.write(
    "SYSTEM",
    async (tx) => {
      const schedule = await lock(tx, read);
      if (!schedule) return;
      const reason = `Disabled at the tick of ${timeOf(schedule.nextAt)}: ${told(error)} Then enable it with updateSchedule.`;
      Object.assign(schedule, { enabled: false, nextAt: null, lastTickAt: schedule.nextAt, reason });
      publishSchedule(host, tx, schedule, "UPDATED");
      host.log.warn({ scheduleId: schedule.id, code: error.code }, "a schedule was disabled");
    },
    "schedules.disable",
  );
}

const mostProblems = 3;

/** An error for who reads a reason, and does not see the issues of the error. */
function told({ message, fix, details: { issues = [] } }: WeftlineError): string {
  if (issues.length === 0) return `${message} ${fix}`;
  const problems = issues.slice(0, mostProblems).map((issue) => `${issue.path.slice(1).join(".")}: ${issue.message.replace(/\.$/, "")}`);
  return `The target does not take what it would be given. ${problems.join("; ")}. Correct it with updateSchedule.`;
}

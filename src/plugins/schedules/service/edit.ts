import { v7 as newId } from "uuid";
import { idempotently, loadRow, localId, runLimitsOf, runTargetNamed, type RunLimits, type Scope } from "#weftline";
import { nextTick } from "../cron/cron.ts";
import { Schedule } from "../entities.ts";
import type { SchedulesHost } from "./host.ts";
import type { CreateSchedule, UpdateSchedule } from "./inputs.ts";
import { clearedProblems, fieldProblems, limitProblems, refuseIf, tidyName } from "./problems.ts";
import { checkCount, missingSchedule, publishSchedule, saveSchedule, scheduleToChange } from "./rows.ts";
import { checkStartable, targetNamed, threadOf } from "./target.ts";

/**
 * Makes a schedule of the viewer. What its runs are given is checked against the target now, as `startRun` would.
 *
 * @throws INVALID_INPUT, NOT_FOUND, RATE_LIMITED, CONFLICT for a taken name, IDEMPOTENCY_CONFLICT, and what the target refuses with.
 */
export async function createSchedule(host: SchedulesHost, scope: Scope, input: CreateSchedule): Promise<Schedule> {
  refuseIf(await fieldProblems(scope, input));
  const limits = limitsOf(host, input.limits);
  const named = runTargetNamed(scope, input.target);
  const { text = null, thread = null } = input;
  // Outside the transaction, since a target may take its time; told only where there is no first answer.
  const [checked] = await Promise.allSettled([checkStartable(scope, { named, input: input.input, text, thread })]);
  const { schedule } = await idempotently(scope, { mutation: "createSchedule", key: input.idempotencyKey, body: input }, async (tx) => {
    if (checked.status === "rejected") throw checked.reason;
    const { target, threadId } = checked.value;
    await checkCount(host, scope);
    const when = { cron: input.cron.trim(), timeZone: input.timeZone ?? "UTC" };
    const enabled = input.enabled ?? true;
    const now = await host.database.now();
    const made = tx.em.create(Schedule, {
      id: newId(),
      tenantId: scope.viewer.tenantId,
      ownerId: scope.viewer.actorId,
      name: tidyName(input.name),
      targetType: named.targetType,
      targetField: named.field,
      targetId: target.id,
      input: input.input ?? null,
      text,
      threadId,
      limits,
      ...when,
      missedTicks: input.missedTicks ?? "RUN_ONCE",
      overlap: input.overlap ?? "SKIP",
      enabled,
      reason: null,
      nextAt: enabled ? (nextTick(when, now) ?? null) : null,
      lastTickAt: null,
      lastRunId: null,
      createdAt: now,
      updatedAt: now,
    });
    await saveSchedule(host, tx, made, "CREATED");
    return { schedule: made.id };
  });
  return committedSchedule(scope, schedule);
}

/**
 * Changes a schedule of the viewer. Enabling it checks its target and its thread anew and clears the reason; ticks from before then are not missed.
 *
 * @throws as {@link createSchedule}.
 */
export async function updateSchedule(host: SchedulesHost, scope: Scope, input: UpdateSchedule): Promise<Schedule> {
  refuseIf([...clearedProblems(input), ...(await fieldProblems(scope, input))]);
  const limits = input.limits === undefined ? undefined : limitsOf(host, input.limits);
  const id = localId("Schedule", input.schedule, ["input", "schedule"]);
  const current = (await loadRow(scope, Schedule, id)) ?? missingSchedule(["input", "schedule"]);
  const found = needsCheck(input) ? await checkChange(scope, current, input) : {};
  await scope.write(async (tx) => {
    const row = await scheduleToChange(tx, id, ["input", "schedule"]);
    const before = { cron: row.cron, timeZone: row.timeZone };
    Object.assign(row, given(input), found, limits === undefined ? {} : { limits });
    const now = await host.database.now();
    setNextTick(row, input, { before, now });
    row.updatedAt = now;
    await saveSchedule(host, tx, row, "UPDATED");
  }, "schedules.update");
  return committedSchedule(scope, id);
}

/** @throws INVALID_ID, NOT_FOUND */
export async function removeSchedule(host: SchedulesHost, scope: Scope, schedule: string): Promise<string> {
  const id = localId("Schedule", schedule, ["schedule"]);
  return scope.write(async (tx) => {
    const row = await scheduleToChange(tx, id, ["schedule"]);
    tx.em.remove(row);
    publishSchedule(host, tx, row, "DELETED");
    return row.id;
  }, "schedules.remove");
}

function limitsOf({ meter }: SchedulesHost, input: CreateSchedule["limits"]): RunLimits {
  const limits = runLimitsOf(input, ["input", "limits"]);
  refuseIf(limitProblems(limits, meter));
  return limits;
}

/** What a change sets as it was given. */
function given({ name, input, text, cron, timeZone, missedTicks, overlap }: UpdateSchedule): Partial<Schedule> {
  return {
    ...(name == null ? {} : { name: tidyName(name) }),
    ...(input === undefined ? {} : { input }),
    ...(text === undefined ? {} : { text }),
    ...(cron == null ? {} : { cron: cron.trim() }),
    ...(timeZone == null ? {} : { timeZone }),
    ...(missedTicks == null ? {} : { missedTicks }),
    ...(overlap == null ? {} : { overlap }),
  };
}

/** One that is only renamed, moved in time or disabled need not have a target that takes runs now. */
function needsCheck({ target, input, text, thread, limits, enabled }: UpdateSchedule): boolean {
  return enabled === true || [target, input, text, thread, limits].some((value) => value !== undefined);
}

/** Checks what a schedule will start once it is changed. @returns what the change sets of its target and its thread. */
async function checkChange(scope: Scope, current: Schedule, change: UpdateSchedule): Promise<Partial<Schedule>> {
  const { target, thread } = change;
  const named = target == null ? targetNamed(scope, current) : runTargetNamed(scope, target);
  const { input, text } = { ...current, ...given(change) };
  const found = await checkStartable(scope, {
    named,
    input,
    text: text ?? null,
    thread: thread === undefined ? threadOf(current) : thread,
  });
  return {
    ...(target == null ? {} : { targetType: named.targetType, targetField: named.field, targetId: found.target.id }),
    ...(thread === undefined ? {} : { threadId: found.threadId }),
  };
}

interface Moment {
  readonly before: Pick<Schedule, "cron" | "timeZone">;
  readonly now: number;
}

/** Other times count from now; a tick that is due and not yet decided stays so under the old ones. */
function setNextTick(row: Schedule, { enabled }: UpdateSchedule, { before, now }: Moment): void {
  if (enabled === false) {
    Object.assign(row, { enabled: false, reason: null, nextAt: null });
    return;
  }
  const turnedOn = enabled === true && !row.enabled;
  if (enabled === true) Object.assign(row, { enabled: true, reason: null });
  const moved = row.cron !== before.cron || row.timeZone !== before.timeZone;
  if (turnedOn || (moved && row.enabled)) row.nextAt = nextTick(row, Math.max(now, row.lastTickAt ?? 0)) ?? null;
}

async function committedSchedule(scope: Scope, id: string): Promise<Schedule> {
  return (await loadRow(scope, Schedule, id)) ?? missingSchedule([]);
}

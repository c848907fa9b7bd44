import type { MissedTicks } from "../types.ts";
import { lastTicks, nextTick, type CronTime } from "./cron.ts";

/** A tick that is later than this was missed; what is earlier is on time, as after a quick restart. In milliseconds. */
export const graceMs = 60_000;

/** A schedule with a tick to come. */
export interface DueSchedule extends CronTime {
  readonly missedTicks: MissedTicks;
  /** The tick, in milliseconds since 1970. */
  readonly nextAt: number;
}

/** What to do about a tick that is due. */
export interface DueTick {
  /** The tick to start a run for; absent where none is. */
  readonly tick?: number;
  /** The next tick; it may be due, too. Absent where there is none. */
  readonly next?: number;
  /** What was left out, for people. */
  readonly leftOut?: string;
}

/**
 * Decides about the oldest tick of a schedule that is due; nothing where none is.
 *
 * @param now by the clock of the database, in milliseconds since 1970.
 * @param most how many missed ticks RUN_ALL makes up for.
 */
export function decideTick(schedule: DueSchedule, now: number, most: number): DueTick | undefined {
  const { nextAt, missedTicks } = schedule;
  if (nextAt > now) return undefined;
  if (now - nextAt < graceMs) return start(schedule, nextAt);
  if (missedTicks === "RUN_ALL") return makeUp(schedule, now, most);
  const newest = lastTicks(schedule, { from: nextAt, to: now, most: 1 }).at(-1) ?? nextAt;
  if (missedTicks === "RUN_ONCE") {
    return newest === nextAt
      ? start(schedule, newest)
      : start(schedule, newest, `One run was started for all ticks since ${timeOf(nextAt)}.`);
  }
  const leftOut = `Ticks from ${timeOf(nextAt)} on were missed and are not made up for.`;
  return now - newest < graceMs ? start(schedule, newest, leftOut) : { ...following(schedule, now), leftOut };
}

/** The oldest of the newest ticks; the others stay due. */
function makeUp(schedule: DueSchedule, now: number, most: number): DueTick {
  const { nextAt } = schedule;
  // Ticks are a minute apart at least, and looking them up takes a while.
  if (now - nextAt < most * 60_000) return start(schedule, nextAt);
  const oldest = lastTicks(schedule, { from: nextAt, to: now, most })[0] ?? nextAt;
  if (oldest === nextAt) return start(schedule, nextAt);
  return start(
    schedule,
    oldest,
    `Ticks from ${timeOf(nextAt)} until before ${timeOf(oldest)} were left out: the newest ${most} are made up for.`,
  );
}

function start(schedule: CronTime, tick: number, leftOut?: string): DueTick {
  return { tick, ...following(schedule, tick), ...(leftOut === undefined ? {} : { leftOut }) };
}

function following(schedule: CronTime, after: number): Pick<DueTick, "next"> {
  const next = nextTick(schedule, after);
  return next === undefined ? {} : { next };
}

/** A moment as the reasons of schedules name it. */
export function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}

import { DateTime } from "luxon";
import type { Budget } from "../entities.ts";

export const dayMs = 86_400_000;

/** Periods of the calendar by their length; a month is written as 30 days, which P1M is read as. */
export const calendarUnits: Readonly<Record<number, "day" | "week" | "month">> = {
  [dayMs]: "day",
  [7 * dayMs]: "week",
  [30 * dayMs]: "month",
};

/** A period of a budget; without an end where it is for ever. */
export interface Period {
  readonly startsAt: number;
  readonly endsAt: number | undefined;
}

/** The period of a budget that a moment falls into. */
export function periodAt({ periodMs, timeZone, createdAt }: Pick<Budget, "periodMs" | "timeZone" | "createdAt">, now: number): Period {
  if (periodMs === 0) return { startsAt: 0, endsAt: undefined };
  const unit = timeZone == null ? undefined : calendarUnits[periodMs];
  if (unit === undefined) {
    const startsAt = createdAt + Math.floor((now - createdAt) / periodMs) * periodMs;
    return { startsAt, endsAt: startsAt + periodMs };
  }
  const start = DateTime.fromMillis(now, { zone: timeZone ?? "UTC" }).startOf(unit);
  return { startsAt: start.toMillis(), endsAt: start.plus({ [unit]: 1 }).toMillis() };
}

/** Whether an account is of a period that the budget has, as it is now. */
export function isPeriodOf(budget: Pick<Budget, "id" | "periodMs" | "timeZone" | "createdAt">, account: string): boolean {
  const [id, startsAt] = account.split("@");
  return id === budget.id && periodAt(budget, Number(startsAt)).startsAt === Number(startsAt);
}

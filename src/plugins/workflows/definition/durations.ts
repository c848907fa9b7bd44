import { DateTime } from "luxon";
import { isoDurationMs } from "#weftline";

/** The longest time that a workflow may name: a year. */
export const maxDurationMs = 366 * 24 * 60 * 60 * 1_000;

/** Milliseconds of a duration: ISO 8601 as in `PT30S`, or a number of milliseconds; nothing where it is none. */
export function durationMs(value: unknown): number | undefined {
  if (typeof value === "string") return isoDurationMs(value);
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Milliseconds since 1970 of a moment with its offset, as in `2026-01-31T12:00:00Z`; nothing where it is none. */
export function momentMs(value: unknown): number | undefined {
  if (typeof value !== "string" || !/[zZ]|[+-]\d\d:?\d\d$/.test(value)) return undefined;
  const parsed = DateTime.fromISO(value, { setZone: true });
  return parsed.isValid ? parsed.toMillis() : undefined;
}

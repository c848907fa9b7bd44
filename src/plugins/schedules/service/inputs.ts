import type { RunLimitsInput, RunTargetRef } from "#weftline";
import type { MissedTicks, Overlap } from "../types.ts";

/** `CreateScheduleInput`. */
export interface CreateSchedule {
  readonly name: string;
  readonly target: RunTargetRef;
  readonly input?: unknown;
  readonly text?: string | null | undefined;
  /** A thread's id in the graph. */
  readonly thread?: string | null | undefined;
  readonly limits?: RunLimitsInput | null | undefined;
  readonly cron: string;
  readonly timeZone?: string | null | undefined;
  readonly missedTicks?: MissedTicks | null | undefined;
  readonly overlap?: Overlap | null | undefined;
  readonly enabled?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** `UpdateScheduleInput`: what is left out stays, null clears. */
export interface UpdateSchedule extends Partial<{
  [Name in Exclude<keyof CreateSchedule, "idempotencyKey">]: CreateSchedule[Name] | null;
}> {
  /** Its id in the graph. */
  readonly schedule: string;
}

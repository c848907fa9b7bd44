import { z } from "zod";

/** The options of the schedules plugin. */
export const schedulesConfig = z
  .strictObject({
    /** The most schedules that one owner may have. */
    perOwner: z.int().min(1).max(10_000).default(100),
    /** The most missed ticks of one schedule that RUN_ALL makes up for: the newest. */
    missedTicks: z.int().min(1).max(1_000).default(100),
    /** The most runs of one schedule that may be open at once; where QUEUE would pass it, ticks are skipped. */
    openRuns: z.int().min(1).max(1_000).default(100),
    /** How long it may take to look up a schedule's owner and target at a tick, in milliseconds; after that the tick is tried again later. */
    checkMs: z.int().min(10).max(60_000).default(10_000),
    /** How often due schedules are looked for beside the timer that wakes for the next one, in milliseconds. */
    pollMs: z.int().min(100).max(60_000).default(30_000),
  })
  .prefault({});

export type SchedulesConfig = z.output<typeof schedulesConfig>;

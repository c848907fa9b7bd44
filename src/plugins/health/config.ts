import { z } from "zod";

const share = z.number().min(0).max(1);
const bytes = z.int().min(0);

/** The options of the health plugin. */
export const healthConfig = z.strictObject({
  /** How often the parts are checked while somebody follows changes of `Health`, in milliseconds. */
  everyMs: z.int().min(100).max(3_600_000).default(10_000),
  /** How little room the disk of the data folder may have left: so many bytes, or that share of the disk where it is smaller. */
  disk: z
    .strictObject({
      degradedBelow: z.strictObject({ bytes: bytes.default(1024 ** 3), share: share.default(0.1) }).prefault({}),
      downBelow: z.strictObject({ bytes: bytes.default(64 * 1024 ** 2), share: share.default(0.01) }).prefault({}),
    })
    .prefault({}),
  /** From which delay on the event loop is DEGRADED, in milliseconds: of one turn in a hundred, and the longest, within the last minute. */
  eventLoop: z.strictObject({ p99Ms: z.int().min(1).default(1_000), longestMs: z.int().min(1).default(10_000) }).prefault({}),
  /** How long a run may be due until the engine counts as DEGRADED, in milliseconds. */
  oldestDueMs: z.int().min(1).default(300_000),
});

export type HealthConfig = z.output<typeof healthConfig>;

import { z } from "zod";

/** The options of the retention plugin. */
export const retentionConfig = z
  .strictObject({
    /** How often policies are applied by themselves, in milliseconds. */
    everyMs: z
      .int()
      .min(1_000)
      .max(7 * 86_400_000)
      .default(3_600_000),
  })
  .prefault({});

import { z } from "zod";

/** The options of the example plugin. */
export const exampleConfig = z.strictObject({
  /** How many notes one person may keep. */
  maxNotes: z.int().min(1).default(1_000),
});

import { z } from "zod";

/** The options of the workflows plugin. */
export const workflowsConfig = z
  .strictObject({
    /** A folder of workflows as YAML or JSON files, from where the server is started; none by default. */
    folder: z.string().min(1).optional(),
    /** How many nodes of one run are at work at once, in runs below it or by themselves. */
    concurrency: z.int().min(1).max(1_000).default(32),
  })
  .prefault({});

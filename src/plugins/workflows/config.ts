import { z } from "zod";

/** The options of the workflows plugin. */
export const workflowsConfig = z
  .strictObject({
    /** A folder of workflows as YAML or JSON files, from where the server is started; none by default. */
    folder: z.string().min(1).optional(),
  })
  .prefault({});

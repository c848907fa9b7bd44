import { z } from "zod";

/** The settings of a `branch`: it chooses the first case whose condition is true. */
export const branchConfig = z.strictObject({
  cases: z
    .array(z.strictObject({ when: z.string().min(1), to: z.string().min(1) }))
    .min(1)
    .max(100),
  /** Chosen where no case is. */
  else: z.string().min(1).optional(),
});

export type BranchConfig = z.output<typeof branchConfig>;

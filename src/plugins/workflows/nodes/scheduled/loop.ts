import { z } from "zod";
import { innerSchema } from "./inner.ts";

/** The settings of a `loop`: the node again and again while a condition holds. */
export const loopConfig = z.strictObject({
  /** CEL of a boolean, evaluated before each round. */
  while: z.string().min(1),
  /** The most rounds. */
  max: z.int().min(1).max(1_000),
  node: innerSchema,
});

export type LoopConfig = z.output<typeof loopConfig>;

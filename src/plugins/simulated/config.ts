import { z } from "zod";

/** The options of the simulated plugin. */
export const simulatedConfig = z.strictObject({
  /** How fast answers stream; 0 is full speed. */
  tokensPerSecond: z.number().min(0).default(60),
  /** How long the first token takes, in milliseconds. */
  firstTokenMs: z.number().min(0).default(0),
  /** Models to choose from; they all answer alike. The first is the default. */
  models: z.array(z.string().min(1)).min(1).default(["default"]),
});

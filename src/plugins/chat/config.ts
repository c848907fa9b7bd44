import { z } from "zod";

/** The most that one message may hold, in bytes. */
export const maxMessageBytes = 256 * 1024;

export const chatConfig = z
  .object({
    /** How many messages the agent is shown in threads that say nothing else. */
    historyLimit: z.int().min(1).max(1_000).default(50),
    /** And of how many tokens, as estimated. */
    historyTokens: z.int().min(100).max(10_000_000).default(32_000),
    /** What becomes of messages that no longer fit: the agent's model summarizes them, or they are left out. */
    historySummary: z.enum(["rolling", "none"]).default("rolling"),
    /** The most that one message may hold, in bytes of text and JSON. */
    messageBytes: z.int().min(1).max(maxMessageBytes).default(maxMessageBytes),
  })
  .prefault({});

export type ChatConfig = z.output<typeof chatConfig>;

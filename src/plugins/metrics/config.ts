import { z } from "zod";

/** The options of the metrics plugin. */
export const metricsConfig = z.strictObject({
  /** What a scraper sends as `Authorization: Bearer …`. With it nobody else may scrape; an empty one counts as none. */
  token: z
    .string()
    .refine((token) => token === "" || token.length >= 16, "a token has at least 16 characters")
    .optional(),
  /** How many tools, and how many models, are told apart; those that come later are counted as `other`. */
  namesPerLabel: z.int().min(1).max(10_000).default(100),
});

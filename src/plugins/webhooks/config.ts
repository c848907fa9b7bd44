import { z } from "zod";

const day = 24 * 3_600_000;

/** The options of the webhooks plugin. */
export const webhooksConfig = z
  .strictObject({
    /** The most webhooks of one owner, of each sort. */
    perOwner: z.int().min(1).max(10_000).default(100),
    /** The longest body that an inbound webhook takes, in bytes. */
    bodyBytes: z
      .int()
      .min(1)
      .max(256 * 1024)
      .default(256 * 1024),
    /** How long the body of a call may take to arrive, in milliseconds. */
    bodyMs: z.int().min(10).max(60_000).default(10_000),
    /** How many calls an inbound webhook takes every minute. */
    callsPerMinute: z.int().min(1).default(600),
    /** How long a signing secret is good after it was rotated, in milliseconds. */
    overlapMs: z.int().min(0).default(day),
    /** How long an address may take to answer a delivery, in milliseconds. */
    answerMs: z.int().min(10).max(60_000).default(20_000),
    /** How long to wait before each further attempt at a delivery, in milliseconds; a fifth more or less. */
    retryMs: z.array(z.int().min(0).max(day)).max(20).default([5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 28_800_000, 28_800_000]),
    /** After how many deliveries in a row that failed for good a webhook is disabled. */
    failures: z.int().min(1).default(10),
    /** The most deliveries that may wait for one webhook; beyond it the webhook is disabled. */
    pending: z.int().min(1).default(10_000),
    /** How long a delivery is kept that was made or failed, in milliseconds. */
    keptMs: z
      .int()
      .min(1_000)
      .default(30 * day),
  })
  .prefault({});

export type WebhooksConfig = z.output<typeof webhooksConfig>;

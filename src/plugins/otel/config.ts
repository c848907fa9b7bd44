import { z } from "zod";

/** The options of the otel plugin. */
export const otelConfig = z.strictObject({
  /** The base address of a collector that takes OTLP over HTTP, as `http://127.0.0.1:4318`; spans go to `/v1/traces` below it. Without one the plugin is off. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  /** Sent with each request, as the collector's key. */
  headers: z.record(z.string(), z.string()).default({}),
  serviceName: z.string().min(1).default("weftline"),
  /** Which share of traces is recorded, from 0 to 1. Where a request says whether its trace is, that counts. */
  sample: z.number().min(0).max(1).default(1),
  /** Whether spans hold what was said: the input and output of runs, arguments and results of tools. */
  content: z.enum(["left out", "recorded"]).default("left out"),
  /** How many ended runs may wait to be sent; more are dropped and counted. */
  queue: z.int().min(1).max(100_000).default(1_000),
  /** How long runs are gathered, and how long the collector may take, in milliseconds. */
  gatherMs: z.int().min(1).max(60_000).default(1_000),
  timeoutMs: z.int().min(100).max(60_000).default(10_000),
});

export type OtelConfig = z.output<typeof otelConfig>;

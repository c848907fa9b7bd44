import type { WeftlineError } from "#weftline";
import type { RetryPolicy } from "../../definition/types.ts";

/** No delay between two attempts is longer: an hour. */
const maxDelayMs = 60 * 60 * 1000;

/** What another attempt would only repeat: what a person decided, and what is wrong in itself. */
const settledCodes: ReadonlySet<string> = new Set([
  "NODE_REJECTED",
  "TOOL_DENIED",
  "INVALID_INPUT",
  "OUTPUT_INVALID",
  "WORK_TOO_LONG",
  "PROTOCOL_VIOLATION",
]);

export function isRetryable({ code }: WeftlineError): boolean {
  return !settledCodes.has(code);
}

/** How long to wait after an attempt, in milliseconds: exponential back-off, with jitter between half of it and all of it. */
export function retryDelayMs({ delayMs, factor, jitter }: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  const delay = Math.min(maxDelayMs, delayMs * factor ** (attempt - 1));
  return Math.round(jitter ? delay * (0.5 + random() / 2) : delay);
}

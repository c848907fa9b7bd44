import { asWeftlineError } from "../errors.ts";
import type { RunFailure } from "./events.ts";

/** The error a turn ended with, as a run's failure. */
export function failureOf(error: unknown): RunFailure {
  const known = asWeftlineError(error);
  const plugin = known.details.plugin;
  const masked = known.code === "INTERNAL";
  return {
    code: known.code,
    message: masked ? "Something went wrong here." : known.message,
    retryable: known.retryable,
    ...(plugin === undefined ? {} : { plugin }),
  };
}

import { asWeftlineError, errorCodes, type ErrorCode } from "../errors.ts";
import type { RunFailure } from "./events.ts";

/** The error a turn ended with, as a run's failure. */
export function failureOf(error: unknown): RunFailure {
  const known = asWeftlineError(error);
  const plugin = known.details.plugin;
  const masked = known.code === "INTERNAL";
  const fix = masked ? errorCodes.INTERNAL.fix : known.fix;
  return {
    code: known.code,
    message: masked ? "Something went wrong here." : known.message,
    retryable: known.retryable,
    ...(plugin === undefined ? {} : { plugin }),
    ...(fix === errorCodes[known.code].fix ? {} : { fix }),
  };
}

/** How to fix a failure: its own words, else the catalogue's. Null for a code that the catalogue does not know or has only a blank for. */
export function fixOf({ code, fix }: RunFailure): string | null {
  const words = fix ?? (code in errorCodes ? errorCodes[code as ErrorCode].fix : undefined);
  return words === undefined || words.includes("{") ? null : words;
}

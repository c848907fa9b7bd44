import { WeftlineError, messageOf } from "../errors.ts";
import { plainJson } from "../json/plain.ts";

/** The most that a run, a step or a program's call may give, in characters of JSON. */
export const mostOfOutput = 16 * 1024 * 1024;

/**
 * An output as the log can keep it.
 *
 * @throws OUTPUT_INVALID for what JSON cannot carry, and for what is too large.
 * @example plainOutput({ at: new Date(0) }) // { at: "1970-01-01T00:00:00.000Z" }
 */
export function plainOutput(output: unknown): unknown {
  let plain;
  try {
    plain = plainJson(output, mostOfOutput);
  } catch (error) {
    throw new WeftlineError("OUTPUT_INVALID", { problem: messageOf(error) }, { cause: error });
  }
  if (plain.cut) throw new WeftlineError("OUTPUT_INVALID", { problem: `it has more than ${mostOfOutput} characters` });
  return plain.value;
}

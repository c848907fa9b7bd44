import { WeftlineError } from "../errors.ts";
import { characterCount, firstCharacters, isLonger } from "../json/characters.ts";
import { withoutMedia } from "../json/media.ts";
import { plainJson, plainText } from "../json/plain.ts";
import { hasSizeWithin } from "../json/size.ts";
import { mostOfOutput } from "./output.ts";
import type { ToolDefinition, ToolOutcome } from "./tools.ts";

/** The most characters of a result where its tool says nothing else: some 25,000 tokens. */
const defaultMaxResultChars = 100_000;
/** The most that a tool may say. */
export const mostMaxResultChars = 1_000_000;
/** The most characters of what went wrong. */
const maxErrorChars = 10_000;

/** A result as it is kept: its beginning, and a note, where it is larger than its tool may answer. */
export interface KeptResult {
  readonly result: unknown;
  readonly cut: boolean;
}

/**
 * What of a result is kept and shown to models.
 *
 * @throws INVALID_INPUT for what JSON cannot carry.
 */
export function keptResult(
  value: unknown,
  { maxResultChars: most = defaultMaxResultChars }: Pick<ToolDefinition, "maxResultChars"> = {},
): KeptResult {
  if (typeof value === "string") {
    const text = isLonger(value, most) ? withoutMedia(value) : value;
    if (!isLonger(text, most)) return { result: plainText(text), cut: false };
    return {
      result: noted(plainText(firstCharacters(text, most)), `has ${characterCount(text)} characters, and these are the first ${most}`),
      cut: true,
    };
  }
  // Quotes and commas are of the JSON, not of what the tool answered.
  const whole = plainJson(value, most + 2);
  // People and programs are given small pictures; of what is too large anyway, the words are worth more.
  const { value: plain, cut } = whole.cut ? plainJson(value, most + 2, withoutMedia) : whole;
  if (!cut) return { result: plain, cut };
  return { result: noted(JSON.stringify(plain), `is JSON of more than ${most} characters, and this is its beginning`), cut };
}

/** A result that was kept when there was no bound, as models are shown it from now on. */
export function pastResult(result: unknown): unknown {
  const within = typeof result === "string" ? result.length <= mostMaxResultChars + 1_000 : hasSizeWithin(result, mostMaxResultChars * 2);
  return within ? result : keptResult(result).result;
}

/** A result for a program. @throws INVALID_INPUT for what JSON cannot carry, and for what is too large. */
export function wholeResult(value: unknown): KeptResult {
  const { value: result, cut } = plainJson(value, mostOfOutput);
  if (!cut) return { result, cut };
  throw new WeftlineError("INVALID_INPUT", { message: `It has more than ${mostOfOutput} characters of JSON.` });
}

function noted(beginning: string, what: string): string {
  return `${beginning}\n\n[The result was cut: it ${what}. Ask for less at once to see the rest.]`;
}

/** The words of what went wrong, as they are kept. */
export function keptError(words: string): string {
  return plainText(isLonger(words, maxErrorChars) ? `${firstCharacters(words, maxErrorChars)}…` : words);
}

/**
 * What a model is told of a call: its result, or what went wrong, and before that what a person changed about it.
 *
 * @param outcome nothing where the call was not made.
 */
export function outcomeText(outcome: ToolOutcome | undefined): string {
  if (!outcome?.edited) return plainOutcomeText(outcome);
  const made = JSON.stringify(outcome.edited.arguments);
  return `[A person changed the arguments of this call before it was made. It was made with: ${made}]\n${plainOutcomeText(outcome)}`;
}

function mediaAsNotes(this: object, key: string, value: unknown): unknown {
  return typeof value === "string" ? withoutMedia(value, key, this) : value;
}

function plainOutcomeText(outcome: ToolOutcome | undefined): string {
  switch (outcome?.status) {
    case undefined:
      return "Error: the call was not made.";
    case "SUCCESS":
      return typeof outcome.result === "string" ? withoutMedia(outcome.result) : JSON.stringify(outcome.result ?? null, mediaAsNotes);
    case "ERROR":
      return `Error: ${outcome.error}`;
    case "DENIED":
      return `Denied: ${outcome.error}`;
    case "CANCELLED":
      return `Cancelled: ${outcome.error}`;
  }
}

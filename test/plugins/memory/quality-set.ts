import { readFileSync } from "node:fs";

/** A question, the record that answers it, and one that is about the same thing and does not. */
export interface QualityCase {
  readonly query: string;
  readonly record: string;
  readonly distractor: string;
}

/** Written before any embedder was tried on it. Each case is searched for among the records and the distractors of all cases. */
export const qualityCases = JSON.parse(
  readFileSync(new URL("../../fixtures/memory/quality.json", import.meta.url), "utf8"),
) as readonly QualityCase[];

/** English words that say nothing of what a sentence is about. */
export const functionWords: ReadonlySet<string> = new Set(
  `a about above after again against all am an and any are as at be because been before being below between both but by can could did do does
  doing down during each few for from further had has have having he her here hers him himself his how i if in into is it its itself me might more
  most must my need no nor not of off on once only or other our out over own same she should so some such than that the their them then there these
  they this those through to too under until up very was we were what when where which while who whom whose why will with would you your s t`.split(
    /\s+/,
  ),
);

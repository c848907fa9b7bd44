import { WeftlineError, characterCount, isBlank, isLonger } from "#weftline";
import { tidyName } from "./find.ts";

/** One field that is wrong. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** The most characters of a name. */
const maxName = 100;
/** The most characters of a description or a note. */
const maxWords = 2_000;

/** @throws INVALID_INPUT with all problems, where there are any. */
export function refuseIf(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const all = problems.map(({ path, message }) => `${path.join(".")}: ${message.replace(/\.$/, "")}`).join("; ");
  throw new WeftlineError("INVALID_INPUT", {
    path: first.path,
    issues: problems,
    message: problems.length === 1 ? first.message : `${problems.length} fields are not valid. ${all}.`,
  });
}

/** What is wrong with a name that an agent is to have. */
export function nameProblems(name: string | null, path: readonly string[]): Problem[] {
  const tidy = tidyName(name ?? "");
  if (isBlank(tidy)) return [{ path, message: "An agent needs a name that is not blank." }];
  if (isLonger(tidy, maxName))
    return [{ path, message: `A name has at most ${maxName} characters; this one has ${characterCount(tidy)}.` }];
  if (/\p{Cc}/u.test(tidy)) return [{ path, message: "A name holds no control characters or line breaks." }];
  return [];
}

/** What is wrong with a description or a note. */
export function wordsProblems(words: string | null | undefined, path: readonly string[]): Problem[] {
  if (words == null || !isLonger(words, maxWords)) return [];
  return [{ path, message: `At most ${maxWords} characters; this has ${characterCount(words)}.` }];
}

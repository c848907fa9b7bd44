import { WeftlineError, characterCount, isBlank, isLonger } from "#weftline";
import type { Problem } from "../definition/fields.ts";
import { tidyName } from "./find.ts";

export type { Problem };

/** The most characters of a name. */
const maxName = 100;
/** The most characters of a description. */
const maxDescription = 2_000;
/** The most problems that an error's message repeats; `issues` has them all. */
const maxTold = 10;

/** @throws INVALID_INPUT with all problems, where there are any. */
export function refuseIf(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const told = problems.slice(0, maxTold).map(({ path, message }) => `${path.join(".")}: ${message.replace(/\.$/, "")}`);
  const more = problems.length > maxTold ? [`and ${problems.length - maxTold} more`] : [];
  throw new WeftlineError("INVALID_INPUT", {
    path: first.path,
    issues: problems,
    message: problems.length === 1 ? first.message : `${problems.length} fields are not valid. ${[...told, ...more].join("; ")}.`,
  });
}

/** What is wrong with a name that a workflow is to have. */
export function nameProblems(name: string | null | undefined, path: readonly string[]): Problem[] {
  const tidy = tidyName(name ?? "");
  if (isBlank(tidy)) return [{ path, message: "A workflow needs a name that is not blank." }];
  if (isLonger(tidy, maxName))
    return [{ path, message: `A name has at most ${maxName} characters; this one has ${characterCount(tidy)}.` }];
  if (/\p{Cc}/u.test(tidy)) return [{ path, message: "A name holds no control characters or line breaks." }];
  return [];
}

/** What is wrong with a description. */
export function descriptionProblems(text: string | null | undefined, path: readonly string[]): Problem[] {
  if (text == null || !isLonger(text, maxDescription)) return [];
  return [{ path, message: `A description has at most ${maxDescription} characters; this one has ${characterCount(text)}.` }];
}

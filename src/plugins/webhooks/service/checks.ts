import { WeftlineError, characterCount, isBlank, isLonger, type OutgoingHttp } from "#weftline";
import type { WebhookEvent } from "../types.ts";

/** One field that is wrong. */
interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

const maxName = 100;

/** The fields that inputs of webhooks have in common, as far as they are given. */
export interface GivenFields {
  readonly name?: string | null | undefined;
  readonly url?: string | null | undefined;
  readonly events?: readonly WebhookEvent[] | null | undefined;
}

/**
 * Checks the fields that are given.
 *
 * @throws INVALID_INPUT with all problems, where there are any.
 */
export function checkFields(outgoing: OutgoingHttp, { name, url, events }: GivenFields): void {
  const problems = [
    ...(name == null ? [] : problemAt("name", nameProblem(tidyName(name)))),
    ...(url == null ? [] : problemAt("url", urlProblem(outgoing, url))),
    ...(events == null ? [] : problemAt("events", events.length === 0 ? "Name at least one event." : undefined)),
  ];
  const [first] = problems;
  if (!first) return;
  const all = problems.map(({ path, message }) => `${path.join(".")}: ${message}`).join(" ");
  throw new WeftlineError("INVALID_INPUT", { path: first.path, issues: problems, message: problems.length === 1 ? first.message : all });
}

/** What may be left out of a change, but not cleared. @throws INVALID_INPUT */
export function checkCleared(input: object, names: readonly string[]): void {
  const cleared = names.find((name) => (input as Readonly<Record<string, unknown>>)[name] === null);
  if (cleared === undefined) return;
  const issue = { path: ["input", cleared], message: "It cannot be cleared; leave it out to keep it." };
  throw new WeftlineError("INVALID_INPUT", { ...issue, issues: [issue] });
}

/** A name as it is stored: composed letters, no space around it. */
export function tidyName(name: string): string {
  return name.normalize("NFC").trim();
}

function nameProblem(name: string): string | undefined {
  if (isBlank(name)) return "A webhook needs a name that is not blank.";
  if (isLonger(name, maxName)) return `At most ${maxName} characters; this one has ${characterCount(name)}.`;
  return /\p{Cc}/u.test(name) ? "A name holds no control characters or line breaks." : undefined;
}

function urlProblem(outgoing: OutgoingHttp, url: string): string | undefined {
  try {
    outgoing.check(url);
    return undefined;
  } catch (error) {
    if (error instanceof WeftlineError) return `${error.message} ${error.fix}`;
    throw error;
  }
}

function problemAt(name: string, message: string | undefined): Problem[] {
  return message === undefined ? [] : [{ path: ["input", name], message }];
}

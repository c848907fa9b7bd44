import { WeftlineError, characterCount, isBlank, isLonger, tellingProblems, type ModelMeter, type RunLimits, type Scope } from "#weftline";
import { cronProblem, timeZoneProblem } from "../cron/cron.ts";
import type { UpdateSchedule } from "./inputs.ts";

/** One field that is wrong. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** The most characters of a name. */
const maxName = 100;

/** @throws INVALID_INPUT with all problems, where there are any. */
export function refuseIf(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const all = problems.map(({ path, message }) => `${path.join(".")}: ${message}`).join(" ");
  throw new WeftlineError("INVALID_INPUT", { path: first.path, issues: problems, message: problems.length === 1 ? first.message : all });
}

/** A name as it is stored: composed letters, no space around it. */
export function tidyName(name: string): string {
  return name.normalize("NFC").trim();
}

/** What is wrong with the fields of an input that are given, without looking at what they name. */
export async function fieldProblems(scope: Scope, input: Omit<UpdateSchedule, "schedule" | "limits">): Promise<Problem[]> {
  const { name, cron, timeZone } = input;
  return [
    ...(name == null ? [] : nameProblems(name)),
    ...problemAt("cron", cron == null ? undefined : cronProblem(cron)),
    ...problemAt("timeZone", timeZone == null ? undefined : timeZoneProblem(timeZone)),
    ...(await tellingProblems(scope, { input: input.input, text: input.text })),
  ];
}

/** What a change would clear that a schedule cannot be without. */
export function clearedProblems(input: UpdateSchedule): Problem[] {
  const needed = ["name", "target", "cron", "timeZone", "missedTicks", "overlap", "enabled"] as const;
  return needed.flatMap((name) => problemAt(name, input[name] === null ? "It cannot be cleared; leave it out to keep it." : undefined));
}

/** A limit that no run could be started with. */
export function limitProblems({ maxCost }: RunLimits, meter: ModelMeter | undefined): Problem[] {
  const message = "No plugin knows prices, so a cost limit could not be kept. Set maxTokens instead.";
  return maxCost === undefined || meter ? [] : [{ path: ["input", "limits", "maxCost"], message }];
}

function nameProblems(name: string): Problem[] {
  const tidy = tidyName(name);
  if (isBlank(tidy)) return problemAt("name", "A schedule needs a name that is not blank.");
  if (isLonger(tidy, maxName)) return problemAt("name", `At most ${maxName} characters; this one has ${characterCount(tidy)}.`);
  return problemAt("name", /\p{Cc}/u.test(tidy) ? "A name holds no control characters or line breaks." : undefined);
}

function problemAt(name: string, message: string | undefined): Problem[] {
  return message === undefined ? [] : [{ path: ["input", name], message }];
}

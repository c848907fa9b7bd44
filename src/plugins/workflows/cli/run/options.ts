import { messageOf, type CliContext, type CliOption } from "#weftline";
import { readTextFile, whyUnreadable } from "../../definition/text-file.ts";
import type { Approve } from "./ask/desk.ts";

export const runOptions: readonly CliOption[] = [
  { flags: "--input <json>", description: "the run's input as JSON, or @ and the name of a file" },
  { flags: "--watch", description: "show progress: a live tree in a terminal, otherwise one line per event" },
  { flags: "--json", description: "print each event as a line of JSON and nothing else" },
  { flags: "--attach [run]", description: "follow the newest open run of the workflow, or the given run, instead of starting one" },
  { flags: "--approve <all|none>", description: "approve or reject everything that asks for approval, without asking" },
  { flags: "--timeout <duration>", description: "how long the run may take, as in 90s, 5m, 2h or PT5M" },
  { flags: "--cancel-on-interrupt", description: "cancel the run at Ctrl-C instead of leaving it" },
];

/** What the command line asks for. */
export interface RunOptions {
  readonly workflow: string | undefined;
  /** Absent where no input is given. */
  readonly input?: { readonly value: unknown };
  readonly shows: "events" | "progress" | "result";
  readonly attach: "newest" | { readonly run: string } | undefined;
  readonly approve: Approve;
  /** ISO 8601. */
  readonly timeout: string | undefined;
  readonly onInterrupt: "cancel" | "detach";
}

/** Reads the command line. @returns what is wrong with it, as a sentence, where something is. */
export async function readOptions({ arguments: words, options }: Pick<CliContext, "arguments" | "options">): Promise<RunOptions | string> {
  const { input: text, attach, approve, timeout: within } = options;
  const workflow = typeof words["workflow"] === "string" ? words["workflow"] : undefined;
  if (workflow === undefined && typeof attach !== "string") return "Name a workflow or a file, as in: weftline run examples/research.yaml";
  if (approve !== undefined && approve !== "all" && approve !== "none") return `--approve takes all or none, not "${approve}".`;
  const timeout = within === undefined ? undefined : durationOf(String(within));
  if (within !== undefined && timeout === undefined) return `"${within}" is not a duration: write 90s, 5m, 2h or PT5M.`;
  if (timeout !== undefined && attach !== undefined) return "--timeout is for a new run: leave it out with --attach.";
  const input = text === undefined ? undefined : await readInput(String(text));
  if (typeof input === "string") return input;
  return {
    workflow,
    ...(input && { input }),
    shows: options["json"] ? "events" : options["watch"] ? "progress" : "result",
    attach: attach === true ? "newest" : attach === undefined ? undefined : { run: attach },
    approve,
    timeout,
    onInterrupt: options["cancelOnInterrupt"] ? "cancel" : "detach",
  };
}

async function readInput(text: string): Promise<{ readonly value: unknown } | string> {
  const [what, json] = text.startsWith("@") ? [text.slice(1), await textOf(text.slice(1))] : ["--input", text];
  if (typeof json !== "string") return json.problem;
  try {
    return { value: JSON.parse(json) as unknown };
  } catch (error) {
    return `${what} is not JSON: ${messageOf(error)}`;
  }
}

async function textOf(file: string): Promise<string | { readonly problem: string }> {
  if (file === "") return { problem: "Name a file behind the @, as in --input @input.json" };
  try {
    return await readTextFile(file);
  } catch (error) {
    return { problem: `${file} cannot be read: ${whyUnreadable(error)}` };
  }
}

/** A duration as the graph takes it. */
export function durationOf(text: string): string | undefined {
  if (/^P(?!$)(\d+(\.\d+)?[YMWD])*(T(\d+(\.\d+)?[HMS])+)?$/.test(text)) return text;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(text) ?? [];
  return amount === undefined || unit === undefined || Number(amount) === 0 ? undefined : `PT${amount}${unit.toUpperCase()}`;
}

import { confirm, isCancel, note, select, text } from "@clack/prompts";
import type { CliContext } from "#weftline";
import type { Asked, DecisionKind } from "../events.ts";
import { answerOf, fieldProblem, fieldValue, formOf, jsonProblem, type FormField } from "./form.ts";
import { oneLine, plainLines } from "../show/text.ts";

/** What a person decided. */
export interface Decided {
  readonly kind: DecisionKind;
  readonly arguments?: unknown;
  readonly payload?: unknown;
  readonly reason?: string;
}

/** A person who does not want to decide now. */
export const later = Symbol("later");

type Screen = NonNullable<CliContext["screen"]>;

/** Where a person is asked. */
export interface PromptPlace {
  readonly input: NonNullable<Screen["input"]>;
  readonly output: Screen["output"];
  /** Takes the question back. */
  readonly signal: AbortSignal;
}

const labels: Readonly<Record<DecisionKind, string>> = {
  APPROVE: "Approve",
  EDIT: "Change it, then approve",
  REJECT: "Reject",
  ANSWER: "Answer",
};
/** As much of a call's arguments as is shown. */
const maxLines = 30;

/** Asks a person for a decision. @param asker the node that asks. */
export async function promptFor(asked: Asked, asker: string | undefined, place: PromptPlace): Promise<Decided | typeof later> {
  const { allowed } = asked;
  const about = aboutOf(asked);
  if (about !== "") note(about, asked.toolName === null ? "About" : oneLine(asked.toolName), place);
  const words = oneLine(asked.message) || "The run asks.";
  const message = asker === undefined ? words : `${oneLine(asker)}: ${words}`;
  if (allowed.length === 1 && allowed[0] === "ANSWER") return answer(asked, message, place);
  const options = allowed.map((kind) => ({ value: kind as DecisionKind | "LATER", label: labels[kind] }));
  const kind = await select<DecisionKind | "LATER">({
    message,
    options: [...options, { value: "LATER", label: "Decide later", hint: "leaves the run; --attach comes back" }],
    ...place,
  });
  if (isCancel(kind) || kind === "LATER") return later;
  if (kind === "ANSWER") return answer(asked, message, place);
  if (kind === "REJECT") return reject(place);
  return kind === "EDIT" ? edit(asked, place) : { kind };
}

function aboutOf({ arguments: args }: Asked): string {
  if (args == null) return "";
  const lines = plainLines(typeof args === "string" ? args : JSON.stringify(args, null, 2)).split("\n");
  return lines.length > maxLines ? [...lines.slice(0, maxLines), `(${lines.length - maxLines} more lines)`].join("\n") : lines.join("\n");
}

async function reject(place: PromptPlace): Promise<Decided | typeof later> {
  const reason = await text({ message: "Why? (may be left empty)", ...place });
  if (isCancel(reason)) return later;
  return { kind: "REJECT", ...(reason ? { reason } : {}) };
}

async function edit({ arguments: args }: Asked, place: PromptPlace): Promise<Decided | typeof later> {
  const given = await askJson("What to use instead, as JSON", JSON.stringify(args ?? null), place);
  return given === later ? later : { kind: "EDIT", arguments: given };
}

async function answer({ responseSchema }: Asked, message: string, place: PromptPlace): Promise<Decided | typeof later> {
  const fields = responseSchema === null ? [freeText] : formOf(responseSchema);
  if (!fields) {
    const payload = await askJson(`${message} (as JSON)`, "", place);
    return payload === later ? later : { kind: "ANSWER", payload };
  }
  const isForm = !(fields.length === 1 && fields[0]?.name === "");
  if (isForm) note(message, "Asked", place);
  const values: unknown[] = [];
  for (const field of fields) {
    const value = await askField(field, isForm ? field.label : message, place);
    if (value === later) return later;
    values.push(value);
  }
  return { kind: "ANSWER", payload: answerOf(fields, values) };
}

const freeText: FormField = { name: "", label: "", kind: "text", choices: [], isRequired: true };

async function askField(field: FormField, label: string, place: PromptPlace): Promise<unknown> {
  const message = `${oneLine(label)}${field.isRequired ? "" : " (may be left empty)"}`;
  const { kind, initial } = field;
  if (kind === "yesno" && field.isRequired) {
    const yes = await confirm({ message, ...(typeof initial === "boolean" ? { initialValue: initial } : {}), ...place });
    return isCancel(yes) ? later : yes;
  }
  if (kind === "choice" || kind === "yesno") {
    const choices = kind === "yesno" ? [true, false] : field.choices;
    const options = choices.map((choice, value) => ({
      value,
      label: kind === "yesno" ? (choice ? "Yes" : "No") : oneLine(String(choice)),
    }));
    // Enter alone leaves out what may be left out.
    const none = field.isRequired ? [] : [{ value: -1, label: "(none)" }];
    const initialValue = choices.findIndex((choice) => choice === initial);
    const at = await select<number>({ message, options: [...none, ...options], ...(initialValue < 0 ? {} : { initialValue }), ...place });
    return isCancel(at) ? later : choices[at];
  }
  const given = await text({
    message,
    ...(initial === undefined ? {} : { initialValue: String(initial) }),
    validate: (value) => fieldProblem(field, value ?? ""),
    ...place,
  });
  return isCancel(given) ? later : fieldValue(field, given);
}

async function askJson(message: string, initialValue: string, place: PromptPlace): Promise<unknown> {
  const given = await text({ message, initialValue, validate: (value) => jsonProblem(value ?? ""), ...place });
  return isCancel(given) ? later : (JSON.parse(given) as unknown);
}

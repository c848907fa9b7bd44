import { fileNote, outcomeText, WeftlineError, type ConversationMessage, type RunRequest } from "#weftline";
import { argumentsText } from "#plugins/openai";
import type { Crew } from "./crew.ts";

const placeholder = /\{([A-Za-z_][A-Za-z0-9_-]*)\}/g;

/** What a run is asked: the last message of the user, and what was said before it. */
export interface Asked {
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly conversation: string;
}

/** @throws INVALID_INPUT where nothing was asked. */
export function askedBy({ messages }: Pick<RunRequest, "messages">): Asked {
  const index = messages.findLastIndex(({ role }) => role === "USER");
  const last = messages[index];
  if (last?.role !== "USER")
    throw new WeftlineError("INVALID_INPUT", { message: "There is nothing to do: the run has no message and no input." });
  let data: Readonly<Record<string, unknown>> = {};
  for (const part of last.parts) {
    if (part.type !== "data") continue;
    const isObject = typeof part.data === "object" && part.data !== null && !Array.isArray(part.data);
    data = { ...data, ...(isObject ? part.data : { [part.name]: part.data }) };
  }
  return { text: textOf(last), data, conversation: messages.slice(0, index).map(lineOf).filter(Boolean).join("\n\n") };
}

function textOf(message: ConversationMessage): string {
  if (message.role === "ASSISTANT") return message.text;
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

const speakers = { USER: "User", ASSISTANT: "Assistant", SYSTEM: "Note" };

function lineOf(message: ConversationMessage): string {
  const said = [textOf(message), ...(message.role === "ASSISTANT" ? editsIn(message) : notesIn(message))].filter(Boolean).join("\n\n");
  return said === "" ? "" : `${speakers[message.role]}: ${said}`;
}

/** What a message holds besides text. */
function notesIn({ parts }: Exclude<ConversationMessage, { role: "ASSISTANT" }>): string[] {
  return parts.flatMap((part) => {
    if (part.type === "file") return [fileNote(part)];
    return part.type === "data" ? [`${part.name}:\n${JSON.stringify(part.data)}`] : [];
  });
}

/** The calls that a person changed: what was said of them later refers to what was done, not to what was asked for. */
function editsIn({ toolCalls }: Extract<ConversationMessage, { role: "ASSISTANT" }>): string[] {
  return toolCalls.flatMap(({ name, arguments: args, outcome }) =>
    outcome?.edited ? [`[Called ${name} with ${argumentsText(args)}]\n${outcomeText(outcome)}`] : [],
  );
}

/** The values that a run gives to a crew's placeholders. A text goes to `{input}`, or to the only placeholder without a value. */
export function inputsOf(crew: Crew, { text, data, conversation }: Asked): Readonly<Record<string, unknown>> {
  const names = placeholdersOf(crew);
  const given = { ...(names.has("conversation") ? { conversation } : {}), ...crew.inputs, ...data };
  const open = [...names].filter((name) => !Object.hasOwn(given, name));
  const taker = open.includes("input") ? "input" : open.length === 1 ? open[0] : undefined;
  return text !== "" && taker !== undefined ? { ...given, [taker]: text } : given;
}

function placeholdersOf(crew: Crew): Set<string> {
  const texts = [
    ...[...crew.agents, ...(crew.manager ? [crew.manager] : [])].flatMap(({ role, goal, backstory }) => [role, goal, backstory]),
    ...crew.tasks.flatMap(({ description, expectedOutput }) => [description, expectedOutput]),
  ];
  return new Set(texts.flatMap((text) => [...text.matchAll(placeholder)].map(([, name]) => name ?? "")));
}

/**
 * The crew with its placeholders filled in. A text that no placeholder took stands below the first task.
 *
 * @throws INVALID_INPUT naming the placeholders that have no value.
 */
export function interpolate(crew: Crew, asked: Asked): Crew {
  const inputs = inputsOf(crew, asked);
  const missing = [...placeholdersOf(crew)].filter((name) => !Object.hasOwn(inputs, name));
  if (missing.length > 0) {
    const message = `The crew "${crew.name}" needs a value for ${missing.map((name) => `{${name}}`).join(", ")}: give it in the input of the run.`;
    throw new WeftlineError("INVALID_INPUT", { message, path: ["input", "input"] });
  }
  const fill = (text: string): string => text.replace(placeholder, (_, name: string) => shown(inputs[name]));
  const filled = <Part extends { readonly role: string; readonly goal: string; readonly backstory: string }>(agent: Part): Part => ({
    ...agent,
    role: fill(agent.role),
    goal: fill(agent.goal),
    backstory: fill(agent.backstory),
  });
  const taken = asked.text === "" || Object.values(inputs).includes(asked.text);
  const tasks = crew.tasks.map((task, index) => ({
    ...task,
    description: fill(task.description) + (index === 0 && !taken ? `\n\nWhat was asked:\n${asked.text}` : ""),
    expectedOutput: fill(task.expectedOutput),
  }));
  return { ...crew, inputs, agents: crew.agents.map(filled), tasks, ...(crew.manager ? { manager: filled(crew.manager) } : {}) };
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

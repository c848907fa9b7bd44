import { WeftlineError, type ConversationMessage, type RunRequest } from "#weftline";
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
  const data: Record<string, unknown> = {};
  for (const part of last.parts) {
    if (part.type !== "data") continue;
    if (typeof part.data === "object" && part.data !== null && !Array.isArray(part.data)) Object.assign(data, part.data);
    else data[part.name] = part.data;
  }
  return { text: textOf(last), data, conversation: messages.slice(0, index).map(lineOf).filter(Boolean).join("\n\n") };
}

function textOf(message: ConversationMessage): string {
  if (message.role === "ASSISTANT") return message.text;
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

function lineOf(message: ConversationMessage): string {
  const text = textOf(message);
  return text === "" ? "" : `${message.role === "USER" ? "User" : message.role === "ASSISTANT" ? "Assistant" : "Note"}: ${text}`;
}

/** The values that a run gives to a crew's placeholders. A text goes to `{input}`, or to the only placeholder without a value. */
export function inputsOf(crew: Crew, { text, data, conversation }: Asked): Readonly<Record<string, unknown>> {
  const given: Record<string, unknown> = { ...crew.inputs, ...data };
  const names = placeholdersOf(crew);
  if (names.has("conversation") && !("conversation" in given)) given["conversation"] = conversation;
  const open = [...names].filter((name) => !(name in given));
  const taker = open.includes("input") ? "input" : open.length === 1 ? open[0] : undefined;
  if (text !== "" && taker !== undefined) given[taker] = text;
  return given;
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
  const missing = [...placeholdersOf(crew)].filter((name) => !(name in inputs));
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

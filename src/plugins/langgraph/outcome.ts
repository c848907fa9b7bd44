import type { RunContext, RunEventBody, RunRequest } from "#weftline";

/** A message of a graph's state: LangChain's own, or as a server writes it. */
interface StateMessage {
  readonly type?: string;
  readonly text?: unknown;
  readonly content?: unknown;
}

/**
 * What a graph came to, as a message, where nobody has said that yet.
 *
 * @param output the value of the state that is the outcome; the last message by default.
 * @param said what was said last.
 */
export function* tellOutcome(
  values: Readonly<Record<string, unknown>>,
  output: string | undefined,
  said: string | undefined,
): Generator<RunEventBody> {
  const text = output === undefined ? lastMessage(values) : asText(Object.hasOwn(values, output) ? values[output] : undefined);
  if (text === undefined || text === said) return;
  yield { kind: "message.started", message: "outcome" };
  if (text !== "") yield { kind: "message.delta", message: "outcome", part: 0, channel: "TEXT", text };
  yield { kind: "message.finished", message: "outcome", status: "COMPLETE" };
}

/** The last that this run said in earlier turns. */
export function lastSaid({ messages }: Pick<RunRequest, "messages">, { runId }: Pick<RunContext, "runId">): string | undefined {
  const last = messages.findLast((message) => message.role === "ASSISTANT" && message.runId === runId);
  return last?.role === "ASSISTANT" ? last.text : undefined;
}

/** A graph without messages has its whole state to say. */
function lastMessage(values: Readonly<Record<string, unknown>>): string | undefined {
  const { messages } = values;
  if (!Array.isArray(messages)) return JSON.stringify(values);
  const last = messages.at(-1) as StateMessage | undefined;
  if (last?.type !== "ai") return undefined;
  return typeof last.text === "string" ? last.text : textOfContent(last.content);
}

/** The text of a message's content, which is a text or blocks. */
export function textOfContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as readonly { readonly type?: unknown; readonly text?: unknown }[])
    .map(({ type, text }) => (type === "text" && typeof text === "string" ? text : ""))
    .join("");
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

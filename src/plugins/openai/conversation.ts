import { v7 } from "uuid";
import { WeftlineError, hashOf, type ConversationMessage, type RunContext } from "#weftline";

type AssistantMessage = Extract<ConversationMessage, { role: "ASSISTANT" }>;

/** Whether a run has given its answer: its process was lost right after. */
export function isAnswered(messages: readonly ConversationMessage[], runId: string): boolean {
  const last = messages.at(-1);
  return last?.role === "ASSISTANT" && last.toolCalls.length === 0 && last.runId === runId;
}

/** The number of the model call that comes next: one more than the answers since the last user message, so that a resumed run counts on. */
export function nextModelCall(messages: readonly ConversationMessage[]): number {
  const start = messages.findLastIndex(({ role }) => role === "USER");
  return messages.slice(start + 1).filter(({ role }) => role === "ASSISTANT").length + 1;
}

/**
 * Makes the calls of the last answer that are still to be made.
 *
 * @throws RUN_SUSPENDED where one of them waits for a person.
 * @returns the answer with all outcomes and where it stands, or nothing where no call was open.
 */
export async function settled(
  messages: readonly ConversationMessage[],
  { callTools }: Pick<RunContext, "callTools">,
): Promise<{ readonly index: number; readonly message: AssistantMessage } | undefined> {
  const index = messages.findLastIndex(({ role }) => role === "ASSISTANT");
  const message = messages[index] as AssistantMessage | undefined;
  const open = message?.toolCalls.filter(({ outcome }) => outcome === undefined) ?? [];
  if (!message || open.length === 0) return undefined;
  const outcomes = await callTools(open.map(({ callId, name, arguments: args }) => ({ callId, name, arguments: args })));
  const toolCalls = message.toolCalls.map((call) => {
    const outcome = outcomes[open.indexOf(call)];
    return outcome ? { ...call, outcome } : call;
  });
  return { index, message: { ...message, toolCalls } };
}

/** OpenAI takes no longer ids of calls. */
const longestId = 40;

/**
 * Names the calls of a turn: as the provider did, unless it counts its ids from the start in each answer, since calls are told apart by them, or
 * its ids are longer than others take.
 */
export function createCallIds(messages: readonly ConversationMessage[]): (id: string) => string {
  const known = new Set(messages.flatMap((message) => (message.role === "ASSISTANT" ? message.toolCalls.map(({ callId }) => callId) : [])));
  return (id) => {
    const unique = id !== "" && id.length <= longestId && !known.has(id) ? id : `call_${v7().replaceAll("-", "")}`;
    known.add(unique);
    return unique;
  };
}

/**
 * Names calls on the wire: as the platform does, unless an id is longer than providers take, or stood before it. Ask once for each call, in the
 * order of the conversation, and give the name to the call and to its result.
 */
export function createWireIds(): (callId: string) => string {
  const taken = new Set<string>();
  return (callId) => {
    let wire = callId;
    for (let n = 1; wire === "" || wire.length > longestId || taken.has(wire); n++) wire = `call_${hashOf([callId, n]).slice(0, 32)}`;
    taken.add(wire);
    return wire;
  };
}

/** What a turn without any message is refused with. */
export function nothingToAnswer(): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: "There is nothing to answer: the run has no message." });
}

import type { EntityManager } from "@mikro-orm/core";
import { Message, ToolCall, type StoredPart } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import { toolCallIdOf } from "./events.ts";
import type { ConversationMessage, ConversationToolCall, InputPart, ToolOutcome } from "./runtime.ts";

/** What an agent is shown when it is not said otherwise. */
const defaultHistoryLimit = 50;

/**
 * The conversation as a run sees it: what stood in the thread before the run was queued, what started it, and what it said and did so far.
 * Runs stand in the order in which they were queued, so that a queued message never comes before the answer it waited for.
 */
export async function conversationOf(em: EntityManager, run: Run): Promise<ConversationMessage[]> {
  const messages = run.threadId == null ? await ownMessages(em, run) : await threadMessages(em, run);
  const calls = await callsOf(em, messages);
  const conversation = messages.flatMap((message) => toConversation(message, calls) ?? []);
  if (run.threadId == null && !messages.some(({ role }) => role === "USER")) conversation.unshift(...inputOf(run));
  return conversation;
}

async function ownMessages(em: EntityManager, run: Run): Promise<Message[]> {
  return em.find(Message, { runId: run.id, supersededById: null, status: "COMPLETE" }, { orderBy: { startSeq: "asc" } });
}

async function threadMessages(em: EntityManager, run: Run): Promise<Message[]> {
  const limit = run.settings.historyLimit ?? defaultHistoryLimit;
  const origin = run.regeneratesId ?? run.id;
  const current = { supersededById: null, status: "COMPLETE" as const };
  const earlier = await em.find(
    Message,
    { ...current, streamNum: run.streamNum, startSeq: { $lt: run.startSeq } },
    { orderBy: { startSeq: "desc" }, limit: limit + 1 },
  );
  const own = await em.find(Message, { ...current, runId: { $in: [run.id, origin] } }, { orderBy: { startSeq: "asc" } });
  const messages = [...new Map([...earlier.toReversed(), ...own].map((message) => [message.id, message])).values()];
  const runs = await em.find(Run, { id: { $in: [...new Set(messages.flatMap(({ runId }) => runId ?? []))] } });
  const runById = new Map(runs.map((each) => [each.id, each]));

  /** Its run's place, so that a question stands right before its answer; the answer given anew stands where the old one stood. */
  const placeOf = (message: Message): number => {
    const its = message.runId == null ? undefined : runById.get(message.runId);
    if (its && (its.id === origin || its.id === run.id)) return run.startSeq;
    return its?.startSeq ?? message.startSeq;
  };
  const replaced = (message: Message): boolean => {
    const its = message.runId == null ? undefined : runById.get(message.runId);
    return message.role === "ASSISTANT" && its !== undefined && its.id !== run.id && (its.id === origin || its.regeneratesId === origin);
  };
  return messages
    .filter((message) => placeOf(message) <= run.startSeq && !replaced(message))
    .toSorted((a, b) => placeOf(a) - placeOf(b) || a.startSeq - b.startSeq)
    .slice(-Math.max(limit, own.length));
}

async function callsOf(em: EntityManager, messages: readonly Message[]): Promise<Map<string, ToolCall>> {
  const ids = messages.flatMap((message) => message.parts.flatMap((part) => (part.type === "toolCall" && message.runId != null ? [toolCallIdOf(message.runId, part.call)] : [])));
  if (ids.length === 0) return new Map();
  return new Map((await em.find(ToolCall, { id: { $in: ids } })).map((call) => [call.id, call]));
}

function toConversation(message: Message, calls: ReadonlyMap<string, ToolCall>): ConversationMessage | undefined {
  if (message.role === "USER" || message.role === "SYSTEM") {
    return { role: message.role, parts: message.parts.flatMap((part) => toInput(part) ?? []) };
  }
  const toolCalls = message.parts.flatMap((part): ConversationToolCall[] => {
    if (part.type !== "toolCall" || message.runId == null) return [];
    const call = calls.get(toolCallIdOf(message.runId, part.call));
    if (!call) return [];
    const outcome = outcomeOf(call);
    return [{ callId: call.callId, name: call.name, arguments: call.arguments, ...(outcome ? { outcome } : {}) }];
  });
  const text = message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  return text === "" && toolCalls.length === 0 ? undefined : { role: "ASSISTANT", text, toolCalls };
}

function toInput(part: StoredPart): InputPart | undefined {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "data") return { type: "data", name: part.name, data: part.data };
  return undefined;
}

/** What came of a call, or nothing where it is still to be made. */
export function outcomeOf(call: Pick<ToolCall, "status" | "result" | "error">): ToolOutcome | undefined {
  switch (call.status) {
    case "SUCCESS":
      return { status: "SUCCESS", result: call.result };
    case "ERROR":
    case "DENIED":
    case "CANCELLED":
      return { status: call.status, error: call.error ?? "" };
    default:
      return undefined;
  }
}

function inputOf(run: Run): ConversationMessage[] {
  const input = run.input as { readonly text?: string; readonly data?: unknown } | null;
  const parts: InputPart[] = [];
  if (input?.text !== undefined) parts.push({ type: "text", text: input.text });
  if (input?.data !== undefined) parts.push({ type: "data", name: "input", data: input.data });
  return parts.length === 0 ? [] : [{ role: "USER", parts }];
}

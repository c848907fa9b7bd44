import type { Database } from "../../database/database.ts";
import { asPlatform, documentOf } from "../../database/rows.ts";
import type { Lookup } from "../cast.ts";
import { Message, ToolCall, readableParts, textOf, type StoredPart } from "../entities/message.ts";
import type { Run } from "../entities/run.ts";
import { toolCallIdOf } from "../events.ts";
import { deletedFileNote, filePartOf, fileService, type Files } from "../files.ts";
import type { ConversationMessage, ConversationToolCall, InputPart } from "../runtime.ts";
import { pastResult } from "../tool-results.ts";
import type { ToolOutcome } from "../tools.ts";
import { inputOf, wholeCalls, type RunInput } from "../values/rows.ts";

/** What an agent is shown when it is not said otherwise. */
const defaultHistoryLimit = 50;

/** What a conversation is read from. */
interface HistoryHost {
  readonly database: Database;
  readonly lookup: Lookup;
}

/**
 * The conversation as a run sees it: what stood in the thread before the run was queued, what started it, and what it said and did so far.
 * Runs stand in the order in which they were queued, so that a queued message never comes before the answer it waited for.
 */
export async function conversationOf({ database, lookup }: HistoryHost, run: Run): Promise<ConversationMessage[]> {
  const messages = run.threadId == null ? await ownMessages(database, run) : await threadMessages(database, run);
  const files = await filesOf(lookup, messages);
  const calls = await callsOf(database, messages);
  const conversation = messages.flatMap((message) => toConversation(message, { run, calls, files }) ?? []);
  if (run.threadId == null && !messages.some(({ role }) => role === "USER"))
    conversation.unshift(...inputMessages(await inputOf(database.read, run)));
  return conversation;
}

/** Of its own messages a run goes on from those that are complete. */
const standing = "e.superseded_by_id is null and e.status = 'COMPLETE'";

/** What an agent is shown of a message. */
type ShownMessage = Pick<Message, "role" | "status" | "runId" | "parts" | "native">;

async function ownMessages({ rows }: Database, run: Run): Promise<Message[]> {
  return rows.all(Message, asPlatform, { where: `e.run_id = ? and ${standing}`, params: [run.id], orderBy: "e.start_seq" });
}

/**
 * In the order of the conversation, the newest first: what an index has in this order, so that a long thread costs what a short one does. An answer
 * that was cut stands there, too: people see it and refer to it.
 */
const earlierMessages = `
  select m.role, m.status, m.run_id as "runId", m.parts, m.native from runs_message m
  where m.stream_num = ? and m.thread_id is not null and m.superseded_by_id is null and m.status <> 'STREAMING' and m.turn_seq < ?
  and (m.run_id is null or (m.run_id <> ? and m.run_id not in (select id from runs_run where regenerates_id = ?)))
  order by m.turn_seq desc, m.start_seq desc limit ?`;

type EarlierRow = Pick<ShownMessage, "role" | "status" | "runId"> & { readonly parts: string; readonly native: string | null };

async function threadMessages({ rows, read }: Database, run: Run): Promise<ShownMessage[]> {
  const limit = run.settings.historyLimit ?? defaultHistoryLimit;
  const origin = run.regeneratesId ?? run.id;
  const own = await rows.all(Message, asPlatform, {
    where: `(e.run_id = ? or (e.run_id = ? and e.role <> 'ASSISTANT')) and ${standing}`,
    params: [run.id, origin],
    orderBy: "e.start_seq",
  });
  // Nothing stands before the first event of a thread.
  if (run.startSeq === 1) return own;
  const room = Math.max(0, limit - own.length);
  const earlier = await read.all<EarlierRow>(earlierMessages, run.streamNum, run.startSeq, origin, origin, room);
  return [...earlier.toReversed().map(toShown), ...own];
}

function toShown({ parts, native, ...rest }: EarlierRow): ShownMessage {
  return { ...rest, parts: documentOf(parts) as readonly StoredPart[], native: native === null ? null : documentOf(native) };
}

async function callsOf({ rows, read }: Database, messages: readonly ShownMessage[]): Promise<Map<string, ToolCall>> {
  const ids = messages.flatMap((message) =>
    readableParts(message.parts).flatMap((part) =>
      part.type === "toolCall" && message.runId != null ? [toolCallIdOf(message.runId, part.call)] : [],
    ),
  );
  if (ids.length === 0) return new Map();
  return new Map((await wholeCalls(read, await rows.byIds(ToolCall, asPlatform, ids))).map((call) => [call.id, call]));
}

/** The files of a conversation: how to read them, and which of them their owner kept. */
interface ConversationFiles {
  readonly keeper: Files | undefined;
  readonly kept: ReadonlySet<string>;
}

async function filesOf(lookup: Lookup, messages: readonly ShownMessage[]): Promise<ConversationFiles> {
  const keeper = lookup.has(fileService) ? lookup.use(fileService) : undefined;
  const ids = messages.flatMap((message) => readableParts(message.parts).flatMap((part) => (part.type === "file" ? [part.file] : [])));
  return { keeper, kept: keeper && ids.length > 0 ? await keeper.kept(ids) : new Set(ids) };
}

/** What rows become messages with. */
interface Reading {
  readonly run: Run;
  readonly calls: ReadonlyMap<string, ToolCall>;
  readonly files: ConversationFiles;
}

function toConversation(message: ShownMessage, { run, calls, files }: Reading): ConversationMessage | undefined {
  if (message.role === "USER" || message.role === "SYSTEM") {
    const own = message.runId === run.id || message.runId === run.regeneratesId;
    const parts = readableParts(message.parts).flatMap((part) => toInput(part, files) ?? []);
    return { role: message.role, parts, ...(own ? {} : { earlier: true as const }) };
  }
  const toolCalls = readableParts(message.parts).flatMap((part): ConversationToolCall[] => {
    if (part.type !== "toolCall" || message.runId == null) return [];
    const call = calls.get(toolCallIdOf(message.runId, part.call));
    if (!call) return [];
    const outcome = outcomeOf(call);
    const args = call.requestedArguments ?? call.arguments;
    return [{ callId: call.callId, name: call.name, arguments: args, ...(outcome ? { outcome } : {}) }];
  });
  const text = textOf(message.parts);
  const whose = message.runId == null ? {} : { runId: message.runId };
  if (message.status !== "COMPLETE") return cutAnswer(message, text, whose);
  const native = message.native == null ? {} : { native: message.native };
  return text === "" && toolCalls.length === 0 ? undefined : { role: "ASSISTANT", text, toolCalls, ...whose, ...native };
}

/** What was said of an answer before it was cut. The calls that it may have begun were never made. */
function cutAnswer(
  { status }: Pick<ShownMessage, "status">,
  text: string,
  whose: { readonly runId?: string },
): ConversationMessage | undefined {
  if (text.trim() === "") return undefined;
  const why = status === "CANCELLED" ? "it was stopped here" : "it broke off here";
  return { role: "ASSISTANT", text: `${text}\n\n[This answer is incomplete: ${why}.]`, toolCalls: [], ...whose };
}

function toInput(part: StoredPart, { keeper, kept }: ConversationFiles): InputPart | undefined {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "data") return { type: "data", name: part.name, data: part.data };
  if (part.type !== "file") return undefined;
  return kept.has(part.file) ? filePartOf(part, keeper) : { type: "text", text: deletedFileNote(part) };
}

/** What came of a call, or nothing where it is still to be made. */
export function outcomeOf(
  call: Pick<ToolCall, "status" | "result" | "error" | "arguments" | "requestedArguments">,
): ToolOutcome | undefined {
  const edited = call.requestedArguments == null ? {} : { edited: { arguments: call.arguments } };
  switch (call.status) {
    case "SUCCESS":
      return { status: "SUCCESS", result: pastResult(call.result), ...edited };
    case "ERROR":
    case "DENIED":
    case "CANCELLED":
      return { status: call.status, error: call.error ?? "", ...edited };
    default:
      return undefined;
  }
}

/** What a run outside a thread was started with, as the user's message. */
export function inputMessages(input: RunInput | null): ConversationMessage[] {
  const parts: InputPart[] = [];
  if (input?.text !== undefined) parts.push({ type: "text", text: input.text });
  if (input?.data !== undefined) parts.push({ type: "data", name: "input", data: input.data });
  return parts.length === 0 ? [] : [{ role: "USER", parts }];
}

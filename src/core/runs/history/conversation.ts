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
import { newestSummary } from "./summaries.ts";
import { tokensOf } from "./tokens.ts";
import { cutOf, fitting, type Sized } from "./window.ts";

/** What an agent is shown when it is not said otherwise. */
const defaultHistoryLimit = 50;

/** What a conversation is read from. */
export interface HistoryHost {
  readonly database: Database;
  readonly lookup: Lookup;
}

/** A conversation as a run sees it. */
export interface Conversation {
  readonly messages: readonly ConversationMessage[];
  /** Where the history has outgrown its bounds: the last turn that a summary would stand for. */
  readonly overflow: number | undefined;
}

/**
 * The conversation as a run sees it: what stood in the thread before the run was queued, as far as its bounds go, what started it, and what it said
 * and did so far. Runs stand in the order in which they were queued, so that a queued message never comes before the answer it waited for.
 */
export async function conversationOf(host: HistoryHost, run: Run): Promise<Conversation> {
  if (run.threadId != null) return threadConversation(host, run);
  const own = await converted(host, run, await ownMessages(host.database, run));
  const messages = own.flatMap(({ message }) => message ?? []);
  if (!messages.some(({ role }) => role === "USER")) messages.unshift(...inputMessages(await inputOf(host.database.read, run)));
  return { messages, overflow: undefined };
}

async function threadConversation(host: HistoryHost, run: Run): Promise<Conversation> {
  const { database } = host;
  const limit = run.settings.historyLimit ?? defaultHistoryLimit;
  const ownRows = await ownMessages(database, run);
  // Nothing stands before the first event of a thread.
  const summary = run.startSeq === 1 ? undefined : await newestSummary(database.read, run);
  const room = Math.max(0, limit - ownRows.length);
  const rows = run.startSeq === 1 ? [] : await earlierMessages(database, run, { after: summary?.through ?? 0, limit: room + 1 });
  const all = await converted(host, run, [...rows, ...ownRows]);
  const [earlier, own] = [all.slice(0, rows.length), all.slice(rows.length)];
  const used = own.reduce((sum, { tokens }) => sum + tokens, 0);
  const bounds = { messages: room, tokens: Math.max(0, (run.settings.historyTokens ?? Infinity) - used) };
  const kept = fitting(earlier, bounds);
  const shown = [...earlier.slice(0, kept).toReversed(), ...own].flatMap(({ message }) => message ?? []);
  return {
    messages: summary ? [summary.message, ...shown] : shown,
    overflow: kept < earlier.length ? cutOf(earlier, bounds) : undefined,
  };
}

/** Messages as a model is shown them, of so many turns. */
export interface TurnRange {
  /** Messages of later turns than this. */
  readonly after: number;
  /** Messages of no later turn than this; by default all that stood in the thread when the run was queued. */
  readonly through?: number;
  readonly limit: number;
}

/** Messages from before a run, newest first, each with its size; those that hold nothing for a model are left out of what is shown. */
export async function earlierTurns(host: HistoryHost, run: Run, range: TurnRange): Promise<readonly Placed[]> {
  return converted(host, run, await earlierMessages(host.database, run, range));
}

/** A message with its place and size. */
export interface Placed extends Sized {
  readonly message: ConversationMessage | undefined;
}

async function converted({ database, lookup }: HistoryHost, run: Run, messages: readonly ShownMessage[]): Promise<readonly Placed[]> {
  const files = await filesOf(lookup, messages);
  const calls = await callsOf(database, messages);
  return messages.map((each) => {
    const message = toConversation(each, { run, calls, files });
    return { turnSeq: each.turnSeq, tokens: message ? tokensOf(message) : 0, message };
  });
}

/** Of its own messages a run goes on from those that are complete. */
const standing = "e.superseded_by_id is null and e.status = 'COMPLETE' and e.summarizes_turn_seq is null";

/** What an agent is shown of a message. */
type ShownMessage = Pick<Message, "role" | "status" | "runId" | "parts" | "native" | "turnSeq">;

/** What started the run where a message did, and what it said so far. */
async function ownMessages({ rows }: Database, run: Run): Promise<Message[]> {
  const origin = run.threadId == null ? run.id : (run.regeneratesId ?? run.id);
  return rows.all(Message, asPlatform, {
    where: `(e.run_id = ? or (e.run_id = ? and e.role <> 'ASSISTANT')) and ${standing}`,
    params: [run.id, origin],
    orderBy: "e.start_seq",
  });
}

/**
 * In the order of the conversation, the newest first: what an index has in this order, so that a long thread costs what a short one does. An answer
 * that was cut stands there, too: people see it and refer to it. A summary is read apart.
 */
const earlier = `
  select m.role, m.status, m.run_id as "runId", m.parts, m.native, m.turn_seq as "turnSeq" from runs_message m
  where m.stream_num = ? and m.thread_id is not null and m.superseded_by_id is null and m.status <> 'STREAMING' and m.turn_seq > ? and m.turn_seq <= ?
  and m.summarizes_turn_seq is null and (m.run_id is null or (m.run_id <> ? and m.run_id not in (select id from runs_run where regenerates_id = ?)))
  order by m.turn_seq desc, m.start_seq desc limit ?`;

type EarlierRow = Pick<ShownMessage, "role" | "status" | "runId" | "turnSeq"> & { readonly parts: string; readonly native: string | null };

async function earlierMessages({ read }: Database, run: Run, { after, through, limit }: TurnRange): Promise<ShownMessage[]> {
  const origin = run.regeneratesId ?? run.id;
  const last = through ?? run.startSeq - 1;
  return (await read.all<EarlierRow>(earlier, run.streamNum, after, last, origin, origin, limit)).map(toShown);
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

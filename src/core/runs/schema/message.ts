import { databaseService } from "../../database/database.ts";
import type { GraphBuilder, NodeLoader } from "../../graphql/builder.ts";
import { connectionType } from "../../graphql/connections.ts";
import { membersOf, unionMember } from "../../graphql/extend.ts";
import { nodeType } from "../../graphql/nodes.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Actor, actorOf } from "../../host/actors.ts";
import { Provenance } from "../../host/types.ts";
import { Interrupt, Message, ToolCall, readableParts, textOf, type StoredPart } from "../entities/message.ts";
import { Run } from "../entities/run.ts";
import { toolCallIdOf } from "../events.ts";
import { foldMessages } from "../fold.ts";
import { MessageRole, MessageStatus, ToolCallStatus } from "../types.ts";
import { contentReachOf, loadOne, loadRuns, noteAudit, rowsWithin } from "./access.ts";
import { shownValue } from "./values.ts";

/** Messages by their ids, those that stream with what was said so far: their `seq` and their parts are of one moment. */
export const loadMessages: NodeLoader = async (ids, scope) => {
  const database = scope.use(databaseService);
  const find = (): Promise<Message[]> => scope.emWith(contentReachOf(scope)).find(Message, { id: { $in: [...ids] } }, { refresh: true });
  const found = await find();
  const streams = found.some(({ status }) => status === "STREAMING");
  const messages = streams ? await database.still(async () => foldMessages(database, await find())) : found;
  for (const message of messages) if (message.ownerId !== scope.viewer.actorId) noteAudit(scope, message.runId ?? message.id);
  const byId = new Map(messages.map((message) => [message.id, message]));
  return ids.map((id) => byId.get(id));
};

const loadToolCalls = rowsWithin(ToolCall, contentReachOf);

/** A part as the union resolves it: a tool call with what came of it. */
type Part = Exclude<StoredPart, { readonly type: "toolCall" }> | ToolCall;

async function partsOf(scope: Scope, { parts, runId }: Message): Promise<Part[]> {
  const resolved = await Promise.all(
    readableParts(parts).map((part) =>
      part.type === "toolCall" ? loadOne<ToolCall>(scope, loadToolCalls, runId == null ? null : toolCallIdOf(runId, part.call)) : part,
    ),
  );
  return resolved.filter((part) => part !== null);
}

/** The newest question about a call. */
async function interruptOf(scope: Scope, call: ToolCall): Promise<Interrupt | null> {
  const found = await scope.load(interruptOf, call.id, async (callIds) => {
    const rows = await scope
      .emWith(contentReachOf(scope))
      .find(Interrupt, { toolCallId: { $in: [...callIds] } }, { orderBy: { createdAt: "asc", id: "asc" } });
    const newest = new Map(rows.map((row) => [row.toolCallId, row]));
    return callIds.map((id) => newest.get(id));
  });
  return found ?? null;
}

export function addMessage(builder: GraphBuilder): void {
  addParts(builder);
  const MessagePart = builder.unionType("MessagePart", {
    description: "A part of a message. Plugins add kinds: have a fallback for those that you do not know.",
    types: () => membersOf(builder, "MessagePart").map(({ type }) => type) as never,
    resolveType: (part: unknown) => membersOf(builder, "MessagePart").find(({ isMember }) => isMember(part as never))?.typeName as never,
  });
  nodeType(builder, Message, {
    name: "Message",
    description:
      "One message of a thread, or of a run outside a thread. seq: the last event folded into it; apply an event only if its seq is greater.",
    ownership: { rule: "PRIVATE", admins: "AUDIT" },
    load: loadMessages,
    fields: (t) => ({
      seq: t.exposeInt("seq", { nullable: false, description: "The last event folded into it." }),
      role: t.field({ type: MessageRole, nullable: false, description: "Who says it.", resolve: (message) => message.role }),
      status: t.field({ type: MessageStatus, nullable: false, description: "Where it stands.", resolve: (message) => message.status }),
      parts: t.field({
        type: [MessagePart],
        nullable: false,
        description: "What it holds, in order; of one that streams, what was said so far.",
        resolve: (message, _, scope) => partsOf(scope, message) as never,
      }),
      text: t.string({ nullable: false, description: "The text parts in one.", resolve: ({ parts }) => textOf(parts) }),
      author: t.field({
        type: Actor,
        description: "The person or program that wrote it; null for an agent's answer.",
        resolve: (message, _, scope) => (message.authorId == null ? null : actorOf(scope, message.authorId)),
      }),
      run: t.field({
        type: Run,
        description: "The run that wrote it, or that it started.",
        resolve: (message, _, scope) => loadOne<Run>(scope, loadRuns, message.runId),
      }),
      supersededBy: t.field({
        type: Message,
        description: "The message that took its place: another attempt, or an answer given anew.",
        resolve: (message, _, scope) => loadOne<Message>(scope, loadMessages, message.supersededById),
      }),
      provenance: t.field({
        type: Provenance,
        description: "Where an answer comes from.",
        resolve: (message) => message.provenance ?? null,
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was begun.", resolve: (message) => message.createdAt }),
    }),
  });
  connectionType(builder, "Message", Message);
}

function addParts(builder: GraphBuilder): void {
  const isPart = (type: StoredPart["type"]) => (part: Part) => !(part instanceof ToolCall) && part.type === type;
  const TextPart = builder.objectRef<{ readonly text: string }>("TextPart").implement({
    description: "Text.",
    fields: (t) => ({ text: t.exposeString("text", { nullable: false, description: "The text." }) }),
  });
  const ReasoningPart = builder.objectRef<{ readonly text: string }>("ReasoningPart").implement({
    description: "What a model thought before it answered.",
    fields: (t) => ({ text: t.exposeString("text", { nullable: false, description: "The reasoning, as the provider shows it." }) }),
  });
  const DataPart = builder.objectRef<{ readonly name: string; readonly data: unknown }>("DataPart").implement({
    description: "Data for programs.",
    fields: (t) => ({
      name: t.exposeString("name", { nullable: false, description: "What it is." }),
      data: t.field({ type: "JSON", nullable: false, description: "The data.", resolve: ({ data }) => data }),
    }),
  });
  addToolCall(builder);
  unionMember(builder, "MessagePart", { type: TextPart, typeName: "TextPart", isMember: isPart("text") });
  unionMember(builder, "MessagePart", { type: ReasoningPart, typeName: "ReasoningPart", isMember: isPart("reasoning") });
  unionMember(builder, "MessagePart", { type: ToolCall, typeName: "ToolCallPart", isMember: (part: Part) => part instanceof ToolCall });
  unionMember(builder, "MessagePart", { type: DataPart, typeName: "DataPart", isMember: isPart("data") });
}

function addToolCall(builder: GraphBuilder): void {
  builder.objectType(ToolCall, {
    name: "ToolCallPart",
    description: "A tool call that a model asked for, and what came of it.",
    fields: (t) => ({
      toolCallId: t.id({ nullable: false, description: "The call, as events name it; opaque.", resolve: (call) => call.id }),
      name: t.exposeString("name", { nullable: false, description: "The tool." }),
      arguments: t.field({
        type: "JSON",
        description: "The arguments; null while they stream.",
        resolve: (call, _, scope) => shownValue(scope, call.runId, call.arguments, call.argumentsRefs),
      }),
      result: t.field({
        type: "JSON",
        description: "What the tool answered.",
        resolve: (call, _, scope) => shownValue(scope, call.runId, call.result, call.resultRefs),
      }),
      error: t.string({ description: "Why there is no result.", resolve: (call) => call.error ?? null }),
      status: t.field({ type: ToolCallStatus, nullable: false, description: "Where it stands.", resolve: (call) => call.status }),
      interrupt: t.field({
        type: Interrupt,
        description: "What people were asked about it last.",
        resolve: (call, _, scope) => interruptOf(scope, call),
      }),
    }),
  });
}

import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";
import { namedIn } from "../approvers/entity.ts";
import { plainJson } from "../../json/plain.ts";
import type { ValueRefs } from "../values/refs.ts";

/** A part as it is stored. A tool call is a number within its run; what came of it stands in its own row. */
export type StoredPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string }
  | { readonly type: "toolCall"; readonly call: number }
  | { readonly type: "data"; readonly name: string; readonly data: unknown }
  | StoredFile;

/** The text that a person reads: the text parts, in order. */
export function textOf(parts: readonly StoredPart[]): string {
  return readableParts(parts)
    .map((part) => (part.type === "text" ? part.text : ""))
    .join("");
}

/** The parts of a row as they can be shown. Of what earlier versions kept, a text of another shape is data and half a character is U+FFFD. */
export function readableParts(parts: unknown): readonly StoredPart[] {
  if (!Array.isArray(parts)) return parts == null ? [] : [{ type: "data", name: "unreadable", data: parts }];
  return parts.every(isReadable) ? parts : parts.map(readable);
}

function readable(part: unknown): StoredPart {
  if (isReadable(part)) return part;
  const whole = plainOf(part);
  return isReadable(whole) ? whole : { type: "data", name: "unreadable", data: whole };
}

function plainOf(part: unknown): unknown {
  try {
    return plainJson(part).value ?? {};
  } catch {
    return {};
  }
}

function isReadable(part: unknown): part is StoredPart {
  const { type, text, name, file, data, call } = (part ?? {}) as Readonly<Record<string, unknown>>;
  switch (type) {
    case "text":
    case "reasoning":
      return typeof text === "string" && text.isWellFormed();
    case "toolCall":
      return typeof call === "number";
    case "data":
      return typeof name === "string" && data != null;
    case "file":
      return typeof file === "string" && typeof name === "string";
    default:
      return false;
  }
}

/** A file that a message names. What it was called and how large it is stays, also when the file is gone. */
export interface StoredFile {
  readonly type: "file";
  readonly file: string;
  readonly name: string;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
}

const MessageSchema = defineEntity({
  name: "Message",
  tableName: "runs_message",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    streamNum: p.integer(),
    /** The seq of the event that added it: its place in the conversation. */
    startSeq: p.integer(),
    /** The seq at which its run was queued, or its own: a question stands right before its answer, however long that waited. */
    turnSeq: p.integer().default(0),
    /** The last event folded into it. */
    seq: p.integer(),
    threadId: p.string().nullable(),
    /** The run that wrote it, or that it started. */
    runId: p.string().nullable().index(),
    role: p.enum(["USER", "ASSISTANT", "SYSTEM", "TOOL"] as const),
    status: p.enum(["STREAMING", "COMPLETE", "FAILED", "CANCELLED"] as const),
    parts: p.json<readonly StoredPart[]>(),
    /** What the provider wants back with it; shown to nobody. */
    native: p.json<unknown>().nullable(),
    authorId: p.string().nullable(),
    agentId: p.string().nullable(),
    agentName: p.string().nullable(),
    supersededById: p.string().nullable(),
    provenance: p.enum(["LIVE", "SIMULATED", "REPLAYED"] as const).nullable(),
    /** Of a summary of the thread's beginning: the last turn that it stands for. */
    summarizesTurnSeq: p.integer().nullable(),
    createdAt: p.bigint("number"),
  }),
  indexes: [
    { properties: ["streamNum", "startSeq"] },
    { properties: ["streamNum", "turnSeq", "startSeq"] },
    {
      name: "runs_message_summary_index",
      properties: ["streamNum", "summarizesTurnSeq"],
      where: "summarizes_turn_seq is not null" as never,
    },
  ],
});

/** One message of a thread, or of a run outside a thread. While it streams, its parts stand in the log. */
export class Message extends MessageSchema.class {}
MessageSchema.setClass(Message);
export const messageEntity = owned(MessageSchema, { rule: "PRIVATE" });

const ToolCallSchema = defineEntity({
  name: "ToolCall",
  tableName: "runs_tool_call",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string().index(),
    /** Its number within the run. */
    num: p.integer(),
    /** The message that asked for it. */
    messageId: p.string().nullable(),
    part: p.integer().nullable(),
    stepId: p.string().nullable(),
    /** The model's id of the call. */
    callId: p.string(),
    name: p.string(),
    /** With which it is made. Whole with what `argumentsRefs` names: what is large stands apart. */
    arguments: p.json<unknown>().nullable(),
    argumentsRefs: p.json<ValueRefs>().nullable(),
    argumentsHash: p.string().nullable(),
    /** What the model asked for, where a person changed that. */
    requestedArguments: p.json<unknown>().nullable(),
    requestedRefs: p.json<ValueRefs>().nullable(),
    sideEffects: p.string().nullable(),
    status: p.enum(["REQUESTED", "AWAITING_APPROVAL", "RUNNING", "SUCCESS", "ERROR", "DENIED", "CANCELLED"] as const),
    attempt: p.integer().default(0),
    result: p.json<unknown>().nullable(),
    resultRefs: p.json<ValueRefs>().nullable(),
    error: p.text().nullable(),
    createdAt: p.bigint("number"),
    startedAt: p.bigint("number").nullable(),
    finishedAt: p.bigint("number").nullable(),
  }),
});

/** One call of a tool: what was asked, what came of it. The audit row of the call. */
export class ToolCall extends ToolCallSchema.class {}
ToolCallSchema.setClass(ToolCall);
export const toolCallEntity = owned(ToolCallSchema, { rule: "PRIVATE" });

/** A decision on an interrupt, as stored. */
export interface StoredDecision {
  readonly kind: "APPROVE" | "EDIT" | "REJECT" | "ANSWER";
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason?: string;
  /** EDIT: the arguments instead; ANSWER: the answer. */
  readonly payload?: unknown;
}

const InterruptSchema = defineEntity({
  name: "Interrupt",
  tableName: "runs_interrupt",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string().index(),
    streamNum: p.integer(),
    /** The last event that changed it. */
    seq: p.integer(),
    kind: p.enum(["TOOL_APPROVAL", "INPUT", "REVIEW", "BUDGET", "UNCERTAIN"] as const),
    status: p.enum(["PENDING", "RESOLVED", "EXPIRED", "CANCELLED"] as const),
    toolCallId: p.string().nullable().index(),
    /** The step that asked and waits; null where none did. */
    stepId: p.string().nullable(),
    /** Names a question of an adapter within its run. */
    key: p.string().nullable(),
    toolName: p.string().nullable(),
    arguments: p.json<unknown>().nullable(),
    argumentsHash: p.string().nullable(),
    message: p.text(),
    responseSchema: p.json<unknown>().nullable(),
    allowed: p.json<readonly ("APPROVE" | "EDIT" | "REJECT" | "ANSWER")[]>(),
    decision: p.json<StoredDecision>().nullable(),
    createdAt: p.bigint("number"),
    expiresAt: p.bigint("number").nullable(),
  }),
  uniques: [{ properties: ["runId", "key"] }],
  indexes: [
    { properties: ["status", "expiresAt"] },
    { properties: ["tenantId", "ownerId", "createdAt"] },
    { properties: ["tenantId", "status", "createdAt"] },
    { properties: ["tenantId", "ownerId", "status", "createdAt"] },
    { properties: ["streamNum", "createdAt"] },
  ],
});

/** A pending question or approval, resolved exactly once. */
export class Interrupt extends InterruptSchema.class {}
InterruptSchema.setClass(Interrupt);
export const interruptEntity = owned(InterruptSchema, { rule: "GRANTED", grant: (viewer) => namedIn(viewer) });

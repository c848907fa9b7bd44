import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const ThreadSchema = defineEntity({
  name: "Thread",
  tableName: "chat_thread",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    /** Its log. */
    streamNum: p.integer(),
    /**
     * The seq of the newest event of its log when the row was read: whatever is read of the thread after it, as its messages, is at least as
     * new, so that who follows from here misses nothing.
     */
    lastSeq: p.integer().formula((columns) => `(select head from runs_stream where num = ${columns.streamNum})`),
    /** 1 while nothing of it may be removed; its log says so. */
    held: p.integer().formula((columns) => `(select held from runs_stream where num = ${columns.streamNum})`),
    title: p.string().nullable(),
    /** The title as it is searched: lower case, composed letters. */
    searchTitle: p.string().nullable(),
    agentId: p.string().nullable(),
    historyLimit: p.integer(),
    /** How many tokens of history the agent is shown; null for the platform's default. */
    historyTokens: p.integer().nullable(),
    /** Milliseconds; null for ever. */
    retention: p.bigint("number").nullable(),
    simulatedAllowed: p.boolean(),
    metadata: p.json<Readonly<Record<string, unknown>>>(),
    forkedFromMessageId: p.string().nullable(),
    archived: p.boolean().default(false),
    createdAt: p.bigint("number"),
    /** Raised by every change of the thread itself and by every message that a person adds. */
    updatedAt: p.bigint("number"),
  }),
  indexes: [
    { properties: ["tenantId", "ownerId", "updatedAt", "id"] },
    { properties: ["tenantId", "ownerId", "agentId", "updatedAt", "id"] },
    { properties: ["tenantId", "updatedAt", "id"] },
    { properties: ["tenantId", "id"] },
    // Few threads say how long they keep their messages. (With its own type, the condition keeps the properties from being inferred.)
    { name: "chat_thread_retention_index", properties: ["tenantId", "id"], where: "retention is not null" as never },
  ],
});

/** One conversation with one owner. Its messages, runs and events belong to the core; here stands what the owner sets. */
export class Thread extends ThreadSchema.class {}
ThreadSchema.setClass(Thread);
export const threadEntity = owned(ThreadSchema, { rule: "PRIVATE" });

const ForkSchema = defineEntity({
  name: "Fork",
  tableName: "chat_fork",
  properties: (p) => ({
    /** Of the thread that it becomes. */
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    streamNum: p.integer(),
  }),
});

/** A fork whose messages are being copied; it is gone once the thread is there. */
export class Fork extends ForkSchema.class {}
ForkSchema.setClass(Fork);
export const forkEntity = owned(ForkSchema, { rule: "PRIVATE" });

const ImportedThreadSchema = defineEntity({
  name: "ImportedThread",
  tableName: "chat_imported_thread",
  properties: (p) => ({
    tenantId: p.string().primary(),
    ownerId: p.string().primary(),
    /** By what its document is known again. */
    key: p.string().primary(),
    threadId: p.string().index(),
  }),
});

/** The document that a thread was made of: it is not imported twice. */
export class ImportedThread extends ImportedThreadSchema.class {}
ImportedThreadSchema.setClass(ImportedThread);
export const importedThreadEntity = owned(ImportedThreadSchema, { rule: "PRIVATE" });

import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const StreamSchema = defineEntity({
  name: "Stream",
  tableName: "runs_stream",
  properties: (p) => ({
    num: p.integer().primary(),
    /** The thread's or the root run's id. */
    id: p.string().unique(),
    tenantId: p.string(),
    ownerId: p.string(),
    kind: p.enum(["THREAD", "RUN"] as const),
    /** The seq of the newest row. */
    head: p.integer().default(0),
    /** Rows up to here may be gone: a reader from before it is given a snapshot. */
    horizon: p.integer().default(0),
    deleted: p.boolean().default(false),
    /** 1 where the thread is under legal hold: nothing of it is removed. */
    held: p.integer().default(0),
    /** What its events, its messages and its runs' checkpoints take, as JSON; 0 for what was written before this was counted. */
    bytes: p.bigint("number").default(0),
    /** When a run of it ended whose deltas the log still holds; null where there is nothing to compact. */
    compactableAt: p.bigint("number").nullable(),
  }),
  // (With its own type, the condition keeps the properties from being inferred.)
  indexes: [{ name: "runs_stream_compactable_index", properties: ["compactableAt"], where: "compactable_at is not null" as never }],
});

/** One ordered log: a thread, or a root run outside a thread. */
export class Stream extends StreamSchema.class {}
StreamSchema.setClass(Stream);
export const streamEntity = owned(StreamSchema, { rule: "PRIVATE" });

const StorageSchema = defineEntity({
  name: "StorageTotal",
  tableName: "runs_storage",
  properties: (p) => ({
    tenantId: p.string().primary(),
    /** "" for all of the tenant. */
    ownerId: p.string().primary(),
    bytes: p.bigint("number"),
  }),
});

/** What a viewer keeps, or all of a tenant. Written and read by prepared SQL only. */
export class StorageTotal extends StorageSchema.class {}
StorageSchema.setClass(StorageTotal);
export const storageEntity = owned(StorageSchema, { rule: "INTERNAL" });

const EventSchema = defineEntity({
  name: "EventRow",
  tableName: "runs_event",
  properties: (p) => ({
    streamNum: p.integer().primary(),
    seq: p.integer().primary(),
    /** The seq of the run's first event in this stream, which is shorter than its id. */
    runSeq: p.integer().nullable(),
    at: p.bigint("number"),
    kind: p.string(),
    payload: p.text(),
    /** Set where an event must not be appended twice. */
    eventKey: p.string().nullable(),
  }),
  uniques: [{ name: "runs_event_key_unique", properties: ["streamNum", "runSeq", "eventKey"], where: "event_key is not null" as never }],
});

/** A row of the log. Written and read by prepared SQL only. */
export class EventRow extends EventSchema.class {}
EventSchema.setClass(EventRow);
export const eventEntity = owned(EventSchema, { rule: "INTERNAL" });

import { defineEntity } from "@mikro-orm/core";
import { owned, type MemoryScope } from "#weftline";

const MemoryRecordSchema = defineEntity({
  name: "MemoryRecord",
  tableName: "memory_record",
  properties: (p) => ({
    /** By which the index knows it: its words, its vector. */
    num: p.integer().primary(),
    id: p.string().unique(),
    tenantId: p.string(),
    ownerId: p.string(),
    scope: p.string().$type<MemoryScope>(),
    /** Of a thread, an agent or the run at the top of a tree; of the owner for USER, of the tenant for TENANT. */
    scopeId: p.string(),
    /** The {@link MemorySpace} that it stands in, by which it is searched. */
    space: p.integer(),
    text: p.text(),
    /** Of the text without what makes no difference: two records of a space that share it say the same. */
    digest: p.string(),
    metadata: p.json<Readonly<Record<string, unknown>>>(),
    /** The {@link MemoryEmbedder} of its vector: null while it waits for one, 0 where it is searched no more. */
    embedderNum: p.integer().nullable(),
    /** The run whose tool remembered it. */
    sourceRunId: p.string().nullable(),
    /** The record that took its place: this one is shown, and not found by searches. */
    supersededById: p.string().nullable(),
    /** Milliseconds since 1970. */
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
    /** From then on nobody is shown it; null for ever. */
    expiresAt: p.bigint("number").nullable(),
  }),
  indexes: [
    { properties: ["space", "createdAt", "id"] },
    { properties: ["space", "digest"] },
    { properties: ["tenantId", "ownerId", "createdAt", "id"] },
    { properties: ["tenantId", "createdAt", "id"] },
    { properties: ["embedderNum", "num"] },
    { properties: ["supersededById"] },
    { properties: ["expiresAt"] },
  ],
});

/** A fact that was remembered. */
export class MemoryRecord extends MemoryRecordSchema.class {}
MemoryRecordSchema.setClass(MemoryRecord);

/** Records belong to whom they were remembered for; those of a tenant are read by its members. */
export const recordEntity = owned(MemoryRecordSchema, { rule: "GRANTED", grant: () => ({ scope: "TENANT" as never }) });

const MemorySpaceSchema = defineEntity({
  name: "MemorySpace",
  tableName: "memory_space",
  properties: (p) => ({
    num: p.integer().primary(),
    tenantId: p.string(),
    scope: p.string(),
    scopeId: p.string(),
    /** "" for what all of the tenant share. */
    ownerId: p.string(),
    /** How many records stand in it. */
    records: p.integer(),
  }),
  uniques: [{ properties: ["tenantId", "scope", "scopeId", "ownerId"] }],
});

/** What is searched as one: the records of a scope, of one thing, for one owner. No search leaves the spaces that it was given. */
export class MemorySpace extends MemorySpaceSchema.class {}
MemorySpaceSchema.setClass(MemorySpace);
export const spaceEntity = owned(MemorySpaceSchema, { rule: "INTERNAL" });

const MemoryEmbedderSchema = defineEntity({
  name: "MemoryEmbedder",
  tableName: "memory_embedder",
  properties: (p) => ({ num: p.integer().primary(), id: p.string(), dimensions: p.integer(), version: p.string() }),
  uniques: [{ properties: ["id", "dimensions", "version"] }],
});

/** An embedder whose vectors are stored. Vectors of two are never compared. */
export class MemoryEmbedder extends MemoryEmbedderSchema.class {}
MemoryEmbedderSchema.setClass(MemoryEmbedder);
export const embedderEntity = owned(MemoryEmbedderSchema, { rule: "INTERNAL" });

const MemoryVectorSchema = defineEntity({
  name: "MemoryVector",
  tableName: "memory_vector",
  properties: (p) => ({
    /** Of its record. */
    num: p.integer().primary(),
    space: p.integer(),
    embedderNum: p.integer(),
    /** Floats of four bytes, of length 1. */
    vector: p.blob(),
  }),
  indexes: [{ properties: ["space", "embedderNum"] }],
});

/** What a record means, as an embedder sees it. */
export class MemoryVector extends MemoryVectorSchema.class {}
MemoryVectorSchema.setClass(MemoryVector);
export const vectorEntity = owned(MemoryVectorSchema, { rule: "INTERNAL" });

const MemoryStateSchema = defineEntity({
  name: "MemoryState",
  tableName: "memory_state",
  properties: (p) => ({ key: p.string().primary(), value: p.integer() }),
});

/** How far something has come that goes on after a restart. */
export class MemoryState extends MemoryStateSchema.class {}
MemoryStateSchema.setClass(MemoryState);
export const stateEntity = owned(MemoryStateSchema, { rule: "INTERNAL" });

const MemoryCallSchema = defineEntity({
  name: "MemoryCall",
  tableName: "memory_call",
  properties: (p) => ({
    /** Of the call, beginning with the id of its run. */
    key: p.string().primary(),
    /** Of the record that it kept or removed. */
    num: p.integer(),
  }),
});

/** What a call of a tool has done, so that one that is made again after a lost process does nothing more. */
export class MemoryCall extends MemoryCallSchema.class {}
MemoryCallSchema.setClass(MemoryCall);
export const callEntity = owned(MemoryCallSchema, { rule: "INTERNAL" });

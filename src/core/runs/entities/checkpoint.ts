import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const CheckpointSchema = defineEntity({
  name: "Checkpoint",
  tableName: "runs_checkpoint",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string(),
    /** Rises with each checkpoint of the run. */
    num: p.integer(),
    namespace: p.string(),
    /** The adapter's own id. */
    name: p.string(),
    /** The row of the checkpoint that it follows; of another run where this one was forked from it. */
    parentId: p.string().nullable(),
    stepId: p.string().nullable(),
    format: p.string(),
    /** The version of each value of the state. */
    versions: p.json<Readonly<Record<string, string>>>(),
    data: p.json<unknown>().nullable(),
    createdAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["runId", "namespace", "name"] }],
  indexes: [{ properties: ["runId", "namespace", "num"] }, { properties: ["tenantId", "createdAt", "id"] }],
});

/** The state of a run after a step. Its values stand apart, so that a checkpoint costs only what changed. */
export class Checkpoint extends CheckpointSchema.class {}
CheckpointSchema.setClass(Checkpoint);
export const checkpointEntity = owned(CheckpointSchema, { rule: "PRIVATE" });

const CheckpointValueSchema = defineEntity({
  name: "CheckpointValueRow",
  tableName: "runs_checkpoint_value",
  properties: (p) => ({
    runId: p.string().primary(),
    namespace: p.string().primary(),
    channel: p.string().primary(),
    version: p.string().primary(),
    /** The version whose first `keep` items come before those stored here; null where the value stands here whole. */
    base: p.string().nullable(),
    keep: p.integer(),
    value: p.text(),
  }),
});

/** One version of one value of a run's state. Written and read by prepared SQL only. */
export class CheckpointValueRow extends CheckpointValueSchema.class {}
CheckpointValueSchema.setClass(CheckpointValueRow);
export const checkpointValueEntity = owned(CheckpointValueSchema, { rule: "INTERNAL" });

const CheckpointWriteSchema = defineEntity({
  name: "CheckpointWriteRow",
  tableName: "runs_checkpoint_write",
  properties: (p) => ({
    runId: p.string().primary(),
    namespace: p.string().primary(),
    checkpoint: p.string().primary(),
    task: p.string().primary(),
    place: p.integer().primary(),
    channel: p.string(),
    value: p.text(),
  }),
});

/** What a unit of work wrote after a checkpoint. Written and read by prepared SQL only. */
export class CheckpointWriteRow extends CheckpointWriteSchema.class {}
CheckpointWriteSchema.setClass(CheckpointWriteRow);
export const checkpointWriteEntity = owned(CheckpointWriteSchema, { rule: "INTERNAL" });

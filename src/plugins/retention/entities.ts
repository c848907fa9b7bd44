import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const RetentionPolicySchema = defineEntity({
  name: "RetentionPolicy",
  tableName: "retention_policy",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    /** Who set it first. */
    ownerId: p.string(),
    target: p.enum(["MEMORY", "MESSAGES", "RUN_DELTAS", "RUNS", "CHECKPOINTS", "FILES", "AUDIT"] as const),
    /** "" for all of the target. */
    scope: p.enum(["", "THREAD", "AGENT", "WORKFLOW", "USER", "TENANT"] as const),
    /** Milliseconds; null for any age. */
    maxAge: p.bigint("number").nullable(),
    maxCount: p.integer().nullable(),
    enabled: p.boolean(),
    lastAppliedAt: p.bigint("number").nullable(),
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "target", "scope"] }],
});

/** How long, and how much of something, a tenant keeps. */
export class RetentionPolicy extends RetentionPolicySchema.class {}
RetentionPolicySchema.setClass(RetentionPolicy);
export const policyEntity = owned(RetentionPolicySchema, { rule: "SHARED" });

import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const ToolCallAuditSchema = defineEntity({
  name: "ToolCallAudit",
  tableName: "runs_tool_call_audit",
  properties: (p) => ({
    /** The tool call's. */
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string().index(),
    targetType: p.string(),
    targetId: p.string(),
    targetName: p.string(),
    tool: p.string(),
    sideEffects: p.string().nullable(),
    argumentsHash: p.string().nullable(),
    status: p.enum(["SUCCESS", "ERROR", "DENIED", "CANCELLED"] as const),
    /** How often it was started. */
    attempts: p.integer(),
    decision: p.enum(["APPROVE", "EDIT", "REJECT", "ANSWER"] as const).nullable(),
    decidedBy: p.string().nullable(),
    decidedAt: p.bigint("number").nullable(),
    requestedAt: p.bigint("number"),
    startedAt: p.bigint("number").nullable(),
    finishedAt: p.bigint("number"),
    ms: p.integer().nullable(),
  }),
  indexes: [{ properties: ["tenantId", "ownerId", "finishedAt", "id"] }, { properties: ["tenantId", "finishedAt", "id"] }],
});

/** That a tool was called, for whom, by whose leave and with what outcome. It outlives the call and its thread, and holds nothing of their content. */
export class ToolCallAudit extends ToolCallAuditSchema.class {}
ToolCallAuditSchema.setClass(ToolCallAudit);
export const toolCallAuditEntity = owned(ToolCallAuditSchema, { rule: "PRIVATE" });

import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const OutboxSchema = defineEntity({
  name: "OutboxMessage",
  tableName: "capabilities_outbox",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string().index(),
    /** The tool call's key: a call that is tried again finds what it wrote before. */
    idempotencyKey: p.string().unique(),
    recipient: p.string(),
    subject: p.string(),
    body: p.text(),
    createdAt: p.bigint("number"),
  }),
  indexes: [{ properties: ["tenantId", "ownerId", "createdAt"] }],
});

/** A message that an agent was allowed to send. */
export class OutboxMessage extends OutboxSchema.class {}
OutboxSchema.setClass(OutboxMessage);
export const outboxEntity = owned(OutboxSchema, { rule: "PRIVATE" });

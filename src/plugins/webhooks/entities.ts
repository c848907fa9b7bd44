import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";
import type { WebhookEvent } from "./types.ts";

const InboundWebhookSchema = defineEntity({
  name: "InboundWebhook",
  tableName: "webhooks_inbound",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    name: p.string(),
    /** What it runs: the GraphQL type, the field of `RunTargetInput`, and the id within the type. */
    targetType: p.string(),
    targetField: p.string(),
    targetId: p.string(),
    /** The sealed signing secret, and the one before it, as long as that is good. */
    secretId: p.string(),
    previousSecretId: p.string().nullable(),
    previousUntil: p.bigint("number").nullable(),
    enabled: p.boolean(),
    /** Why the platform disabled it. */
    reason: p.text().nullable(),
    /** Milliseconds since 1970. */
    lastUsedAt: p.bigint("number").nullable(),
    createdAt: p.bigint("number"),
  }),
  indexes: [{ properties: ["tenantId", "ownerId", "createdAt", "id"] }],
});

/** A signed address that starts a run of a target, as its owner. */
export class InboundWebhook extends InboundWebhookSchema.class {}
InboundWebhookSchema.setClass(InboundWebhook);
export const inboundEntity = owned(InboundWebhookSchema, { rule: "PRIVATE" });

const WebhookSchema = defineEntity({
  name: "Webhook",
  tableName: "webhooks_webhook",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    name: p.string(),
    url: p.text(),
    events: p.json<readonly WebhookEvent[]>(),
    secretId: p.string(),
    previousSecretId: p.string().nullable(),
    previousUntil: p.bigint("number").nullable(),
    enabled: p.boolean(),
    reason: p.text().nullable(),
    /** Deliveries in a row that failed for good. */
    failures: p.integer().default(0),
    createdAt: p.bigint("number"),
  }),
  indexes: [{ properties: ["tenantId", "ownerId", "createdAt", "id"] }],
});

/** An address that is told of events of its owner's runs. */
export class Webhook extends WebhookSchema.class {}
WebhookSchema.setClass(Webhook);
export const webhookEntity = owned(WebhookSchema, { rule: "PRIVATE" });

const WebhookDeliverySchema = defineEntity({
  name: "WebhookDelivery",
  tableName: "webhooks_delivery",
  properties: (p) => ({
    /** Also the id of the message: the receiver knows a repetition by it. */
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    webhookId: p.string(),
    event: p.enum(["RUN_SUCCEEDED", "RUN_FAILED", "RUN_CANCELLED", "INTERRUPT_RAISED", "BUDGET_EXCEEDED"] as const),
    /** The body, as it is sent. */
    body: p.text(),
    status: p.enum(["PENDING", "DELIVERED", "FAILED"] as const),
    attempts: p.integer().default(0),
    /** Attempts since it was made or asked for again. */
    tries: p.integer().default(0),
    responseStatus: p.integer().nullable(),
    error: p.text().nullable(),
    createdAt: p.bigint("number"),
    deliveredAt: p.bigint("number").nullable(),
    /** By the database's clock; null where it is not sent again. While one is under way, when it is taken for lost. */
    nextAttemptAt: p.bigint("number").nullable(),
  }),
  indexes: [
    { properties: ["webhookId", "createdAt", "id"] },
    { properties: ["createdAt"] },
    // Only what is to be sent stands in it. (With its own type, the condition keeps the properties from being inferred.)
    { name: "webhooks_delivery_due_index", properties: ["webhookId", "nextAttemptAt"], where: "next_attempt_at is not null" as never },
  ],
});

/** One message to the address of a webhook, and what became of it. */
export class WebhookDelivery extends WebhookDeliverySchema.class {}
WebhookDeliverySchema.setClass(WebhookDelivery);
export const deliveryEntity = owned(WebhookDeliverySchema, { rule: "PRIVATE" });

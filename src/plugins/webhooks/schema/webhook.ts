import type { FilterQuery } from "@mikro-orm/core";
import { Actor, actorOf, connectionType, nodeType, pageArgs, pageOf, type GraphBuilder } from "#weftline";
import { Webhook, WebhookDelivery } from "../entities.ts";
import { loadVisible, reachOf, seesContent } from "../service/reach.ts";
import { DeliveryStatus, WebhookEvent } from "../types.ts";

const ownership = { rule: "PRIVATE", admins: "STATUS" } as const;
const newestFirst = { createdAt: "desc", id: "desc" } as const;

export function addWebhook(builder: GraphBuilder): void {
  addDelivery(builder);
  nodeType(builder, Webhook, {
    name: "Webhook",
    description:
      "Tells an address of events, signed by Standard Webhooks, at least once, without content. Admins see that it exists, without its content.",
    ownership,
    load: loadVisible(Webhook),
    fields: (t) => ({
      name: t.string({
        nullable: false,
        description: "What it is called; empty for who does not see its content.",
        resolve: (webhook, _, scope) => (seesContent(scope, webhook) ? webhook.name : ""),
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Whose it is, and whose runs it tells of.",
        resolve: (webhook, _, scope) => actorOf(scope, webhook.ownerId),
      }),
      url: t.string({
        nullable: false,
        description: "Where it sends to; empty for who does not see its content.",
        resolve: (webhook, _, scope) => (seesContent(scope, webhook) ? webhook.url : ""),
      }),
      events: t.field({
        type: [WebhookEvent],
        nullable: { list: false, items: false },
        description: "What it tells of.",
        resolve: ({ events }) => [...events],
      }),
      enabled: t.exposeBoolean("enabled", { nullable: false, description: "Whether it is told of anything." }),
      reason: t.string({
        description: "Why the platform disabled it.",
        resolve: (webhook, _, scope) => (seesContent(scope, webhook) ? (webhook.reason ?? null) : null),
      }),
      deliveries: t.field({
        type: connectionType(builder, "WebhookDelivery", WebhookDelivery),
        description: "What it sent and will send, newest first; kept for 30 days by default.",
        args: {
          status: t.arg({ type: [DeliveryStatus], description: "Only those that stand so; all by default." }),
          first: pageArgs(t).first,
          after: pageArgs(t).after,
        },
        resolve: ({ id }, { status, ...page }, scope) => {
          const where: FilterQuery<WebhookDelivery> = { webhookId: id, ...(status == null ? {} : { status: { $in: [...status] } }) };
          return pageOf(scope.emWith(reachOf(scope)), WebhookDelivery, where, page, newestFirst) as never;
        },
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: ({ createdAt }) => createdAt }),
    }),
  });
  builder.queryField("webhooks", (t) =>
    t.field({
      type: connectionType(builder, "Webhook", Webhook),
      description: "The viewer's webhooks, newest first.",
      args: pageArgs(t),
      resolve: (_, page, scope) => pageOf(scope.em, Webhook, {}, page, newestFirst) as never,
    }),
  );
}

function addDelivery(builder: GraphBuilder): void {
  nodeType(builder, WebhookDelivery, {
    name: "WebhookDelivery",
    description: "One message to an address, and what became of it. Repetitions have the same webhook-id.",
    ownership,
    load: loadVisible(WebhookDelivery),
    fields: (t) => ({
      event: t.field({ type: WebhookEvent, nullable: false, description: "What it tells of.", resolve: ({ event }) => event }),
      status: t.field({ type: DeliveryStatus, nullable: false, description: "How it stands.", resolve: ({ status }) => status }),
      attempts: t.exposeInt("attempts", { nullable: false, description: "How often it was sent." }),
      responseStatus: t.exposeInt("responseStatus", { description: "The status that the address answered last." }),
      error: t.string({ description: "Why it did not arrive, the last time.", resolve: ({ error }) => error ?? null }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When the event was.", resolve: ({ createdAt }) => createdAt }),
      deliveredAt: t.field({ type: "DateTime", description: "When it arrived.", resolve: ({ deliveredAt }) => deliveredAt ?? null }),
      nextAttemptAt: t.field({
        type: "DateTime",
        description: "When it is sent next; while it is being sent, when that counts as lost.",
        resolve: ({ nextAttemptAt }) => nextAttemptAt ?? null,
      }),
    }),
  });
}

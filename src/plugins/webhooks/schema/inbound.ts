import { Actor, RunTarget, actorOf, connectionType, nodeType, pageArgs, pageOf, runTargets, type GraphBuilder } from "#weftline";
import { InboundWebhook } from "../entities.ts";
import { urlOf } from "../inbound/route.ts";
import { loadVisible, seesContent } from "../service/reach.ts";

export function addInbound(builder: GraphBuilder): void {
  nodeType(builder, InboundWebhook, {
    name: "InboundWebhook",
    description:
      "A signed address (Standard Webhooks) that starts a run with the body as its input, as its owner. Admins see that it exists, without its content.",
    ownership: { rule: "PRIVATE", admins: "STATUS" },
    load: loadVisible(InboundWebhook),
    fields: (t) => ({
      name: t.string({
        nullable: false,
        description: "What it is called; empty for who does not see its content.",
        resolve: (webhook, _, scope) => (seesContent(scope, webhook) ? webhook.name : ""),
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Whose it is, and who its runs act as.",
        resolve: (webhook, _, scope) => actorOf(scope, webhook.ownerId),
      }),
      target: t.field({
        type: RunTarget,
        description: "What a call runs; null where that is gone.",
        resolve: async (webhook, _, scope) =>
          ((await scope.contributions(runTargets).get(webhook.targetType)?.value.load(scope, webhook.targetId)) ??
            null) as RunTarget | null,
      }),
      url: t.string({ nullable: false, description: "Where to POST a signed call, on this server.", resolve: (webhook) => urlOf(webhook) }),
      enabled: t.exposeBoolean("enabled", { nullable: false, description: "Whether it takes calls." }),
      reason: t.string({
        description: "Why the platform disabled it.",
        resolve: (webhook, _, scope) => (seesContent(scope, webhook) ? (webhook.reason ?? null) : null),
      }),
      lastUsedAt: t.field({
        type: "DateTime",
        description: "When a call last started a run.",
        resolve: ({ lastUsedAt }) => lastUsedAt ?? null,
      }),
      createdAt: t.field({ type: "DateTime", nullable: false, description: "When it was made.", resolve: ({ createdAt }) => createdAt }),
    }),
  });
  builder.queryField("inboundWebhooks", (t) =>
    t.field({
      type: connectionType(builder, "InboundWebhook", InboundWebhook),
      description: "The viewer's inbound webhooks, newest first.",
      args: pageArgs(t),
      resolve: (_, page, scope) => pageOf(scope.em, InboundWebhook, {}, page, { createdAt: "desc", id: "desc" }) as never,
    }),
  );
}

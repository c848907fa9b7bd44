import { globalId, resultType, type GraphBuilder } from "#weftline";
import { InboundWebhook, Webhook, WebhookDelivery } from "../entities.ts";
import { createInbound, removeInbound, updateInbound, type MadeInbound } from "../inbound/edit.ts";
import { createWebhook, redeliver, removeWebhook, updateWebhook, type MadeWebhook } from "../outbound/edit.ts";
import { webhooksHost } from "../service/host.ts";
import { rotateSigningSecret } from "../service/rotate.ts";
import { webhookInputs } from "./inputs.ts";

const shownOnce = "Signs its messages; shown this once. whsec_ and base64, as Standard Webhooks has it.";

export function addInboundMutations(builder: GraphBuilder): void {
  const inputs = webhookInputs(builder);
  const created = resultType<MadeInbound>(builder, "CreateInboundWebhook", {
    errors: ["conflict"],
    fields: (t) => ({
      webhook: t.field({ type: InboundWebhook, nullable: false, description: "The webhook.", resolve: ({ webhook }) => webhook }),
      signingSecret: t.string({ nullable: false, description: shownOnce, resolve: ({ signingSecret }) => signingSecret }),
    }),
  });
  const updated = resultType<Pick<MadeInbound, "webhook">>(builder, "UpdateInboundWebhook", {
    errors: ["conflict"],
    fields: (t) => ({
      webhook: t.field({
        type: InboundWebhook,
        nullable: false,
        description: "The webhook as it is now.",
        resolve: ({ webhook }) => webhook,
      }),
    }),
  });
  const removed = removal(builder, "InboundWebhook");
  builder.mutationFields((t) => ({
    createInboundWebhook: t.field({
      type: created.type,
      nullable: false,
      description: "Makes a signed address that starts runs as the viewer.",
      args: { input: t.arg({ type: inputs.createInbound, required: true, description: "The webhook." }) },
      resolve: (_, { input }, scope) => created.attempt(() => createInbound(scope.use(webhooksHost), scope, input)),
    }),
    updateInboundWebhook: t.field({
      type: updated.type,
      nullable: false,
      description: "Changes an inbound webhook; for its owner.",
      args: { input: t.arg({ type: inputs.updateInbound, required: true, description: "The change." }) },
      resolve: (_, { input }, scope) =>
        updated.attempt(async () => ({ webhook: await updateInbound(scope.use(webhooksHost), scope, input) })),
    }),
    removeInboundWebhook: t.field({
      type: removed.type,
      nullable: false,
      description: "Removes an inbound webhook and its secret; for its owner. Its runs stay.",
      args: { webhook: t.arg.id({ required: true, description: "Which webhook." }) },
      resolve: (_, { webhook }, scope) =>
        removed.attempt(async () => ({ id: await removeInbound(scope.use(webhooksHost), scope, String(webhook)) })),
    }),
  }));
}

export function addWebhookMutations(builder: GraphBuilder): void {
  const inputs = webhookInputs(builder);
  const created = resultType<MadeWebhook>(builder, "CreateWebhook", {
    errors: ["conflict"],
    fields: (t) => ({
      webhook: t.field({ type: Webhook, nullable: false, description: "The webhook.", resolve: ({ webhook }) => webhook }),
      signingSecret: t.string({ nullable: false, description: shownOnce, resolve: ({ signingSecret }) => signingSecret }),
    }),
  });
  const updated = resultType<Pick<MadeWebhook, "webhook">>(builder, "UpdateWebhook", {
    errors: ["conflict"],
    fields: (t) => ({
      webhook: t.field({ type: Webhook, nullable: false, description: "The webhook as it is now.", resolve: ({ webhook }) => webhook }),
    }),
  });
  const removed = removal(builder, "Webhook");
  builder.mutationFields((t) => ({
    createWebhook: t.field({
      type: created.type,
      nullable: false,
      description: "Lets an address be told of the viewer's runs.",
      args: { input: t.arg({ type: inputs.create, required: true, description: "The webhook." }) },
      resolve: (_, { input }, scope) => created.attempt(() => createWebhook(scope.use(webhooksHost), scope, input)),
    }),
    updateWebhook: t.field({
      type: updated.type,
      nullable: false,
      description: "Changes a webhook; for its owner.",
      args: { input: t.arg({ type: inputs.update, required: true, description: "The change." }) },
      resolve: (_, { input }, scope) =>
        updated.attempt(async () => ({ webhook: await updateWebhook(scope.use(webhooksHost), scope, input) })),
    }),
    removeWebhook: t.field({
      type: removed.type,
      nullable: false,
      description: "Removes a webhook, its secret and its deliveries; for its owner.",
      args: { webhook: t.arg.id({ required: true, description: "Which webhook." }) },
      resolve: (_, { webhook }, scope) =>
        removed.attempt(async () => ({ id: await removeWebhook(scope.use(webhooksHost), scope, String(webhook)) })),
    }),
  }));
  addRotation(builder);
}

function removal(builder: GraphBuilder, typeName: "InboundWebhook" | "Webhook") {
  return resultType<{ readonly id: string }>(builder, `Remove${typeName}`, {
    fields: (t) => ({
      deletedWebhookId: t.id({ nullable: false, description: "The webhook that is gone.", resolve: ({ id }) => globalId(typeName, id) }),
    }),
  });
}

function addRotation(builder: GraphBuilder): void {
  const rotated = resultType<{ readonly signingSecret: string }>(builder, "RotateSigningSecret", {
    fields: (t) => ({
      signingSecret: t.string({ nullable: false, description: shownOnce, resolve: ({ signingSecret }) => signingSecret }),
    }),
  });
  const redelivered = resultType<{ readonly delivery: WebhookDelivery }>(builder, "RedeliverWebhook", {
    errors: ["conflict"],
    fields: (t) => ({
      delivery: t.field({
        type: WebhookDelivery,
        nullable: false,
        description: "The delivery, about to be sent.",
        resolve: ({ delivery }) => delivery,
      }),
    }),
  });
  builder.mutationFields((t) => ({
    rotateSigningSecret: t.field({
      type: rotated.type,
      nullable: false,
      description: "Gives a webhook, of either sort, a new secret; for its owner. The old one is good for 24 hours more by default.",
      args: { webhook: t.arg.id({ required: true, description: "A Webhook or an InboundWebhook." }) },
      resolve: (_, { webhook }, scope) =>
        rotated.attempt(async () => ({ signingSecret: await rotateSigningSecret(scope.use(webhooksHost), scope, String(webhook)) })),
    }),
    redeliverWebhook: t.field({
      type: redelivered.type,
      nullable: false,
      description: "Sends a delivery again with the same webhook-id, also one that arrived; for its owner.",
      args: { delivery: t.arg.id({ required: true, description: "Which delivery." }) },
      resolve: (_, { delivery }, scope) =>
        redelivered.attempt(async () => ({ delivery: await redeliver(scope.use(webhooksHost), scope, String(delivery)) })),
    }),
  }));
}

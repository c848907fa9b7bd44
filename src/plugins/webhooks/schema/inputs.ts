import { inputNamed, type GraphBuilder, type RunTargetRef } from "#weftline";
import type { CreateInbound, CreateWebhook, UpdateInbound, UpdateWebhook } from "../service/inputs.ts";
import { WebhookEvent } from "../types.ts";

/** The inputs of webhooks by their names, for those who use them. */
export function webhookInputs(builder: GraphBuilder) {
  return {
    createInbound: inputNamed<CreateInbound>(builder, "CreateInboundWebhookInput"),
    updateInbound: inputNamed<UpdateInbound>(builder, "UpdateInboundWebhookInput"),
    create: inputNamed<CreateWebhook>(builder, "CreateWebhookInput"),
    update: inputNamed<UpdateWebhook>(builder, "UpdateWebhookInput"),
    target: inputNamed<RunTargetRef>(builder, "RunTargetInput"),
  };
}

const about = {
  webhook: "Which webhook.",
  name: "What it is called, 1 to 100 characters.",
  target: "What a call runs.",
  url: "Where to send to: a public http or https address.",
  events: "What to tell of.",
  enabledInbound: "Whether it takes calls.",
  enabled: "Whether it is told of anything.",
  idempotencyKey: "Makes it safe to send this again: for 24 hours the same key and body give the first answer.",
} as const;

export function addInputs(builder: GraphBuilder): void {
  const inputs = webhookInputs(builder);
  builder.inputType(inputs.createInbound, {
    description: "A new inbound webhook.",
    fields: (t) => ({
      name: t.string({ required: true, description: about.name }),
      target: t.field({ type: inputs.target, required: true, description: about.target }),
      enabled: t.boolean({ defaultValue: true, description: about.enabledInbound }),
      idempotencyKey: t.string({ description: about.idempotencyKey }),
    }),
  });
  builder.inputType(inputs.updateInbound, {
    description: "A change of an inbound webhook. What is left out stays.",
    fields: (t) => ({
      webhook: t.id({ required: true, description: about.webhook }),
      name: t.string({ description: about.name }),
      target: t.field({ type: inputs.target, description: about.target }),
      enabled: t.boolean({ description: `${about.enabledInbound} Clears its reason.` }),
    }),
  });
  builder.inputType(inputs.create, {
    description: "A new webhook.",
    fields: (t) => ({
      name: t.string({ required: true, description: about.name }),
      url: t.string({ required: true, description: about.url }),
      events: t.field({ type: [WebhookEvent], required: true, description: about.events }),
      enabled: t.boolean({ defaultValue: true, description: about.enabled }),
      idempotencyKey: t.string({ description: about.idempotencyKey }),
    }),
  });
  builder.inputType(inputs.update, {
    description: "A change of a webhook. What is left out stays.",
    fields: (t) => ({
      webhook: t.id({ required: true, description: about.webhook }),
      name: t.string({ description: about.name }),
      url: t.string({ description: about.url }),
      events: t.field({ type: [WebhookEvent], description: about.events }),
      enabled: t.boolean({ description: `${about.enabled} Clears its reason; false gives up what waits to be sent.` }),
    }),
  });
}

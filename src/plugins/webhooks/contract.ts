export { InboundWebhook, Webhook, WebhookDelivery } from "./entities.ts";
export type { DeliveryStatus, WebhookEvent } from "./types.ts";

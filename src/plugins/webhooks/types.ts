import { enumKey } from "#weftline";

export const WebhookEvent = enumKey("RUN_SUCCEEDED", "RUN_FAILED", "RUN_CANCELLED", "INTERRUPT_RAISED", "BUDGET_EXCEEDED");
export type WebhookEvent = keyof typeof WebhookEvent;
export const DeliveryStatus = enumKey("PENDING", "DELIVERED", "FAILED");
export type DeliveryStatus = keyof typeof DeliveryStatus;

import { defineEnum, type GraphBuilder } from "#weftline";
import { DeliveryStatus, WebhookEvent } from "../types.ts";

export function addEnums(builder: GraphBuilder): void {
  defineEnum(builder, WebhookEvent, "WebhookEvent", "What an address is told of.", {
    RUN_SUCCEEDED: "A run ended with a result. Runs that another run started are not told of.",
    RUN_FAILED: "A run failed or passed its deadline.",
    RUN_CANCELLED: "A run was cancelled.",
    INTERRUPT_RAISED: "A run waits for a person, also one that another run started.",
    BUDGET_EXCEEDED: "A run failed for a budget, or asks for leave to spend more than it has.",
  });
  defineEnum(builder, DeliveryStatus, "DeliveryStatus", "How a delivery stands.", {
    PENDING: "It will be sent, at once or again.",
    DELIVERED: "The address answered with 2xx.",
    FAILED: "It is not sent any more, unless by redeliverWebhook.",
  });
}

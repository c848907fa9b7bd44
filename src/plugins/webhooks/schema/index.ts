import type { GraphBuilder } from "#weftline";
import { addEnums } from "./enums.ts";
import { addInbound } from "./inbound.ts";
import { addInputs } from "./inputs.ts";
import { addInboundMutations, addWebhookMutations } from "./mutations.ts";
import { addWebhook } from "./webhook.ts";

/** The graph of webhooks. */
export function addWebhooksSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addInputs(builder);
  addInbound(builder);
  addWebhook(builder);
  addInboundMutations(builder);
  addWebhookMutations(builder);
}

import type { RunTargetRef } from "#weftline";
import type { WebhookEvent } from "../types.ts";

/** `CreateInboundWebhookInput`. */
export interface CreateInbound {
  readonly name: string;
  readonly target: RunTargetRef;
  readonly enabled?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** `UpdateInboundWebhookInput`: what is left out stays. */
export interface UpdateInbound extends Partial<{ [Name in Exclude<keyof CreateInbound, "idempotencyKey">]: CreateInbound[Name] | null }> {
  /** Its id in the graph. */
  readonly webhook: string;
}

/** `CreateWebhookInput`. */
export interface CreateWebhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly enabled?: boolean | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** `UpdateWebhookInput`: what is left out stays. */
export interface UpdateWebhook extends Partial<{ [Name in Exclude<keyof CreateWebhook, "idempotencyKey">]: CreateWebhook[Name] | null }> {
  /** Its id in the graph. */
  readonly webhook: string;
}

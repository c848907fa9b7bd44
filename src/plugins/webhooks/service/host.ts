import { serviceRef, type ActingScopes, type Changes, type Database, type Logger, type OutgoingHttp, type SealedValues } from "#weftline";
import type { WebhooksConfig } from "../config.ts";

/** What webhooks need of the platform, and of each other. */
export interface WebhooksHost {
  readonly config: WebhooksConfig;
  readonly database: Database;
  readonly sealed: SealedValues;
  readonly outgoing: OutgoingHttp;
  readonly acting: ActingScopes;
  readonly changes: Changes;
  readonly log: Logger;
  /** An owner may have webhooks that want to be told; called in the transaction that makes it so. */
  listens(owner: { readonly tenantId: string; readonly ownerId: string }): void;
  /** Deliveries may be due. */
  wake(): void;
}

/** For the resolvers of the plugin. */
export const webhooksHost = serviceRef<WebhooksHost>("webhooks.host");

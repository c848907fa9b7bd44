import type { Beginnings, Changes, Contribution, Database, Files, LegalHolds, Purger, RunService, Streams, Tx } from "#weftline";
import type { AgentService } from "#plugins/agents";
import type { ChatConfig } from "../config.ts";
import type { Thread } from "../entities.ts";
import type { Activities } from "./activity/activities.ts";

/** What the parts of the chat service work with. */
export interface ChatDeps {
  readonly config: ChatConfig;
  readonly database: Database;
  readonly agents: AgentService;
  readonly runs: RunService;
  readonly streams: Streams;
  readonly changes: Changes;
  readonly holds: LegalHolds;
  readonly beginnings: Beginnings;
  /** Absent where no plugin keeps files. */
  readonly files?: Files | undefined;
  readonly activities: Activities;
  readonly purgers: ReadonlyMap<string, Contribution<Purger>>;
}

/** Tells lists of a thread, once the change is durable. */
export function announce({ changes }: ChatDeps, tx: Tx, thread: Thread, kind: "CREATED" | "UPDATED" | "DELETED"): void {
  const { id, tenantId, ownerId } = thread;
  tx.afterCommit(() => changes.publish({ kind, typeName: "Thread", id, tenantId, ownerId }));
}

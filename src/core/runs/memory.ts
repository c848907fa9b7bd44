import { enumKey } from "../graphql/enums.ts";
import { serviceRef } from "../kernel/refs.ts";
import type { MaybePromise } from "../kernel/spec.ts";

/** Whose memory a fact belongs to. */
export const MemoryScope = enumKey("THREAD", "AGENT", "WORKFLOW", "USER", "TENANT");
export type MemoryScope = keyof typeof MemoryScope;

/** What a memory is asked. */
export interface RecallRequest {
  /** For whom, as the run's row says: nothing of it is what a caller or a model said. */
  readonly run: {
    readonly id: string;
    /** The run at the top of its tree; its own id where it is that. */
    readonly rootId: string;
    readonly tenantId: string;
    /** Who reads what is recalled. */
    readonly ownerId: string;
    readonly threadId: string | undefined;
    readonly agentId: string;
  };
  readonly scopes: readonly MemoryScope[];
  /** The most records. */
  readonly limit: number;
  /** What the user said last, at most its first 4,000 characters; never empty. */
  readonly query: string;
  /** Aborts when the run is cancelled, or when it took too long. */
  readonly signal: AbortSignal;
}

/** A record that fits. */
export interface RecalledRecord {
  /** The provider's own. */
  readonly id: string;
  /** One of those that were asked for. */
  readonly scope: MemoryScope;
  readonly text: string;
  /** How well it fits; what it is measured in is the provider's. */
  readonly score: number;
}

/** A memory, whatever keeps it. */
export interface Memory {
  /** How long the engine waits for an answer, in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number;
  /**
   * Finds what fits a run, the best first. Scopes that the run is no part of (THREAD outside a thread) hold nothing, and what the run's owner may
   * not read is not answered. Where it throws or takes too long the run goes on without.
   */
  recall(request: RecallRequest): MaybePromise<readonly RecalledRecord[]>;
}

/** The memory of the platform. A plugin provides it; where none does, agents recall nothing and their health says so. */
export const memoryService = serviceRef<Memory>("memory.memory");

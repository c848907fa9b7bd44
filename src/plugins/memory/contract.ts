import { serviceRef, type MemoryScope, type Page, type PageArgs, type Scope } from "#weftline";
import type { MemoryRecord } from "./entities.ts";

export { MemoryRecord } from "./entities.ts";
export { embedders, type Embedder, type EmbedderStatus } from "./embedders/embedder.ts";

/** Whose memory, as a caller names it: ids are those of the graph. THREAD, AGENT and WORKFLOW take one; USER and TENANT are the viewer's. */
export interface ScopeRef {
  readonly scope: MemoryScope;
  readonly id?: string | null | undefined;
}

/** A fact as a caller wants it remembered. */
export interface Remember {
  readonly text: string;
  readonly scope: ScopeRef;
  readonly metadata?: unknown;
  /** In milliseconds. */
  readonly ttl?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** What is to be found. */
export interface SearchMemory {
  readonly query: string;
  readonly scopes: readonly ScopeRef[];
  readonly limit?: number | null | undefined;
  readonly minScore?: number | null | undefined;
  readonly metadata?: unknown;
}

/** A record that was found. */
export interface MemoryHit {
  readonly record: MemoryRecord;
  /** From 0 to 1: 1 where it comes first by its vector and by its keywords. */
  readonly score: number;
  /** The cosine between what it means and what was asked; null where it was found by keywords alone. */
  readonly similarity: number | null;
  readonly matchedBy: readonly ("VECTOR" | "KEYWORD")[];
}

/** Records of viewers. Every method acts as the scope's viewer and throws NOT_FOUND for what is another's. */
export interface MemoryRecords {
  /**
   * Remembers a fact; one that says the same as another of its scope becomes one with it.
   *
   * @throws INVALID_INPUT; FORBIDDEN for TENANT of a viewer who is no admin; RATE_LIMITED where the scope is full; IDEMPOTENCY_CONFLICT.
   */
  remember(scope: Scope, request: Remember): Promise<MemoryRecord>;
  /**
   * Changes a fact. Another text makes another record, which supersedes the one before.
   *
   * @throws CONFLICT for a record that is superseded.
   */
  update(
    scope: Scope,
    change: { readonly id: string; readonly text?: string | null | undefined; readonly metadata?: unknown },
  ): Promise<MemoryRecord>;
  /** Forgets a record and those that it superseded. */
  forget(scope: Scope, id: string): Promise<void>;
  /** Forgets all of a scope. @returns how many records that were. */
  forgetAll(scope: Scope, ref: ScopeRef): Promise<number>;
  /** Newest first: of a scope, or all that the viewer remembers. @throws NOT_FOUND, INVALID_ID */
  list(scope: Scope, ref: ScopeRef | undefined, args: PageArgs): Promise<Page<MemoryRecord>>;
  /** The best first. @throws INVALID_INPUT, NOT_FOUND, INVALID_ID */
  search(scope: Scope, request: SearchMemory): Promise<readonly MemoryHit[]>;
}

/** @example const record = await scope.use(memoryRecords).remember(scope, { text: "Likes tea.", scope: { scope: "USER" } }); */
export const memoryRecords = serviceRef<MemoryRecords>("memory.records");

/** A fact as expressions of workflows read it. */
export interface WorkflowFact {
  /** As the tools of the memory take it. */
  readonly id: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** A run by which its WORKFLOW scope is found, as its row says. */
export interface RunOfTree {
  readonly tenantId: string;
  readonly ownerId: string;
  /** The run at the top of its tree. */
  readonly rootId: string;
}

/** What the runs of one tree remember in common: their WORKFLOW scope. */
export interface WorkflowMemory {
  /**
   * All of it, in the order in which it was first remembered: what is superseded, forgotten or expired is left out.
   *
   * @throws INVALID_INPUT beyond 500 facts, and beyond 256 KiB of texts and metadata.
   */
  facts(run: RunOfTree): Promise<readonly WorkflowFact[]>;
  /**
   * Has a run remember what the tree of another run of its owner remembers, once however often it is asked.
   *
   * @throws INVALID_INPUT beyond 2,000 facts, and beyond 4 MiB of texts and metadata.
   */
  takeOver(run: RunOfTree, from: string): Promise<void>;
}

/** @example const facts = await memory.facts(run); */
export const workflowMemory = serviceRef<WorkflowMemory>("memory.workflow");

import type { SqlTx } from "../../database/database.ts";
import { enumKey } from "../../graphql/enums.ts";
import { extensionPoint, serviceRef } from "../../kernel/refs.ts";
import type { MemoryScope } from "../memory.ts";

/** What a policy of retention may be about. */
export const RetentionTarget = enumKey("MEMORY", "MESSAGES", "RUN_DELTAS", "RUNS", "CHECKPOINTS", "FILES", "AUDIT");
export type RetentionTarget = keyof typeof RetentionTarget;

/** How much of something a tenant keeps: what is older, or more, goes. */
export interface RetentionRule {
  readonly tenantId: string;
  /** Of MEMORY: only records of this scope. */
  readonly scope?: MemoryScope;
  /** In milliseconds. */
  readonly maxAgeMs?: number;
  readonly maxCount?: number;
}

/** What a rule would remove. */
export interface RetentionFinding {
  readonly rows: number;
  /** In milliseconds since 1970; null where there is nothing. */
  readonly oldest: number | null;
}

/** What whoever removes works with. */
export interface RetentionWork {
  readonly signal: AbortSignal;
  /**
   * Call it after each transaction, and after each page that was read: others go first.
   *
   * @param removed rows since the last call.
   * @throws the reason to stop here; let it pass.
   */
  rest(removed: number): Promise<void>;
}

/**
 * Data of a plugin's that policies are about. Whoever decides how long it is kept knows neither its tables nor what goes with a row: it asks here. What
 * belongs to a thread under legal hold is left out of both, see `Streams.held`.
 */
export interface RetainedData {
  /** What a rule may limit it by. */
  readonly by: readonly ("maxAge" | "maxCount")[];
  /** Scopes that a rule may name; none where the data has none. */
  readonly scopes?: readonly MemoryScope[];
  /** What a rule would remove now. Reads page by page. */
  preview(rule: RetentionRule): Promise<RetentionFinding>;
  /**
   * Removes what a rule does not keep, in transactions of some milliseconds. It may be broken off at each rest, and called again.
   *
   * @returns how many rows went.
   */
  prune(rule: RetentionRule, work: RetentionWork): Promise<number>;
  /** Told of the rules that are in force, at the start and after each change: for data that goes by itself. */
  govern?(rules: readonly RetentionRule[]): void;
  /** Rules that the data itself has, as a thread that says how long it keeps its messages. */
  readonly own?: OwnRules;
}

/** Rules that data itself has. */
export interface OwnRules {
  /** Tenants with such data. */
  tenants(): Promise<readonly string[]>;
  /** As {@link RetainedData.prune}. */
  prune(tenantId: string, work: RetentionWork): Promise<number>;
}

/** Where plugins put {@link RetainedData}, by its {@link RetentionTarget}. */
export const retainedData = extensionPoint<RetainedData>("runs.retainedData");

/** Legal holds: nothing of a thread that is held is removed, by policy or by hand. */
export interface LegalHolds {
  /** Holds a thread, or lets it go. */
  set(tx: SqlTx, threadId: string, held: "HELD" | "FREE"): Promise<void>;
  /** Which of these threads are held. Within a transaction it sees what that wrote. */
  among(threadIds: readonly string[], tx?: SqlTx): Promise<ReadonlySet<string>>;
}

export const legalHolds = serviceRef<LegalHolds>("runs.legalHolds");

/** How much of a thread is kept. */
export interface MessagesKept {
  /** In milliseconds. */
  readonly maxAgeMs?: number;
  /** So many of the newest; a turn is kept whole. */
  readonly maxCount?: number;
}

/** The beginnings of threads' logs, with the messages and runs of them. */
export interface Beginnings {
  /** What of a thread is not kept. */
  find(streamNum: number, kept: MessagesKept): Promise<RetentionFinding>;
  /** Removes what is not kept: messages, with the runs that wrote them, their calls and steps, and the rows of the log. @returns how many messages went. */
  remove(streamNum: number, kept: MessagesKept, work: RetentionWork): Promise<number>;
  /**
   * Forgets most of a long log in small transactions, before the one that erases the stream; nothing while a run is open, and of one that is held. The messages
   * stay, and who follows is given a snapshot.
   */
  shorten(streamNum: number): Promise<void>;
}

export const beginningService = serviceRef<Beginnings>("runs.beginnings");

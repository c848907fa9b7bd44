import type { OnBusy, RunLimits } from "#weftline";
import type { AgentRef } from "#plugins/agents";

/** Settings of a thread as a client gives them: what is left out stays, null goes back to the default. */
export interface ThreadConfigChange {
  readonly historyLimit?: number | null | undefined;
  readonly historyTokens?: number | null | undefined;
  /** Milliseconds. */
  readonly retention?: number | null | undefined;
  readonly simulatedAllowed?: boolean | null | undefined;
  readonly metadata?: unknown;
}

/** A request for a new thread. */
export interface CreateThread {
  readonly title?: string | null | undefined;
  readonly agent?: AgentRef | null | undefined;
  readonly config?: ThreadConfigChange | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** A change of a thread: what is left out stays, null clears. */
export interface UpdateThread {
  readonly thread: string;
  readonly title?: string | null | undefined;
  readonly agent?: AgentRef | null | undefined;
  readonly config?: ThreadConfigChange | null | undefined;
  readonly archived?: boolean | null | undefined;
  /** For admins, of any thread of the tenant. */
  readonly legalHold?: boolean | null | undefined;
}

/** A request for a copy of a thread up to a message. */
export interface ForkThread {
  readonly thread: string;
  /** The last message that is copied. */
  readonly at: string;
  readonly idempotencyKey?: string | null | undefined;
}

/** One part of a message that somebody sends: exactly one of these. */
export interface SentPart {
  readonly text?: string | null | undefined;
  /** A file's id in the graph; the plugin that keeps files adds the field. */
  readonly file?: string | null | undefined;
  readonly data?: unknown;
}

/** A message for a thread's agent. */
export interface SendMessage {
  readonly thread: string;
  /** Either this or `parts`. */
  readonly text?: string | null | undefined;
  readonly parts?: readonly SentPart[] | null | undefined;
  /** Another agent than the thread's, for this message. */
  readonly agent?: AgentRef | null | undefined;
  readonly onBusy?: OnBusy | null | undefined;
  readonly limits?: RunLimits | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
}

/** A request for another answer. */
export interface RegenerateMessage {
  readonly message: string;
  readonly idempotencyKey?: string | null | undefined;
}

import type { Provenance } from "../host/types.ts";
import type { LoggedEvent, StoredUsage } from "./events.ts";
import type { MessageParts } from "./message-parts.ts";
import type { CallCosts } from "./metering/call-costs.ts";
import type { BrokenMessage } from "./restore.ts";
import type { QueueOwner } from "./run-queue.ts";

/** A message that is being written. */
export interface OpenMessage {
  readonly m: number;
  readonly parts: MessageParts;
  /** Whether a delta has gone out: the first goes at once. */
  begun: boolean;
}

export interface OpenStep {
  readonly s: number;
  readonly startedAt: number;
  /** Of a model's, whose it is. */
  readonly provenance: Provenance | undefined;
  /** The run that it started. */
  readonly child: string | undefined;
}

/** Where a run's numbers stand when a turn begins. */
export interface SessionStart extends QueueOwner {
  readonly agentName: string | undefined;
  readonly provenance: Provenance | undefined;
  readonly usage: StoredUsage;
  readonly broken: readonly BrokenMessage[];
  /** The run whose answer this one gives anew. */
  readonly regeneratesId: string | undefined;
  readonly costs: CallCosts;
  /** The newest checkpoint among its steps. */
  readonly lastCheckpoint: string | undefined;
}

/** The last numbers that a run gave out: of messages, steps, calls and counts of usage. */
export interface Counters {
  m: number;
  s: number;
  c: number;
  u: number;
}

/** Where the numbers of a run stand, by what its log holds. */
export function countersOf(past: readonly LoggedEvent[], usage: StoredUsage): Counters {
  const counters = { m: 0, s: 0, c: 0, u: usage.modelCalls };
  for (const { kind, payload } of past) {
    const numbers = payload as { readonly m?: number; readonly s?: number; readonly c?: number };
    if (kind === "message.started") counters.m = Math.max(counters.m, numbers.m ?? 0);
    else if (kind === "step.started") counters.s = Math.max(counters.s, numbers.s ?? 0);
    else if (kind === "tool.requested") counters.c = Math.max(counters.c, numbers.c ?? 0);
  }
  return counters;
}

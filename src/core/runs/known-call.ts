import type { Sql } from "../database/sql.ts";
import type { Interrupt, ToolCall } from "./entities/message.ts";
import { outcomeOf } from "./history/conversation.ts";
import type { ToolOutcome } from "./tools.ts";
import { wholeCalls } from "./values/rows.ts";

/** A call as a turn knows it. */
export interface KnownCall {
  readonly c: number;
  readonly name: string;
  attempt: number;
  /** It was started, and nobody knows what came of that: each of its attempts needs a decision of its own. */
  lost: boolean;
  /** With which arguments it was started. */
  arguments?: unknown;
  /** Whether they are a person's. */
  readonly edited?: boolean;
  outcome: ToolOutcome | undefined;
  interrupts: readonly Interrupt[];
  /** Its row, where something large of it was not read yet. */
  apart?: ToolCall | undefined;
}

/** A call that an earlier turn left. @param interrupts of the run. */
export function knownCall(row: ToolCall, interrupts: readonly Interrupt[]): KnownCall {
  const own = interrupts.filter(({ toolCallId }) => toolCallId === row.id);
  const isApart = row.argumentsRefs != null || row.requestedRefs != null || row.resultRefs != null;
  return {
    c: row.num,
    name: row.name,
    attempt: row.attempt,
    lost: row.status === "RUNNING" || own.some(({ kind }) => kind === "UNCERTAIN"),
    arguments: row.arguments,
    edited: row.requestedArguments != null || row.requestedRefs != null,
    outcome: isApart ? undefined : outcomeOf(row),
    interrupts: own,
    ...(isApart ? { apart: row } : {}),
  };
}

/** Reads what is large of a call that is asked for again. */
export async function readApart(read: Sql, call: KnownCall): Promise<void> {
  if (!call.apart) return;
  const [whole] = await wholeCalls(read, [call.apart]);
  if (whole) Object.assign(call, { arguments: whole.arguments, outcome: outcomeOf(whole) });
  call.apart = undefined;
}

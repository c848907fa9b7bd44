import type { Sql } from "../database/sql.ts";
import { textOf, type StoredPart } from "./entities/message.ts";
import type { EventPayloads, LoggedEvent } from "./events.ts";
import { pageSize, readRunEvents } from "./log.ts";

/** A message whose text is known from the log only: the process that wrote it was lost. */
export interface BrokenMessage {
  readonly m: number;
  readonly text: string;
  readonly parts: readonly StoredPart[];
}

type RunPlace = { readonly id: string; readonly streamNum: number; readonly startSeq: number };

/** All events of a run but its deltas. */
export async function readPast(sql: Sql, run: RunPlace): Promise<LoggedEvent[]> {
  const past: LoggedEvent[] = [];
  for (;;) {
    const page = await readRunEvents(sql, run, { after: past.at(-1)?.seq ?? 0, limit: pageSize, kinds: "control" });
    past.push(...page);
    if (page.length < pageSize) return past;
  }
}

/** The parts of messages that were started and not finished, put together from their deltas and calls. */
export async function foldOpenMessages(sql: Sql, run: RunPlace, past: readonly LoggedEvent[]): Promise<BrokenMessage[]> {
  const open = new Map<number, Map<number, StoredPart>>();
  let from = 0;
  for (const { kind, payload, seq } of past) {
    const { m } = payload as { readonly m?: number };
    if (kind === "message.started" && m !== undefined) {
      open.set(m, new Map());
      from = from === 0 ? seq : from;
    } else if (kind === "message.finished" && m !== undefined) {
      open.delete(m);
      if (open.size === 0) from = 0;
    }
  }
  if (open.size === 0) return [];
  for (let after = from; ;) {
    const page = await readRunEvents(sql, run, { after, limit: pageSize, kinds: "all" });
    for (const event of page) foldInto(open, event);
    const last = page.at(-1);
    if (!last || page.length < pageSize) break;
    after = last.seq;
  }
  return [...open].map(([m, byPart]) => {
    const parts = [...byPart].toSorted(([a], [b]) => a - b).map(([, part]) => part);
    return { m, parts, text: textOf(parts) };
  });
}

function foldInto(open: ReadonlyMap<number, Map<number, StoredPart>>, { kind, payload }: LoggedEvent): void {
  if (kind === "message.delta") {
    const [m, part, text, reasoning] = payload as EventPayloads["message.delta"];
    const parts = open.get(m);
    const known = parts?.get(part);
    const before = known && "text" in known ? known.text : "";
    parts?.set(part, { type: reasoning ? "reasoning" : "text", text: before + text });
  } else if (kind === "tool.requested") {
    const { c, m, part } = payload as EventPayloads["tool.requested"];
    if (m !== undefined && part !== undefined) open.get(m)?.set(part, { type: "toolCall", call: c });
  }
}

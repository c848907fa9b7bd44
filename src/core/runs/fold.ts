import type { Database } from "../database/database.ts";
import { Message } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import { messageIdOf } from "./events.ts";
import { foldOpenMessages, readPast } from "./restore.ts";

/** Messages with the parts of those that stream put together from the log. The rows given are not changed. */
export async function foldMessages(database: Database, messages: readonly Message[]): Promise<readonly Message[]> {
  const streaming = messages.filter(({ status, runId }) => status === "STREAMING" && runId != null);
  if (streaming.length === 0) return messages;
  const folded = new Map<string, { readonly parts: Message["parts"] }>();
  const runs = await database.em("SYSTEM").find(Run, { id: { $in: [...new Set(streaming.flatMap(({ runId }) => runId ?? []))] } });
  for (const run of runs) {
    const past = await readPast(database.read, run);
    for (const { m, parts } of await foldOpenMessages(database.read, run, past)) folded.set(messageIdOf(run.id, m), { parts });
  }
  const heads = await headsOf(database, streaming);
  return messages.map((message) => {
    const open = folded.get(message.id);
    if (!open) return message;
    return Object.assign(new Message(), message, { parts: open.parts, seq: heads.get(message.streamNum) ?? message.seq });
  });
}

async function headsOf(database: Database, messages: readonly Message[]): Promise<Map<number, number>> {
  const heads = new Map<number, number>();
  for (const num of new Set(messages.map(({ streamNum }) => streamNum))) {
    const row = await database.read.get<{ head: number }>("select head from runs_stream where num = ?", num);
    if (row) heads.set(num, row.head);
  }
  return heads;
}

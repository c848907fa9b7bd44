import { documentOf } from "../../database/rows.ts";
import type { Sql } from "../../database/sql.ts";
import { readableParts, type StoredPart } from "../entities/message.ts";
import type { Run } from "../entities/run.ts";
import type { ConversationMessage } from "../runtime.ts";

/** The key of the step that makes one. */
export const summaryStep = "history/summary";

/** The name of the data part that holds a summary. */
export const summaryPart = "summary";

/** What that part says: how many messages it stands for, how many of them were too many to be read, and who wrote it. */
export interface SummaryData {
  readonly text: string;
  readonly messages: number;
  readonly omitted?: number;
  readonly model: string;
}

/** A summary of a thread's beginning, as it is shown in place of that. */
export interface ThreadSummary {
  /** The last turn that it stands for. */
  readonly through: number;
  readonly data: SummaryData;
  readonly message: ConversationMessage;
}

/** The newest summary of what stood in the thread before a run. */
export async function newestSummary(read: Sql, run: Run): Promise<ThreadSummary | undefined> {
  const row = await read.get<{ through: number; parts: string }>(
    `select summarizes_turn_seq as through, parts from runs_message
     where stream_num = ? and summarizes_turn_seq < ? and status = 'COMPLETE' order by summarizes_turn_seq desc limit 1`,
    run.streamNum,
    run.startSeq,
  );
  const data = row && dataOf(documentOf(row.parts));
  return data && { through: row.through, data, message: shown(data) };
}

/** Removes what a thread's summaries say: each of them stands for its beginning, of which something was removed. The next run makes one of what is left. */
export async function removeSummaries(sql: Sql, streamNum: number): Promise<void> {
  const summaries = await sql.all<{ id: string; runId: string | null }>(
    `select id, run_id as "runId" from runs_message where stream_num = ? and summarizes_turn_seq is not null`,
    streamNum,
  );
  for (const { id, runId } of summaries) {
    await sql.run("delete from runs_message where id = ?", id);
    await sql.run("update runs_step set output = null where run_id = ? and key = ?", runId, summaryStep);
  }
}

function dataOf(parts: unknown): SummaryData | undefined {
  const part = readableParts(parts).find(isSummary);
  return part?.type === "data" ? (part.data as SummaryData) : undefined;
}

function isSummary(part: StoredPart): boolean {
  return part.type === "data" && part.name === summaryPart;
}

/** It was made of what users and agents said, so it has no more weight than a user's word. */
function shown({ text, messages }: SummaryData): ConversationMessage {
  const lead = `[This conversation began earlier. A summary of its first ${messages} messages, which are not shown:]`;
  return { role: "USER", parts: [{ type: "text", text: `${lead}\n\n${text}` }], earlier: true };
}

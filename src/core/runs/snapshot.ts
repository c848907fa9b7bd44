import type { Database } from "../database/database.ts";
import { asPlatform } from "../database/rows.ts";
import { snapshotKind, type Snapshot } from "./contract.ts";
import { Interrupt, Message } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import type { LoggedEvent } from "./events.ts";
import { foldMessages } from "./fold.ts";
import { openStatuses } from "./types.ts";

/** How many messages a snapshot holds at most. */
const maxMessages = 100;

/** What a snapshot covers: a stream, or one run of it with the runs below. */
export interface SnapshotOf {
  readonly streamNum: number;
  readonly runIds?: readonly string[];
}

/** What runs below those of a thread have said is none of its conversation; what they are saying goes on in the events that follow. */
const ofConversation = ` and (e.run_id is null or e.status = 'STREAMING'
  or not exists (select 1 from runs_run r where r.id = e.run_id and r.parent_id is not null))`;

/** The state of a stream at its head, taken while nothing is written: its seq is the head, open messages are folded up to it. */
export async function takeSnapshot(database: Database, { streamNum, runIds }: SnapshotOf): Promise<LoggedEvent<Snapshot>> {
  return database.still(async () => {
    const { rows, read } = database;
    const stream = await read.get<{ head: number }>("select head from runs_stream where num = ?", streamNum);
    const marks = runIds?.map(() => "?").join(", ");
    const ofRuns = marks === undefined ? "" : ` and e.run_id in (${marks})`;
    const params = [streamNum, ...(runIds ?? [])];
    const newest = await rows.all(Message, asPlatform, {
      where: `e.stream_num = ? and e.superseded_by_id is null${marks === undefined ? ofConversation : ofRuns}`,
      params,
      orderBy: "e.start_seq desc",
      limit: maxMessages + 1,
    });
    const runs = await rows.all(Run, asPlatform, {
      where: marks === undefined ? `e.stream_num = ? and e.status in ${openStatuses}` : `e.stream_num = ? and e.id in (${marks})`,
      params,
      orderBy: "e.start_seq",
    });
    const interrupts = await rows.all(Interrupt, asPlatform, {
      where: `e.stream_num = ? and e.status = 'PENDING'${ofRuns}`,
      params,
      orderBy: "e.created_at",
    });
    const payload: Snapshot = {
      messages: await foldMessages(database, newest.slice(0, maxMessages).toReversed()),
      hasEarlierMessages: newest.length > maxMessages,
      runs,
      interrupts,
    };
    const event = { seq: stream?.head ?? 0, at: Date.now(), kind: snapshotKind, payload };
    const runId = runIds?.[0];
    return runId === undefined ? event : { ...event, runId };
  });
}

import type { Database } from "../database/database.ts";
import { snapshotKind, type Snapshot } from "./contract.ts";
import { Interrupt, Message } from "./entities/message.ts";
import { Run } from "./entities/run.ts";
import type { LoggedEvent } from "./events.ts";
import { foldMessages } from "./fold.ts";

/** How many messages a snapshot holds at most. */
const maxMessages = 100;

/** What a snapshot covers: a stream, or one run of it with the runs below. */
export interface SnapshotOf {
  readonly streamNum: number;
  readonly runIds?: readonly string[];
}

/** The state of a stream at its head, taken while nothing is written: its seq is the head, open messages are folded up to it. */
export async function takeSnapshot(database: Database, { streamNum, runIds }: SnapshotOf): Promise<LoggedEvent<Snapshot>> {
  return database.still(async () => {
    const em = database.em("SYSTEM");
    const stream = await database.read.get<{ head: number }>("select head from runs_stream where num = ?", streamNum);
    const ofRuns = runIds ? { runId: { $in: [...runIds] } } : {};
    const newest = await em.find(
      Message,
      { streamNum, supersededById: null, ...ofRuns },
      { orderBy: { startSeq: "desc" }, limit: maxMessages + 1 },
    );
    const active = { status: { $in: ["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING"] as const } };
    const runs = await em.find(Run, runIds ? { id: { $in: [...runIds] } } : { streamNum, status: { $in: [...active.status.$in] } }, {
      orderBy: { startSeq: "asc" },
    });
    const interrupts = await em.find(Interrupt, { streamNum, status: "PENDING", ...ofRuns }, { orderBy: { createdAt: "asc" } });
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

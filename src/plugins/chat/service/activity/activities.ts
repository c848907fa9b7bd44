import { Message, Run, ToolCall, type LoggedEvent, type Scope } from "#weftline";
import type { Thread } from "../../entities.ts";
import type { SeededRun } from "./phases.ts";
import { Room } from "./room.ts";
import { AgentActivity, type Activity } from "./state.ts";

/** Statuses in which a run is at work or may come to it. */
export const openStatuses = ["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING"] as const;

/** How long a state that was asked for once is good, in milliseconds. */
const askedMs = 60_000;

/** Who types, who is there and what the agents are at, in every thread that somebody watches. In memory only. */
export class Activities {
  readonly #rooms = new Map<number, Room>();

  /** How many threads are watched or typed in. */
  get size(): number {
    return this.#rooms.size;
  }

  /** The way in for events of all streams. Most are of threads that nobody watches. */
  hear(streamNum: number, events: readonly LoggedEvent[]): void {
    this.#rooms.get(streamNum)?.hear(events);
  }

  watch(scope: Scope, thread: Thread): Promise<AsyncIterableIterator<readonly Activity[]>> {
    const open = async (): Promise<readonly SeededRun[]> => (await openRuns(scope, [thread.id])).get(thread.id) ?? [];
    return this.#room(thread.streamNum).join(scope.viewer.actorId, open);
  }

  /** @returns until when the typing stands; null where it ended. */
  type(scope: Scope, thread: Thread, what: "typing" | "idle"): number | null {
    if (what === "idle" && !this.#rooms.has(thread.streamNum)) return null;
    return this.#room(thread.streamNum).type(scope.viewer.actorId, what);
  }

  /** What holds now, without watching. */
  async state(scope: Scope, thread: Thread): Promise<readonly Activity[]> {
    const room = this.#rooms.get(thread.streamNum);
    if (room?.followsRuns) return room.state();
    const runs = await scope.load(Activities, thread.id, async (threadIds) => {
      const open = await openRuns(scope, threadIds);
      return threadIds.map((id) => open.get(id) ?? []);
    });
    const until = Date.now() + askedMs;
    return [...(room?.state() ?? []), ...(runs ?? []).map((run) => new AgentActivity(run, until))];
  }

  /** Ends everybody who watches the thread. */
  end(streamNum: number): void {
    const room = this.#rooms.get(streamNum);
    this.#rooms.delete(streamNum);
    room?.close();
  }

  close(): void {
    for (const streamNum of this.#rooms.keys()) this.end(streamNum);
  }

  #room(streamNum: number): Room {
    let room = this.#rooms.get(streamNum);
    if (!room) this.#rooms.set(streamNum, (room = new Room(() => this.#rooms.delete(streamNum))));
    return room;
  }
}

/** The open runs of some threads as the database has them, by the thread. */
async function openRuns(scope: Scope, threadIds: readonly string[]): Promise<Map<string, SeededRun[]>> {
  const open = { threadId: { $in: [...threadIds] }, status: { $in: [...openStatuses] }, finishedAt: null };
  const runs = await scope.em.find(Run, open, { orderBy: { startSeq: "asc" } });
  if (runs.length === 0) return new Map();
  const runId = { $in: runs.map(({ id }) => id) };
  const status = { $in: ["REQUESTED" as const, "AWAITING_APPROVAL" as const, "RUNNING" as const] };
  const writing = await scope.em.find(Message, { runId, status: "STREAMING" }, { fields: ["id", "runId"] });
  const calls = await scope.em.find(ToolCall, { runId, status }, { fields: ["id", "runId", "num", "name", "status"] });
  const writes = new Set(writing.map((message) => message.runId));
  const callsByRun = Map.groupBy(calls, (call) => call.runId);
  const byThread = Map.groupBy(runs, ({ threadId }) => threadId ?? "");
  const seed = (run: Run): SeededRun => seededRun(run, writes.has(run.id), callsByRun.get(run.id) ?? []);
  return new Map([...byThread].map(([threadId, rows]) => [threadId, rows.map(seed)]));
}

function seededRun(run: Run, writes: boolean, calls: readonly Pick<ToolCall, "num" | "name" | "status">[]): SeededRun {
  const running = calls.filter(({ status }) => status === "RUNNING").toSorted((a, b) => a.num - b.num);
  const waits = run.status === "QUEUED" || run.status === "WAITING" || run.status === "PAUSED";
  const phase = waits ? "WAITING" : running.length > 0 ? "CALLING_TOOL" : writes ? "WRITING" : "THINKING";
  return {
    runId: run.id,
    phase,
    toolName: phase === "CALLING_TOOL" ? (running.at(-1)?.name ?? null) : null,
    calls: calls.map(({ num, name, status }) => ({ num, name, state: status === "RUNNING" ? "running" : "requested" })),
  };
}

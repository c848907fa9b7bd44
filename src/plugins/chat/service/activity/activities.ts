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
    return this.#room(thread.streamNum).join(
      scope.viewer.actorId,
      async () => (await openRuns(scope, [thread.streamNum])).get(thread.streamNum) ?? [],
    );
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
    const runs = await scope.load(Activities, String(thread.streamNum), async (nums) => {
      const open = await openRuns(scope, nums.map(Number));
      return nums.map((num) => open.get(Number(num)) ?? []);
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

/** The open runs of some threads as the database has them, by the thread's stream. */
async function openRuns(scope: Scope, streamNums: readonly number[]): Promise<Map<number, SeededRun[]>> {
  const runs = await scope.em.find(
    Run,
    { streamNum: { $in: [...streamNums] }, status: { $in: [...openStatuses] } },
    { orderBy: { startSeq: "asc" } },
  );
  if (runs.length === 0) return new Map();
  const runId = { $in: runs.map(({ id }) => id) };
  const [writing, calls] = [
    await scope.em.find(Message, { runId, status: "STREAMING" }, { fields: ["id", "runId"] }),
    await scope.em.find(
      ToolCall,
      { runId, status: { $in: ["REQUESTED", "AWAITING_APPROVAL", "RUNNING"] } },
      { fields: ["id", "runId", "num", "name", "status"] },
    ),
  ];
  const writes = new Set(writing.map((message) => message.runId));
  const seeded = runs.map((run) => ({
    streamNum: run.streamNum,
    run: seededRun(
      run,
      writes.has(run.id),
      calls.filter((call) => call.runId === run.id),
    ),
  }));
  return new Map(
    [...Map.groupBy(seeded, ({ streamNum }) => streamNum)].map(([streamNum, rows]) => [streamNum, rows.map(({ run }) => run)]),
  );
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

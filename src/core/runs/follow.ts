import type { Database } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import { nextOf, type Takeable } from "../graphql/take.ts";
import type { Follow } from "./contract.ts";
import { endsRun, type LoggedEvent } from "./events.ts";
import type { Hub, HubReader } from "./hub.ts";
import { pageSize, readEvents } from "./log.ts";
import { takeSnapshot } from "./snapshot.ts";
import { isTerminal, type RunStatus } from "./types.ts";

/** What following needs of the host. */
export interface FollowHost {
  readonly database: Database;
  readonly hub: Hub;
}

interface Position {
  readonly head: number;
  readonly horizon: number;
  readonly deleted: number;
}

/**
 * Follows a stream: attaches to the live end first, then reads the log, then drops what came twice. Whoever falls behind is back at reading the
 * log. The iterator ends at once when its reader goes, wherever it waits.
 *
 * @throws INVALID_CURSOR for a seq that the server never gave; NOT_FOUND where the stream is gone.
 */
export async function followStream(host: FollowHost, follow: Follow): Promise<AsyncIterableIterator<LoggedEvent>> {
  const reader = host.hub.attach(follow.streamNum);
  try {
    const position = await positionOf(host.database, follow.streamNum);
    if (!position) throw new WeftlineError("NOT_FOUND", { what: "stream" });
    const { after } = follow;
    if (after !== null && (after < 0 || after > position.head)) throw new WeftlineError("INVALID_CURSOR", { cursor: String(after) });
    const tree = follow.runId === undefined ? undefined : await treeOf(host.database, follow.runId);
    return new Follower(host, follow, reader, { tree, position });
  } catch (error) {
    reader.close();
    throw error;
  }
}

function positionOf(database: Database, streamNum: number): Promise<Position | undefined> {
  return database.read.get<Position>("select head, horizon, deleted from runs_stream where num = ?", streamNum);
}

/** A run and the runs below it. */
interface RunTree {
  readonly rootId: string;
  readonly ids: Set<string>;
  /** Whether the run had ended when the follower came: then there is nothing to wait for. */
  readonly ended: boolean;
}

async function treeOf(database: Database, runId: string): Promise<RunTree> {
  const rows = await database.read.all<{ id: string; status: RunStatus }>(
    `with recursive tree (id) as (select id from runs_run where id = ? union select r.id from runs_run r join tree t on r.parent_id = t.id)
     select id, status from runs_run where id in (select id from tree)`,
    runId,
  );
  const root = rows.find(({ id }) => id === runId);
  return { rootId: runId, ids: new Set(rows.map(({ id }) => id)), ended: root !== undefined && isTerminal(root.status) };
}

/** What is known when a reader attaches to the live end. */
interface FollowStart {
  readonly tree: RunTree | undefined;
  readonly position: Position;
}

const end = { value: undefined, done: true } as const;

class Follower implements Takeable<LoggedEvent> {
  readonly events = "same";
  readonly #host: FollowHost;
  readonly #follow: Follow;
  readonly #reader: HubReader;
  readonly #tree: RunTree | undefined;
  #page: LoggedEvent[] = [];
  #at = 0;
  #last: number;
  #mode: "snapshot" | "replay" | "live";
  #snapshot: LoggedEvent | undefined;
  /** At the live end, and nothing was there: if that is so once more, the stream may be over. */
  #waited = false;
  /** Nothing new can come: the run had ended before, or the stream was deleted. */
  #over: boolean;
  #done = false;

  constructor(host: FollowHost, follow: Follow, reader: HubReader, { tree, position }: FollowStart) {
    this.#host = host;
    this.#follow = follow;
    this.#reader = reader;
    this.#tree = tree;
    this.#last = follow.after ?? 0;
    this.#mode = follow.after === null ? "snapshot" : follow.after === position.head ? "live" : "replay";
    this.#over = tree?.ended === true || position.deleted !== 0;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<LoggedEvent>> {
    return nextOf(this);
  }

  take(): IteratorResult<LoggedEvent> | undefined {
    if (this.#done) return end;
    const event = this.#snapshot ?? this.#take();
    if (event === undefined) return undefined;
    this.#snapshot = undefined;
    this.#waited = false;
    return { value: event, done: false };
  }

  ready(): Promise<void> {
    if (this.#mode === "live" && !this.#reader.behind && !this.#waited && !this.#over) return this.#wait();
    return this.#advance();
  }

  async return(): Promise<IteratorResult<LoggedEvent>> {
    this.#close();
    return end;
  }

  /** What is at hand: from the page that was read, else from the live end. */
  #take(): LoggedEvent | undefined {
    for (;;) {
      const event = this.#at < this.#page.length ? this.#page[this.#at++] : this.#takeLive();
      if (event === undefined || this.#done) return undefined;
      this.#last = event.seq;
      if (this.#wants(event)) return event;
    }
  }

  #takeLive(): LoggedEvent | undefined {
    if (this.#page.length > 0) this.#page = [];
    if (this.#mode !== "live" || this.#reader.behind) return undefined;
    for (;;) {
      const event = this.#reader.take();
      if (event === undefined || event.seq === this.#last + 1) return event;
      if (event.seq <= this.#last) continue;
      this.#reader.catchUp();
      this.#mode = "replay";
      return undefined;
    }
  }

  #wants(event: LoggedEvent): boolean {
    const tree = this.#tree;
    if (!tree) return true;
    if (event.runId === undefined) return false;
    const { parent } = (event.payload ?? {}) as { readonly parent?: string };
    if (event.kind === "run.queued" && parent !== undefined && tree.ids.has(parent)) tree.ids.add(event.runId);
    if (event.runId === tree.rootId && endsRun(event.kind)) this.#close();
    return tree.ids.has(event.runId);
  }

  async #advance(): Promise<void> {
    if (this.#done) return;
    if (this.#mode === "snapshot") return this.#takeSnapshot();
    if (this.#mode === "replay" || this.#reader.behind) return this.#replay();
    if (await this.#ended()) return this.#close();
    return this.#wait();
  }

  #goLive(): void {
    this.#mode = "live";
    this.#waited = true;
  }

  #wait(): Promise<void> {
    this.#waited = true;
    return this.#reader.wait();
  }

  /** Reads the next page; a snapshot where the log no longer reaches back so far. */
  async #replay(): Promise<void> {
    this.#mode = "replay";
    this.#reader.catchUp();
    const { database } = this.#host;
    const position = await positionOf(database, this.#follow.streamNum);
    this.#over ||= position === undefined || position.deleted !== 0;
    if (position && !position.deleted && this.#last < position.horizon) return this.#takeSnapshot();
    this.#page = await readEvents(database.read, this.#follow.streamNum, this.#last);
    this.#at = 0;
    if (this.#page.length < pageSize) this.#goLive();
  }

  async #takeSnapshot(): Promise<void> {
    const { streamNum } = this.#follow;
    const event = await takeSnapshot(this.#host.database, this.#tree ? { streamNum, runIds: [...this.#tree.ids] } : { streamNum });
    this.#last = event.seq;
    // It is as new as the log, and the live end was attached to before.
    this.#goLive();
    this.#snapshot = event;
  }

  /** Whether nothing can follow: the run had ended before, or the stream was deleted. */
  async #ended(): Promise<boolean> {
    if (this.#tree?.ended) return true;
    const position = await positionOf(this.#host.database, this.#follow.streamNum);
    return position === undefined || (position.deleted !== 0 && this.#last >= position.head);
  }

  #close(): void {
    this.#done = true;
    this.#reader.close();
  }
}

import type { Database, SqlTx } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";
import type { LoggedEvent } from "./events.ts";
import type { RunCounters } from "./figures.ts";
import type { Hub } from "./hub.ts";
import { insertEvents, numberEvents, withValues, type Numbered } from "./log.ts";
import { settle, type ModelMeter } from "./metering/meter.ts";
import { tellOutboxes, type RunOutboxes } from "./outbox.ts";
import { StepRows } from "./step-rows.ts";
import { project } from "./projection.ts";
import type { Effects, ProjectedRun, RunEventDraft, StartedRun } from "./projector.ts";
import type { StoredValue } from "./values/refs.ts";
import { Wakes, type WakeTarget } from "./wakes.ts";

/** How long events that nobody waits for may gather, in milliseconds. */
const gatherMs = 4;
/** Under load the time grows with that of a commit, up to this. */
const gatherMaxMs = 100;
/** How soon a commit that the store refused is tried again. */
const storeRetryMs = 500;

/** A run at work, as the writer sees it. */
export interface EventSource {
  readonly run: ProjectedRun & { readonly startSeq: number };
  /** The epoch under which it writes: an older one than the run's is refused. */
  readonly epoch: number;
  /** Takes what is to be appended; it will not be given again. */
  drain(): RunEventDraft[];
  /** The drained events are durable. */
  committed(events: readonly LoggedEvent[]): void;
  /** The drained events were refused and nothing of them was written. */
  refused(error: unknown): void;
}

interface Batch {
  readonly source: EventSource;
  readonly drafts: readonly RunEventDraft[];
}

/** What the events of all runs in one append bring about. */
type Collected = Pick<Effects, "wakes" | "steps" | "metered">;

/** What the writer tells the engine. */
export interface WriterEvents extends WakeTarget {
  /** These events are durable. */
  readonly committed: (run: ProjectedRun, events: readonly LoggedEvent[], bytes: number) => void;
  readonly outboxes: RunOutboxes;
  readonly meter?: () => ModelMeter | undefined;
  readonly counters: RunCounters;
}

/**
 * Appends the events of all active runs in one transaction per tick. Urgent events, such as the first of a burst, are written at once; the others
 * wait for at most 4 ms, so that one commit covers many tokens of many runs.
 */
export class LogWriter {
  readonly #database: Database;
  readonly #hub: Hub;
  readonly #events: WriterEvents;
  /** Runs whose events wait for others, and runs whose events do not. */
  readonly #gathering = new Set<EventSource>();
  readonly #urgent = new Set<EventSource>();
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #writing: Promise<void> | undefined;
  #lastMs = 0;
  /** The time for gathering was over while a write was under way. */
  #overdue = false;

  constructor(database: Database, hub: Hub, events: WriterEvents) {
    this.#database = database;
    this.#hub = hub;
    this.#events = events;
  }

  /** Says that a source has events: to be written at once, or with others. */
  wake(source: EventSource, urgency: "now" | "soon"): void {
    (urgency === "now" ? this.#urgent : this.#gathering).add(source);
    if (!this.#writing) this.#schedule();
  }

  /** Whether a write is under way, or about to be. */
  get isWriting(): boolean {
    return this.#writing !== undefined || this.#urgent.size > 0;
  }

  /** Resolves when everything so far is durable or refused. */
  async idle(): Promise<void> {
    while (this.#urgent.size + this.#gathering.size > 0 || this.#writing) await (this.#writing ?? this.#tick("all"));
  }

  get #gather(): number {
    return Math.min(gatherMaxMs, Math.max(gatherMs, this.#lastMs * 2));
  }

  #schedule(): void {
    if (this.#overdue) this.#soon ??= setImmediate(() => void this.#tick("all"));
    else if (this.#urgent.size > 0) this.#soon ??= setImmediate(() => void this.#tick("urgent"));
    if (this.#gathering.size > 0) this.#timer ??= setTimeout(() => void this.#tick("all"), this.#gather);
  }

  #tick(which: "urgent" | "all"): Promise<void> {
    clearImmediate(this.#soon);
    this.#soon = undefined;
    if (which === "all") {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#overdue = this.#writing !== undefined;
    }
    if (this.#writing) return this.#writing;
    this.#writing = this.#write(which).finally(() => {
      this.#writing = undefined;
      this.#schedule();
    });
    return this.#writing;
  }

  /** What is urgent does not take along what others have just begun to gather: that would be written in two parts. */
  async #write(which: "urgent" | "all"): Promise<void> {
    const start = performance.now();
    const sources = new Set(which === "all" ? [...this.#gathering, ...this.#urgent] : this.#urgent);
    const batches: Batch[] = [];
    for (const source of sources) {
      this.#gathering.delete(source);
      const drafts = source.drain();
      if (drafts.length > 0) batches.push({ source, drafts });
    }
    this.#urgent.clear();
    await this.#commit(batches);
    this.#lastMs = performance.now() - start;
    if (batches.length === 0) return;
    const { groups, appendSeconds } = this.#events.counters;
    groups.take(batches.reduce((sum, { drafts }) => sum + drafts.length, 0));
    appendSeconds.take(this.#lastMs / 1_000);
  }

  /** A store that refuses is waited for: the runs stand still and lose nothing. A batch that is wrong in itself fails alone. */
  async #commit(batches: readonly Batch[]): Promise<void> {
    if (batches.length === 0) return;
    for (;;) {
      try {
        await this.#append(batches);
        return;
      } catch (error) {
        if (error instanceof WeftlineError && error.code === "STORE_UNAVAILABLE") {
          await new Promise((resolve) => setTimeout(resolve, storeRetryMs));
          continue;
        }
        if (batches.length === 1) {
          batches[0]?.source.refused(error);
          return;
        }
        for (const batch of batches) await this.#commit([batch]);
        return;
      }
    }
  }

  async #append(batches: readonly Batch[]): Promise<void> {
    const wakes = new Wakes();
    await this.#database.commit(async ({ sql, afterCommit }) => {
      const refused: Batch[] = [];
      const taken: { readonly batch: Batch; readonly numbered: Numbered }[] = [];
      for (const batch of inLockOrder(batches)) {
        const { run, epoch } = batch.source;
        const beside = batch.drafts.reduce((sum, draft) => sum + (draft.beside ?? 0), 0);
        const numbered = await numberEvents(sql, { streamNum: run.streamNum, run, events: batch.drafts, beside }, epoch);
        if (numbered)
          taken.push({ batch, numbered: await withValues(sql, { streamNum: run.streamNum, run, values: valuesOf(batch) }, numbered) });
        else refused.push(batch);
      }
      await insertEvents(
        sql,
        taken.flatMap(({ numbered }) => numbered.rows),
      );
      const started: StartedRun[] = [];
      const effects: Collected = { wakes, steps: new StepRows(), metered: [] };
      for (const { batch, numbered } of taken) started.push(...(await this.#project({ sql, afterCommit }, batch, numbered, effects)));
      await effects.steps.write(sql);
      const settled = settle(this.#events, { sql, afterCommit }, effects.metered);
      if (settled) await settled;
      afterCommit(() => started.forEach((each) => this.#tell(each)));
      for (const { source } of refused) await refuse(sql, source);
      afterCommit(() => {
        for (const { source } of refused) source.refused(new WeftlineError("RUN_FENCED"));
        wakes.tell(this.#events);
      });
    }, "append");
  }

  /** Folds a batch into the rows that queries read, and tells of it once it is durable. */
  async #project(tx: SqlTx, { source, drafts }: Batch, { events, bytes }: Numbered, effects: Collected): Promise<readonly StartedRun[]> {
    const { run } = source;
    const started = await project(tx.sql, run, events, drafts, effects);
    const told = tellOutboxes(this.#events.outboxes, tx, run, events);
    if (told) await told;
    tx.afterCommit(() => {
      source.committed(events);
      this.#tell({ run, events, bytes });
    });
    return started;
  }

  #tell({ run, events, bytes }: StartedRun): void {
    this.#hub.publish(run.streamNum, events, bytes);
    this.#events.committed(run, events, bytes);
  }
}

function valuesOf({ drafts }: Batch): readonly StoredValue[] {
  return drafts.some(({ values }) => values !== undefined) ? drafts.flatMap(({ values = [] }) => values) : [];
}

/** Runs are locked in the order of their ids, everywhere. */
function inLockOrder(batches: readonly Batch[]): Batch[] {
  return batches.toSorted((a, b) => (a.source.run.id < b.source.run.id ? -1 : 1));
}

/** A stream that is gone is another matter than a run that is another's. @throws NOT_FOUND */
async function refuse(sql: Sql, { run, epoch }: EventSource): Promise<void> {
  const row = await sql.get<{ epoch: number }>("select epoch from runs_run where id = ?", run.id);
  if (row?.epoch === epoch) throw new WeftlineError("NOT_FOUND", { what: "stream" });
}

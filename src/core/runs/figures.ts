import { Distribution } from "../figures/distribution.ts";
import { serviceRef } from "../kernel/refs.ts";

/** What a run runs, as its last turn here found it. */
export interface KnownProgram {
  readonly targetType: string;
  /** The plugin that advances it. */
  readonly plugin: string;
  /** Of an agent: its framework, and its model as a provider knows it. */
  readonly framework?: string;
  readonly provider?: string;
  readonly model?: string;
}

/** So many programs are remembered at most. */
const mostPrograms = 10_000;

/** The programs of runs that were at work in this process, the latest of them. */
export class KnownPrograms {
  readonly #byRun = new Map<string, KnownProgram>();

  note(runId: string, program: KnownProgram): void {
    this.#byRun.delete(runId);
    this.#byRun.set(runId, program);
    if (this.#byRun.size <= mostPrograms) return;
    for (const oldest of this.#byRun.keys()) return void this.#byRun.delete(oldest);
  }

  of(runId: string): KnownProgram | undefined {
    return this.#byRun.get(runId);
  }
}

/** What the engine, the log and those who follow it did since the process began, counted where it happens. */
export class RunCounters {
  /** Turns that began here, and runs among them that a lost worker had left. */
  claims = 0;
  takeOvers = 0;
  /** Turns that ended since another worker had taken their run. */
  fenced = 0;
  /** When the engine last looked for due runs, by `performance.now()`; nothing before it has. */
  sweptAt: number | undefined;
  /** Events that were appended, by whomever, and their bytes. */
  events = 0;
  bytes = 0;
  /** Commits of the writer that all runs at work share: how many events each held, and how long it took, in seconds. */
  readonly groups = new Distribution([1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000]);
  readonly appendSeconds = new Distribution([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]);
  /** Readers that fell behind: their buffers were dropped, and they went on from the log. */
  readersBehind = 0;
  /** Who follows now. */
  readers = 0;
  /** What the runs that were at work last run. */
  readonly programs = new KnownPrograms();
}

/** How the engine and the log are, as numbers of this moment. */
export interface RunReading {
  readonly counters: Readonly<RunCounters>;
  readonly engine: {
    readonly state: "starting" | "working" | "stopped";
    /** Runs at work here, and how many there may be. */
    readonly active: number;
    readonly places: number;
    /** Places that are left. */
    readonly free: number;
    /** So often it looks for due runs, in milliseconds. */
    readonly sweepMs: number;
  };
}

/** Runs that want a worker and have none. */
export interface DueRuns {
  /** As far as they were counted: {@link mostCounted} at most. */
  readonly count: number;
  /** For how long the oldest has been due, in milliseconds; 0 where there is none. */
  readonly oldestMs: number;
}

/** So many due runs are counted at most. */
export const mostCounted = 1_000;

/** Figures of the engine and the log, for what watches them: health, metrics. */
export interface RunFigures {
  /** From memory alone. */
  read(): RunReading;
  /** What a run runs; nothing where it was not at work here, or so long ago that it was forgotten. */
  programOf(runId: string): KnownProgram | undefined;
  /** By an index, and no more than {@link mostCounted} rows of it. */
  due(): Promise<DueRuns>;
}

export const runFigures = serviceRef<RunFigures>("runs.figures");

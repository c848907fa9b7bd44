import type { Database } from "../../database/database.ts";
import { WeftlineError } from "../../errors.ts";
import type { Run } from "../entities/run.ts";
import type { OwnProgram, ProgramContext } from "../program.ts";
import { commitWork } from "./commit-work.ts";
import { isResumable, type JobContext, type JobDefinition } from "./definition.ts";
import { readInput } from "./input.ts";
import { PacedProgress } from "./progress.ts";
import { readState, saveState, storedState } from "./state.ts";

/** The log has progress at most so often, in milliseconds. */
const progressRestMs = 500;

/** What a run of a job does. */
export function jobProgram(
  database: Database,
  run: Run,
  { job, plugin }: { readonly job: JobDefinition; readonly plugin: string },
): OwnProgram {
  return {
    plugin,
    capabilities: [],
    async run(ctx) {
      const wasBegun = run.startedAt != null;
      if (wasBegun && !isResumable(job)) throw new WeftlineError("PROCESS_LOST");
      // Whoever comes after knows that it was begun, whatever it does first.
      await ctx.flush();
      const input = await readInput(job, ctx.input);
      const state = wasBegun ? await readState(database.read, run.id, job) : undefined;
      const work = new JobWork(database, run, { job, ctx });
      try {
        return await job.run(work.context(input, state));
      } finally {
        work.end();
      }
    },
  };
}

/** One turn of a job. */
class JobWork {
  readonly #database: Database;
  readonly #run: Run;
  readonly #job: JobDefinition;
  readonly #ctx: ProgramContext;
  readonly #progress: PacedProgress;
  #over = false;

  constructor(database: Database, run: Run, { job, ctx }: { readonly job: JobDefinition; readonly ctx: ProgramContext }) {
    this.#database = database;
    this.#run = run;
    this.#job = job;
    this.#ctx = ctx;
    this.#progress = new PacedProgress(({ done, total }) => {
      // Of a turn that was ended from outside nobody hears any more.
      if (!ctx.signal.aborted) void ctx.say({ kind: "progress", done, ...(total === undefined ? {} : { total }) });
    }, progressRestMs);
  }

  context(input: unknown, state: unknown): JobContext {
    const { runId, signal, log } = this.#ctx;
    const { tenantId, ownerId } = this.#run;
    return {
      runId,
      tenantId,
      ownerId,
      input,
      state,
      signal,
      log: log.child({ job: this.#job.name }),
      progress: (done, total) => {
        this.#check();
        this.#progress.note({ done, ...(total === undefined ? {} : { total }) });
      },
      save: async (next) => {
        this.#check();
        const text = storedState(this.#job, next);
        await this.#database.commit(({ sql }) => saveState(sql, this.#run, text), "saveJob");
        this.#stopHere();
      },
      commit: async (work, name) => {
        this.#check();
        await commitWork(
          this.#database,
          async (tx) => {
            const next = await work(tx);
            await saveState(tx.sql, this.#run, next === undefined ? undefined : storedState(this.#job, next));
          },
          name,
        );
        this.#stopHere();
      },
    };
  }

  end(): void {
    this.#progress.end();
    this.#over = true;
  }

  #check(): void {
    this.#ctx.signal.throwIfAborted();
    if (!this.#over) return;
    throw new WeftlineError("PROTOCOL_VIOLATION", { plugin: this.#job.name, problem: "it went on after the end of its turn" });
  }

  /** A job that is not resumable has no boundary: it would not be begun again. */
  #stopHere(): void {
    const { signal, drain, pausing } = this.#ctx;
    signal.throwIfAborted();
    if (!isResumable(this.#job)) return;
    drain.throwIfAborted();
    pausing.throwIfAborted();
  }
}

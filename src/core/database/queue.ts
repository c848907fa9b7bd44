import { AsyncLocalStorage } from "node:async_hooks";
import { WeftlineError } from "../errors.ts";
import { Distribution } from "../figures/distribution.ts";
import { LongWrites, type HeldConnection } from "./long-writes.ts";
import type { WriteState } from "./open-write.ts";

/** How many writes share one commit at most, and for how long a transaction stays open for more of them. */
const maxGroup = 64;
const maxGroupMs = 10;

/** From when on a commit outlives a power failure: at once, or with the next commit. It outlives the process in any case. */
export type Durable = "now" | "later";

/** The transactions of the writing connection. */
export interface Transactions {
  begin(durable: Durable): Promise<void>;
  commit(): void | Promise<void>;
  rollback(): void;
  /** Marks where the next piece of work begins within the open transaction. */
  mark(): void;
  /** Keeps what was written since the last mark, or takes it back. */
  settle(outcome: "keep" | "undo"): void;
  /** Whether one is open: a store that refuses may have ended it. */
  readonly open: boolean;
}

type State = "waiting" | "running" | "done" | "given up";

interface Job extends HeldConnection, WriteState {
  state: State;
  readonly kind: "write" | "upkeep" | "read";
  /** Runs the work in the surroundings of whoever asked. @returns what to do once it is durable. */
  run(): Promise<() => void>;
  reject(error: unknown): void;
}

type Attempt = { readonly job: Job; readonly settle: () => void } | { readonly job: Job; readonly error: unknown };

/**
 * The one door to the writing connection: one piece of work at a time, in the order of arrival. Writes that came together share a transaction and
 * its commit; one that fails takes back its own part only. Nobody is answered before the commit.
 */
export class WriteQueue {
  readonly #transactions: Transactions;
  readonly #patienceMs: number;
  readonly #long: LongWrites;
  readonly #current = new AsyncLocalStorage<Job>();
  #jobs: Job[] = [];
  #draining: Promise<void> | undefined;
  #depth = 0;
  /** How long transactions took with their commits, in seconds, and how many pieces of work each held. */
  readonly seconds = new Distribution([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]);
  readonly groups = new Distribution([1, 2, 4, 8, 16, 32, 64]);

  /** @param patienceMs how long work that was called for inside other work may wait before it is given up. */
  constructor(transactions: Transactions, patienceMs = 5_000, long = new LongWrites()) {
    this.#transactions = transactions;
    this.#long = long;
    this.#patienceMs = patienceMs;
  }

  /** How many pieces wait or run. */
  get depth(): number {
    return this.#depth;
  }

  /** Whether the caller is at work within a write: what it reads should be what that write sees. */
  get inside(): boolean {
    const job = this.#current.getStore();
    return job?.state === "running" && job.kind !== "read";
  }

  /**
   * Runs work in a transaction and answers when that has been committed.
   *
   * @param work is told whether it may still write.
   * @param committed runs right after the commit, before the next work begins.
   * @throws INTERNAL where the work waits for the very work that it was called for in, and so for ever; WRITE_TOO_LONG.
   */
  write<T>(work: (state: WriteState) => Promise<T>, committed: () => void = () => {}): Promise<T> {
    return this.#enqueue("write", work, committed);
  }

  /**
   * Runs work that is done again where it was lost, in a transaction of its own, whose commit does not wait for the disk.
   *
   * @throws as {@link WriteQueue.write}.
   */
  upkeep<T>(work: (state: WriteState) => Promise<T>, committed: () => void = () => {}): Promise<T> {
    return this.#enqueue("upkeep", work, committed);
  }

  /** Runs reads while nothing is being committed, so that together they see one state. @throws INTERNAL as {@link WriteQueue.write}. */
  still<T>(work: () => Promise<T>): Promise<T> {
    return this.#enqueue("read", work, () => {});
  }

  /** Resolves when all that was queued so far has run. */
  async idle(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  /** Stops watching how long writes take. */
  close(): void {
    this.#long.close();
  }

  #enqueue<T>(kind: Job["kind"], work: (state: WriteState) => Promise<T>, committed: () => void): Promise<T> {
    const outer = this.#current.getStore();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const inContext = AsyncLocalStorage.snapshot();
    const job: Job = {
      state: "waiting",
      kind,
      inContext,
      get isOpen() {
        return this.state === "running";
      },
      giveUp: () => {},
      run: async () => {
        const result = await inContext(() => this.#current.run(job, work, job));
        return () => {
          committed();
          resolve(result);
        };
      },
      reject,
    };
    this.#depth++;
    this.#jobs.push(job);
    // A turn of the loop later: what arrives with it shares its commit.
    this.#draining ??= new Promise<void>((next) => setImmediate(next)).then(() => this.#drain());
    return outer?.state === "running" ? this.#unlessStuck(promise, job, outer) : promise;
  }

  async #drain(): Promise<void> {
    for (let job = this.#take(); job; job = this.#take()) {
      if (job.kind !== "read") await this.#group(job);
      else this.#answer([await this.#attempt(job)]);
    }
    this.#draining = undefined;
  }

  #take(): Job | undefined {
    for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
      if (job.state !== "given up") return job;
      this.#depth--;
    }
    return undefined;
  }

  /** @param begin what comes before the work, and fails with it. */
  #attempt(job: Job, begin: () => void = () => {}): Promise<Attempt> {
    return new Promise((resolve) => {
      const end = (attempt: Attempt): void => {
        if (job.state !== "running") return;
        job.state = "done";
        this.#long.current = undefined;
        resolve(attempt);
      };
      job.state = "running";
      job.giveUp = (error) => end({ job, error });
      try {
        begin();
        this.#long.current = job;
        job.run().then(
          (settle) => end({ job, settle }),
          (error: unknown) => end({ job, error }),
        );
      } catch (error) {
        end({ job, error });
      }
    });
  }

  /** Runs a write and those that wait behind it in one transaction. */
  async #group(first: Job): Promise<void> {
    const store = this.#transactions;
    const attempts: Attempt[] = [];
    try {
      const start = performance.now();
      await store.begin(first.kind === "upkeep" ? "later" : "now");
      let now = performance.now();
      const until = now + maxGroupMs;
      for (let job: Job | undefined = first; job; job = now < until ? this.#next(first, attempts.length) : undefined) {
        const began = now;
        const attempt = await this.#attempt(job, () => store.mark());
        attempts.push(attempt);
        now = performance.now();
        this.#long.ended(job, now - began);
        // A store that refuses may undo all of the transaction, also what others wrote in it.
        if (!store.open)
          throw "error" in attempt ? attempt.error : new WeftlineError("INTERNAL", { message: "A write ended its transaction." });
        store.settle("settle" in attempt ? "keep" : "undo");
      }
      await store.commit();
      this.seconds.take((performance.now() - start) / 1_000);
      this.groups.take(attempts.length);
    } catch (error) {
      if (store.open) store.rollback();
      const failed: Attempt[] = attempts.length === 0 ? [{ job: first, error }] : attempts;
      return this.#answer(failed.map(({ job, ...rest }) => ("error" in rest ? { job, error: rest.error } : { job, error })));
    }
    this.#answer(attempts);
  }

  #next(first: Job, soFar: number): Job | undefined {
    return first.kind === "write" && this.#jobs[0]?.kind === "write" && soFar < maxGroup ? this.#take() : undefined;
  }

  #answer(attempts: readonly Attempt[]): void {
    for (const attempt of attempts) {
      this.#depth--;
      if ("settle" in attempt) attempt.settle();
      else attempt.job.reject(attempt.error);
    }
  }

  /** Work called for inside other work is fine so long as nobody there waits for it. */
  async #unlessStuck<T>(result: Promise<T>, job: Job, outer: Job): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      if (job.state !== "waiting" || outer.state !== "running") return;
      job.state = "given up";
      reject(new WeftlineError("INTERNAL", { message: "A write waits for the write that it was called for in: hand the tx on instead." }));
    }, this.#patienceMs);
    try {
      return await Promise.race([result, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}

import { AsyncLocalStorage } from "node:async_hooks";
import { WeftlineError } from "../errors.ts";

interface Job {
  state: "waiting" | "running" | "done" | "given up";
}

/** Runs one piece of work at a time, in the order of arrival: the one door to the writing connection. */
export class WriteQueue {
  readonly #patienceMs: number;
  readonly #current = new AsyncLocalStorage<Job>();
  #tail: Promise<unknown> = Promise.resolve();
  #depth = 0;

  /** @param patienceMs how long work that was called for inside other work may wait before it is given up. */
  constructor(patienceMs = 5_000) {
    this.#patienceMs = patienceMs;
  }

  /** How many pieces wait or run. */
  get depth(): number {
    return this.#depth;
  }

  /** @throws INTERNAL where the work waits for the very work that it was called for in, and so for ever. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const outer = this.#current.getStore();
    const job: Job = { state: "waiting" };
    this.#depth++;
    const result = this.#tail.then(() => this.#start(job, work)).finally(() => this.#end(job));
    this.#tail = result.catch(() => undefined);
    return outer?.state === "running" ? this.#unlessStuck(result, job, outer) : result;
  }

  /** Resolves when all that was queued so far has run. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  #start<T>(job: Job, work: () => Promise<T>): Promise<T> {
    if (job.state === "given up") throw new WeftlineError("INTERNAL", { message: "The work was given up before its turn." });
    job.state = "running";
    return this.#current.run(job, work);
  }

  #end(job: Job): void {
    job.state = "done";
    this.#depth--;
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

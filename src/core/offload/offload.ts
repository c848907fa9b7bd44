import { Worker } from "node:worker_threads";
import { WeftlineError, messageOf } from "../errors.ts";
import { FairQueue } from "./fair-queue.ts";
import type { OffloadedAnswer, OffloadedTask } from "./worker.ts";

/** Work on a thread of its own, in limited time. */
export interface Offload {
  /**
   * Does a piece of work.
   *
   * @param caller whom it is done for: callers have their turns one after the other.
   * @throws WORK_TOO_LONG where it takes longer than there is time, or more memory; RATE_LIMITED where the caller has too much waiting.
   */
  run(caller: string, task: unknown): Promise<unknown>;
  /** Ends the thread; what waits fails. */
  close(): void;
}

export interface OffloadOptions {
  /** What the work is, for errors. */
  readonly what: string;
  /** How long one piece may take, in milliseconds. */
  readonly limitMs: number;
}

interface Piece extends OffloadedTask {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: WeftlineError) => void;
}

/** How long the thread is kept when there is nothing to do. */
const idleMs = 30_000;
/** How long the thread may take to start. */
const startMs = 20_000;
const memoryMb = 256;
/** As many times its limit a piece may take where the thread gets no processor. */
const mostWaits = 10;
/** The part of its limit for which a thread that is at work has a processor, about. */
const mostlyAtWork = 0.8;

/**
 * Does work that a caller could make long on a thread that is ended where it is. The thread starts with the first piece.
 *
 * @param module exports `work(task)`, which may answer with a promise; task and result are cloned.
 * @example createOffload(new URL("./check.ts", import.meta.url), { what: "checking by a schema", limitMs: 500 })
 */
export function createOffload(module: URL, { what, limitMs }: OffloadOptions): Offload {
  const waiting = new FairQueue<Piece>();
  let thread: { readonly worker: Worker; state: "starting" | "ready" } | undefined;
  let current: Piece | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ids = 0;

  const tooLong = (): WeftlineError => new WeftlineError("WORK_TOO_LONG", { what, limit: `${limitMs} ms` });

  const drop = (): void => {
    clearTimeout(timer);
    const dropped = thread;
    thread = undefined;
    void dropped?.worker.terminate();
  };
  const settle = (finish: (piece: Piece) => void): void => {
    const piece = current;
    current = undefined;
    if (piece) finish(piece);
    next();
  };
  /** The thread takes too long, broke or ran out of memory: the piece at hand fails, the others go on with another thread. */
  const fail = (): void => {
    drop();
    settle(({ reject }) => reject(tooLong()));
  };
  /** What counts is the thread's own time: on a machine that is busy it may have to wait for a processor. */
  const watch = (since: number, leftMs: number): void => {
    timer = setTimeout(() => {
      if (workerTime() - since < limitMs * mostlyAtWork && leftMs > limitMs) watch(since, leftMs - limitMs);
      else fail();
    }, limitMs);
  };
  const start = (): void => {
    const worker = new Worker(new URL(`./worker${extensionOf(import.meta.url)}`, import.meta.url), {
      workerData: { module: module.href },
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    const own = (thread = { worker, state: "starting" as "starting" | "ready" });
    timer = setTimeout(fail, startMs);
    worker.on("message", (message: "ready" | OffloadedAnswer) => {
      if (thread !== own) return;
      clearTimeout(timer);
      own.state = "ready";
      if (message === "ready") return next();
      settle(({ resolve, reject }) =>
        message.problem === undefined ? resolve(message.value) : reject(new WeftlineError("INVALID_INPUT", { message: message.problem })),
      );
    });
    worker.on("error", () => thread === own && fail());
    worker.on("exit", () => thread === own && fail());
    // After its listeners, which would hold the process: what is under way is held by its timer.
    worker.unref();
  };
  const next = (): void => {
    if (current) return;
    if (!thread) return waiting.size > 0 ? start() : undefined;
    if (thread.state !== "ready") return;
    current = waiting.take();
    if (!current) return void (timer = setTimeout(drop, idleMs).unref());
    watch(workerTime(), limitMs * mostWaits);
    try {
      thread.worker.postMessage({ id: current.id, task: current.task } satisfies OffloadedTask);
    } catch (error) {
      clearTimeout(timer);
      settle(({ reject }) => reject(new WeftlineError("INVALID_INPUT", { message: messageOf(error) }, { cause: error })));
    }
  };

  return {
    run: (caller, task) =>
      new Promise((resolve, reject) => {
        if (!waiting.add(caller, { id: ids++, task, resolve, reject })) return reject(new WeftlineError("RATE_LIMITED", { what }));
        if (!current) clearTimeout(thread?.state === "ready" ? timer : undefined);
        next();
      }),
    close: () => {
      drop();
      for (let piece = current ?? waiting.take(); piece; piece = waiting.take()) piece.reject(new WeftlineError("SHUTTING_DOWN"));
      current = undefined;
    },
  };
}

/** How long threads other than this one had a processor, in milliseconds. */
function workerTime(): number {
  const all = process.cpuUsage();
  const own = process.threadCpuUsage();
  return (all.user + all.system - own.user - own.system) / 1_000;
}

/** Compiled modules are JavaScript beside each other, as their sources are TypeScript. */
function extensionOf(url: string): string {
  return url.slice(url.lastIndexOf("."));
}

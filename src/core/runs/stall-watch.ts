import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { StallTask } from "./stall-thread.ts";

/** How long the main thread may stand still until that is noted, in milliseconds. */
export const defaultStallMs = 5_000;
/** Runs that are told apart; those beyond it are not noted. */
const mostRuns = 4_096;
/** The longest id of a run, in bytes. */
const idBytes = 64;

/**
 * Watches whether the main thread still turns. Where it does not, a thread of its own notes on disk whose code was entered last: when the next
 * process starts, the stop counts against that run, and not against those that were at work beside it.
 */
export class StallWatch {
  readonly #file: string;
  readonly #folder: string;
  readonly #stallMs: number;
  /** What the thread sees: [beats, slot entered last, runs at work]. */
  readonly #state = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  readonly #ids = new Uint8Array(new SharedArrayBuffer((mostRuns + 1) * idBytes));
  readonly #slots = new Map<string, number>();
  #free: number[] = [];
  #used = 0;
  #worker: Worker | undefined;
  #beats: NodeJS.Timeout | undefined;

  constructor(folder: string, stallMs = defaultStallMs) {
    this.#folder = folder;
    this.#file = join(folder, "stalled.json");
    this.#stallMs = stallMs;
  }

  /** The run that the process before this one stood still in; told once. */
  takeNote(): string | undefined {
    try {
      const { runId } = JSON.parse(readFileSync(this.#file, "utf8")) as { readonly runId?: unknown };
      return typeof runId === "string" ? runId : undefined;
    } catch {
      return undefined;
    } finally {
      rmSync(this.#file, { force: true });
    }
  }

  /**
   * A run is at work from now on. The thread starts once there was work for a while, or at once for a run whose process was lost: it may have been lost
   * for it.
   */
  begin({ id: runId, takeovers }: { readonly id: string; readonly takeovers: number }): void {
    const slot = this.#free.pop() ?? (this.#used < mostRuns ? ++this.#used : undefined);
    if (slot === undefined) return;
    this.#ids.fill(0, slot * idBytes, (slot + 1) * idBytes);
    new TextEncoder().encodeInto(runId, this.#ids.subarray(slot * idBytes, (slot + 1) * idBytes));
    this.#slots.set(runId, slot);
    this.#state[2] = this.#slots.size;
    // That it is called shows that the thread turns, also where no run is at work for as long as a beat.
    Atomics.add(this.#state, 0, 1);
    this.enter(runId);
    this.#beats ??= setInterval(() => {
      Atomics.add(this.#state, 0, 1);
      this.#worker ??= this.#start();
    }, this.#stallMs / 5).unref();
    if (takeovers > 0) this.#worker ??= this.#start();
  }

  /** Code of a run is about to be called. */
  enter(runId: string): void {
    this.#state[1] = this.#slots.get(runId) ?? 0;
  }

  end(runId: string): void {
    const slot = this.#slots.get(runId);
    if (slot === undefined) return;
    this.#slots.delete(runId);
    this.#free.push(slot);
    this.#state[2] = this.#slots.size;
    if (this.#state[1] === slot) this.#state[1] = 0;
    if (this.#slots.size > 0) return;
    clearInterval(this.#beats);
    this.#beats = undefined;
  }

  close(): void {
    clearInterval(this.#beats);
    void this.#worker?.terminate();
    this.#worker = undefined;
    // Who closes does not stand still.
    rmSync(this.#file, { force: true });
  }

  #start(): Worker {
    const task: StallTask = { state: this.#state, ids: this.#ids, idBytes, stallMs: this.#stallMs, folder: this.#folder, file: this.#file };
    const worker = new Worker(new URL(`./stall-thread${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    // Without it, stops are not told apart: they count as lost processes do.
    worker.on("error", () => undefined);
    return worker;
  }
}

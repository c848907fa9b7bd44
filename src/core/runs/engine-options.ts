import { defaultStallMs } from "./stall-watch.ts";

/** How the engine works; all times in milliseconds. */
export interface EngineOptions {
  /** How many runs are advanced side by side. A run that waits takes no place, and one viewer has at most half of them. */
  readonly concurrency: number;
  /** How long a run belongs to an engine that is silent. */
  readonly leaseMs: number;
  /** How often the store is searched for runs that nobody rang for. */
  readonly sweepMs: number;
  /** How long the main thread may stand still until the run that it is in is noted. */
  readonly stallMs: number;
}

export const defaultEngineOptions: EngineOptions = { concurrency: 2_048, leaseMs: 15_000, sweepMs: 2_000, stallMs: defaultStallMs };

import { setTimeout as rest } from "node:timers/promises";
import type { Database, Logger } from "#weftline";
import type { MemoryStore } from "../store/store.ts";

/** How many records one commit removes. */
const batch = 200;
/** Between two batches others write. */
const restMs = 20;

/** What sweeping works with. */
export interface SweepParts {
  readonly database: Database;
  readonly store: MemoryStore;
  readonly log: Logger;
  /** How often, in milliseconds. */
  readonly everyMs: number;
}

/** Removes records that have expired, from now on. @returns what stops it. */
export function startSweeping({ database, store, log, everyMs }: SweepParts): () => Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  const pause = (ms: number): Promise<void> => rest(ms, undefined, { signal, ref: false }).catch(() => undefined);
  const removeExpired = (): Promise<number> => database.upkeep((tx) => store.removeExpired(tx, batch), "memory.sweep");
  const sweep = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        while (!signal.aborted && (await removeExpired()) === batch) await pause(restMs);
      } catch (error) {
        if (!signal.aborted) log.warn({ err: error }, "records that have expired could not be removed");
      }
      await pause(everyMs);
    }
  };
  const work = sweep();
  return async () => {
    closing.abort();
    await work;
  };
}

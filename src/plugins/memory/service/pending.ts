import { setTimeout as rest } from "node:timers/promises";
import type { Database, SqlTx } from "#weftline";
import type { MemoryStore, Unembedded } from "../store/store.ts";
import type { Embedding } from "./embedding.ts";

/** How many texts are embedded at once: who searches meanwhile waits for them. */
const batch = 8;
const restMs = 5;
/** How long it waits after a failure, at first and at most, and while there is nothing to do. */
const wait = { first: 2_000, most: 60_000, idle: 30_000 } as const;

/** What the pump works with. */
export interface PendingParts {
  readonly database: Database;
  readonly store: MemoryStore;
  readonly embedding: Embedding;
}

/** Gives vectors to records that were kept without one, as soon as the embedder can. */
export class PendingVectors {
  readonly #parts: PendingParts;
  readonly #closing = new AbortController();
  #woken = Promise.withResolvers<void>();
  #work: Promise<void> | undefined;

  constructor(parts: PendingParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#work = this.#run();
  }

  /** There is something to do. */
  wake(): void {
    this.#woken.resolve();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers<void>();
      try {
        while (!signal.aborted && (await embedSome(this.#parts, { which: "none", after: 0 }, signal)) !== undefined)
          await pause(restMs, signal);
        failures = 0;
      } catch {
        // The embedding logged it, and health tells it.
        failures++;
      }
      const ms = failures === 0 ? wait.idle : Math.min(wait.most, wait.first * 2 ** (failures - 1));
      await Promise.race([pause(ms, signal), ...(failures === 0 ? [this.#woken.promise] : [])]);
    }
  }
}

/**
 * Embeds the next records that wait, behind a number.
 *
 * @returns how many they were, and the number of the last; nothing where none waits.
 * @throws what the embedder throws.
 */
export async function embedSome(
  { database, store, embedding }: PendingParts,
  { which, after }: { readonly which: "none" | "other"; readonly after: number },
  signal: AbortSignal,
): Promise<{ readonly count: number; readonly last: number } | undefined> {
  const rows = await store.unembedded({ embedder: embedding.number, which, after, limit: batch });
  const last = rows.at(-1);
  if (!last) return undefined;
  const vectors = await embedding.vectorsOf(
    rows.map(({ text }) => text),
    signal,
  );
  await database.upkeep((tx) => write(store, tx, { rows, vectors }), "memory.embed");
  return { count: rows.length, last: last.num };
}

interface Embedded {
  readonly rows: readonly Unembedded[];
  readonly vectors: Awaited<ReturnType<Embedding["vectorsOf"]>>;
}

function write(store: MemoryStore, tx: SqlTx, { rows, vectors }: Embedded): Promise<void> {
  const pairs = rows.flatMap(({ num }, at) => {
    const vector = vectors[at];
    return vector ? [{ num, vector }] : [];
  });
  return store.embed(tx, pairs);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await rest(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

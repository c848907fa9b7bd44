import { setTimeout as rest } from "node:timers/promises";
import type { Database } from "#weftline";
import type { MemoryStore, Unembedded, Vector } from "../store/store.ts";
import { isRefusal, type Embedding } from "./embedding.ts";

/** How many texts are embedded at once: who searches meanwhile waits for them. */
const batch = 8;
const restMs = 5;
/** How long it waits after a failure, at first and at most, and while there is nothing to do. */
const wait = { first: 2_000, most: 60_000, idle: 30_000 } as const;

/** When records that the embedder refused are tried again, in milliseconds. */
const againMs = 3_600_000;

interface NumberedVector {
  readonly num: number;
  readonly vector: Vector;
}

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
    let [failures, after, begun] = [0, 0, performance.now()];
    while (!signal.aborted) {
      this.#woken = Promise.withResolvers<void>();
      // What was refused is behind; it is asked again once in a while.
      if (performance.now() - begun > againMs) [after, begun] = [0, performance.now()];
      // Whoever remembered something may have heard meanwhile that the embedder cannot.
      await pause(this.#parts.embedding.pauseMs, signal);
      try {
        let some: Embedded | undefined;
        while (!signal.aborted && (some = await embedSome(this.#parts, { which: "none", after }, signal))) {
          after = some.last;
          // Where it refuses all of a batch it may be no fault of the texts: it is asked more slowly.
          if (some.count === 0) break;
          await pause(restMs, signal);
        }
        failures = some?.count === 0 ? failures + 1 : 0;
      } catch {
        // The embedding logged it, and health tells it.
        failures++;
      }
      const ms = failures === 0 ? wait.idle : backoff(failures);
      await Promise.race([pause(ms, signal), ...(failures === 0 ? [this.#woken.promise] : [])]);
    }
  }
}

/** How long to wait after so many failures, in milliseconds. */
export function backoff(failures: number): number {
  return Math.min(wait.most, wait.first * 2 ** (failures - 1));
}

/** What became of some records. */
export interface Embedded {
  /** How many have a vector now. */
  readonly count: number;
  /** How many the embedder refused: these stay as they are. */
  readonly refused: number;
  /** The number of the last. */
  readonly last: number;
}

/**
 * Embeds the next records that wait, behind a number.
 *
 * @returns what became of them; nothing where none waits.
 * @throws what the embedder throws, but for records that it refuses.
 */
export async function embedSome(
  parts: PendingParts,
  { which, after }: { readonly which: "none" | "other"; readonly after: number },
  signal: AbortSignal,
): Promise<Embedded | undefined> {
  const { database, store, embedding } = parts;
  const rows = await store.unembedded({ embedder: embedding.number, which, after, limit: batch });
  const last = rows.at(-1);
  if (!last) return undefined;
  const embedded = await vectorsFor(parts, rows, signal);
  if (embedded.length > 0) await database.upkeep((tx) => store.embed(tx, embedded), "memory.embed");
  return { count: embedded.length, refused: rows.length - embedded.length, last: last.num };
}

/** Of a batch with a text that is refused each is asked by itself: it keeps no other waiting. */
async function vectorsFor(
  { embedding }: Pick<PendingParts, "embedding">,
  rows: readonly Unembedded[],
  signal: AbortSignal,
): Promise<NumberedVector[]> {
  try {
    const vectors = await embedding.vectorsOf(
      rows.map(({ text }) => text),
      signal,
    );
    return rows.flatMap(({ num }, at) => {
      const vector = vectors[at];
      return vector ? [{ num, vector }] : [];
    });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (rows.length === 1) return [];
  }
  const each: NumberedVector[] = [];
  for (const row of rows) each.push(...(await vectorsFor({ embedding }, [row], signal)));
  return each;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await rest(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

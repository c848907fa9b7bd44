import { LRUCache } from "lru-cache";
import { WeftlineError, asWeftlineError, untilAborted, type Database, type Logger } from "#weftline";
import { unit } from "../embedders/lexical.ts";
import type { Embedder } from "../embedders/embedder.ts";
import type { MemoryStore, Vector } from "../store/store.ts";

/** How long a caller waits for a vector, in milliseconds: what is not embedded then is found by its words. */
const patienceMs = 3_000;
/** How long nobody waits after a failure: at least, and at most where the embedder says when it can again. */
const pauseMs = 5_000;
const longestPauseMs = 15 * 60_000;
/** How long one batch may take whoever waits, in milliseconds. */
const limitMs = 60_000;
/** Queries are often asked again. */
const mostKnown = 500;

/** Which embedder is at work, and why not the one that was wanted. */
export interface ChosenEmbedder {
  readonly embedder: Embedder;
  readonly instead?: { readonly of: string; readonly reason: string; readonly fix: string };
}

interface EmbeddingParts {
  readonly database: Database;
  readonly store: MemoryStore;
  readonly log: Logger;
}

/** Vectors by the embedder of the host. What an embedder answers is not trusted in number, length or content. */
export class Embedding {
  readonly #parts: EmbeddingParts;
  readonly #known = new LRUCache<string, Float32Array>({ max: mostKnown });
  #chosen: ChosenEmbedder | undefined;
  #number: number | undefined;
  #failure: { readonly until: number; readonly problem: string } | undefined;
  #refusal: string | undefined;

  constructor(parts: EmbeddingParts) {
    this.#parts = parts;
  }

  /** Starts with an embedder. */
  async use(chosen: ChosenEmbedder): Promise<void> {
    const { database, store } = this.#parts;
    this.#chosen = chosen;
    this.#number =
      (await store.knownEmbedder(chosen.embedder)) ??
      (await database.commit((tx) => store.embedder(tx, chosen.embedder), "memory.embedder"));
  }

  get chosen(): ChosenEmbedder {
    if (!this.#chosen) throw new WeftlineError("INTERNAL", { message: "The memory has no embedder before the platform is ready." });
    return this.#chosen;
  }

  /** By which the store knows the embedder. */
  get number(): number {
    return this.#number ?? 0;
  }

  /** What the last try failed with, until one succeeds. */
  get problem(): string | undefined {
    return this.#failure?.problem;
  }

  /** Why it refused a text, the last time that it did. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** How long nobody asks the embedder after a failure, from now on. */
  get pauseMs(): number {
    return Math.max(0, (this.#failure?.until ?? 0) - performance.now());
  }

  /** The vector of a text, or nothing where there is none in time. */
  async vectorOf(text: string, signal?: AbortSignal): Promise<Vector | undefined> {
    const known = this.#known.get(text);
    if (known) return { embedder: this.number, values: known };
    if (this.pauseMs > 0) return undefined;
    const timeout = AbortSignal.timeout(patienceMs);
    try {
      const [vector] = await this.vectorsOf([text], signal ? AbortSignal.any([signal, timeout]) : timeout);
      if (vector) this.#known.set(text, vector.values);
      return vector;
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  }

  /**
   * @throws UNAVAILABLE where the embedder cannot, or answers something else than asked; INVALID_INPUT where it refuses one of the texts; what the signal
   * says.
   */
  async vectorsOf(texts: readonly string[], signal: AbortSignal): Promise<readonly Vector[]> {
    const { embedder } = this.chosen;
    const number = this.number;
    const limit = AbortSignal.timeout(limitMs);
    const ending = AbortSignal.any([signal, limit]);
    try {
      const vectors = checked(embedder, texts.length, await untilAborted(Promise.resolve(embedder.embed(texts, ending)), ending));
      this.#failure = undefined;
      return vectors.map((values) => ({ embedder: number, values }));
    } catch (error) {
      // Nobody waits any longer, which says nothing of the embedder.
      if (signal.aborted && !isTimeout(signal.reason)) throw error;
      const failure = ending.aborted && !(error instanceof WeftlineError) ? late(embedder) : error;
      if (isRefusal(failure)) this.#refusal = wordsOf(failure);
      else this.#note(failure);
      throw failure;
    }
  }

  #note(error: unknown): void {
    const { id } = this.chosen.embedder;
    if (!this.#failure) this.#parts.log.warn({ embedder: id, err: error }, "the embedder failed; records wait for their vectors");
    const wait = error instanceof WeftlineError ? (error.details.retryAfterMs ?? 0) : 0;
    this.#failure = { until: performance.now() + Math.max(pauseMs, Math.min(wait, longestPauseMs)), problem: wordsOf(error) };
  }
}

/** Whether an embedder will never take one of the texts, as one that is too long for it. */
export function isRefusal(error: unknown): boolean {
  return error instanceof WeftlineError && error.code === "INVALID_INPUT";
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

function late({ id }: Embedder): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: `The embedder ${id}`,
    reason: "it did not answer in time.",
    fix: "Look at how busy it is, and at its endpoint.",
  });
}

function wordsOf(error: unknown): string {
  const known = asWeftlineError(error);
  return known.kind === "internal" ? "It failed; the server's log says why." : known.message;
}

function checked({ id, dimensions }: Embedder, count: number, answer: unknown): Float32Array[] {
  if (!Array.isArray(answer) || answer.length !== count)
    throw odd(id, `${count} vectors were asked for, and it gave ${Array.isArray(answer) ? answer.length : "none"}`);
  return answer.map((vector: unknown) => {
    if (!(vector instanceof Float32Array) || vector.length !== dimensions)
      throw odd(id, `its vectors have ${dimensions} numbers, and this one has ${vector instanceof Float32Array ? vector.length : "none"}`);
    if (!vector.every(Number.isFinite)) throw refusal(id);
    const made = unit(vector);
    // A text without a word: near to nothing but its like.
    return made.some((value) => value !== 0) ? made : made.map((_, at) => (at === 0 ? 1 : 0));
  });
}

/** It cannot say what this text means, and may well say it of others. */
function refusal(id: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: `The embedder ${id} gave something that is no number.`, fix: "Check its model." });
}

function odd(id: string, problem: string): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: `The embedder ${id}`,
    reason: `${problem}.`,
    fix: "Check its model and its dimensions.",
  });
}

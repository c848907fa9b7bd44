import { WeftlineError, asWeftlineError, untilAborted, type Database, type Logger } from "#weftline";
import { unit } from "../embedders/lexical.ts";
import type { Embedder } from "../embedders/embedder.ts";
import type { MemoryStore, Vector } from "../store/store.ts";

/** How long a caller waits for a vector, in milliseconds: what is not embedded then is found by its words. */
const patienceMs = 3_000;
/** How long nobody waits after a failure. */
const pauseMs = 5_000;
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
  readonly #known = new Map<string, Float32Array>();
  #chosen: ChosenEmbedder | undefined;
  #number: number | undefined;
  #failure: { readonly at: number; readonly problem: string } | undefined;

  constructor(parts: EmbeddingParts) {
    this.#parts = parts;
  }

  /** Starts with an embedder. */
  async use(chosen: ChosenEmbedder): Promise<void> {
    const { database, store } = this.#parts;
    this.#chosen = chosen;
    this.#number = await database.commit((tx) => store.embedder(tx, chosen.embedder), "memory.embedder");
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

  /** The vector of a text, or nothing where there is none in time. */
  async vectorOf(text: string, signal?: AbortSignal): Promise<Vector | undefined> {
    const known = this.#known.get(text);
    if (known) return { embedder: this.number, values: known };
    if (this.#failure && performance.now() - this.#failure.at < pauseMs) return undefined;
    const timeout = AbortSignal.timeout(patienceMs);
    try {
      const [vector] = await this.vectorsOf([text], signal ? AbortSignal.any([signal, timeout]) : timeout);
      if (vector) this.#remember(text, vector.values);
      return vector;
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  }

  /** @throws UNAVAILABLE where the embedder cannot, or answers something else than asked. */
  async vectorsOf(texts: readonly string[], signal: AbortSignal): Promise<readonly Vector[]> {
    const { embedder } = this.chosen;
    try {
      const vectors = checked(embedder, texts.length, await untilAborted(embedder.embed(texts, signal), signal));
      this.#failure = undefined;
      return vectors.map((values) => ({ embedder: this.number, values }));
    } catch (error) {
      if (!this.#failure)
        this.#parts.log.warn({ embedder: embedder.id, err: error }, "the embedder failed; records wait for their vectors");
      this.#failure = { at: performance.now(), problem: wordsOf(error) };
      throw error;
    }
  }

  #remember(text: string, vector: Float32Array): void {
    this.#known.set(text, vector);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest);
  }
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
    if (!vector.every(Number.isFinite)) throw odd(id, "a vector holds something that is no number");
    const made = unit(vector);
    // A text without a word: near to nothing but its like.
    if (made.every((value) => value === 0)) made[0] = 1;
    return made;
  });
}

function odd(id: string, problem: string): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: `The embedder ${id}`,
    reason: `${problem}.`,
    fix: "Check its model and its dimensions.",
  });
}

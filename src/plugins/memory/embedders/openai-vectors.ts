import { WeftlineError } from "#weftline";

/** What was asked for. */
interface Expected {
  readonly count: number;
  readonly dimensions: number;
}

/**
 * The vectors of an answer in the order of their texts. Servers may answer in any order, so that what counts is each vector's index; some write floats as
 * base64 although they were asked not to.
 *
 * @throws UNAVAILABLE for an answer that is none.
 */
export function vectorsIn(answer: unknown, { count, dimensions }: Expected): Float32Array[] {
  const data = (answer as { readonly data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count)
    throw odd(`${count} vectors were asked for, and ${Array.isArray(data) ? data.length : "none"} came`);
  const vectors = new Map<unknown, Float32Array>();
  for (const [at, each] of data.entries()) {
    const { index = at, embedding } = (each ?? {}) as { readonly index?: unknown; readonly embedding?: unknown };
    if (vectors.has(index)) throw odd("two vectors have one index");
    const vector = typeof embedding === "string" ? decoded(embedding) : numbers(embedding);
    if (vector?.length !== dimensions) throw odd(`its vectors have ${vector?.length ?? "no"} numbers instead of ${dimensions}`);
    vectors.set(index, vector);
  }
  return Array.from({ length: count }, (_, at) => vectors.get(at) ?? missing());
}

function numbers(embedding: unknown): Float32Array | undefined {
  return Array.isArray(embedding) && embedding.every((value) => typeof value === "number") ? Float32Array.from(embedding) : undefined;
}

/** Floats of four bytes, the lowest first. */
function decoded(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length % 4 === 0 ? Float32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4)) : undefined;
}

function missing(): never {
  throw odd("the vector of a text is missing");
}

function odd(problem: string): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: "The embedder openai",
    reason: `${problem}.`,
    fix: "Check the model, its dimensions and the endpoint of its binding.",
  });
}

import { WeftlineError, type ModelBinding, type Models } from "#weftline";
import { createSdkLoader } from "#plugins/openai";
import type { MemoryConfig } from "../config.ts";
import type { Embedder } from "./embedder.ts";

/** Any endpoint of embeddings that speaks OpenAI's protocol, through a binding of the plugin models. */
export function createOpenAiEmbedder(options: NonNullable<MemoryConfig["openai"]>, models: () => Models): Embedder {
  const { model: name, dimensions, askDimensions, batch } = options;
  const load = createSdkLoader();
  const bound = (): ModelBinding => models().resolve(name, { simulated: "forbidden" });
  return {
    id: "openai",
    dimensions,
    version: name,
    kind: "SEMANTIC",
    status: () => {
      try {
        bound();
        return { state: "READY" };
      } catch (error) {
        const reason = error instanceof WeftlineError ? error.message : "its binding cannot be used.";
        return { state: "UNAVAILABLE", reason, fix: `Give the binding of ${name} a key: models({ bindings: { … } }).` };
      }
    },
    async embed(texts, signal) {
      const binding = bound();
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += batch)
        vectors.push(
          ...(await ask({ load, binding }, { texts: texts.slice(at, at + batch), ...(askDimensions ? { dimensions } : {}) }, signal)),
        );
      return vectors;
    },
  };
}

interface Asking {
  readonly load: ReturnType<typeof createSdkLoader>;
  readonly binding: ModelBinding;
}

interface Asked {
  readonly texts: readonly string[];
  readonly dimensions?: number;
}

async function ask({ load, binding }: Asking, { texts, dimensions }: Asked, signal: AbortSignal): Promise<Float32Array[]> {
  const [{ clientFor }, key] = await Promise.all([load(), binding.apiKey()]);
  const client = clientFor(binding, key);
  const { model } = binding;
  try {
    const body = { model, input: [...texts], encoding_format: "float" as const, ...(dimensions === undefined ? {} : { dimensions }) };
    const answer: unknown = await client.embeddings.create(body, { signal });
    return inOrder(answer, texts.length);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WeftlineError) throw error;
    // Neither the words of the provider nor the request are told: both may hold what was embedded, or a key.
    const status = (error as { readonly status?: unknown }).status;
    throw away(
      binding,
      typeof status === "number" ? `it answered with status ${status}.` : "it could not be reached, or its answer could not be read.",
    );
  }
}

/** Servers may answer in any order: what counts is each vector's index. */
function inOrder(answer: unknown, count: number): Float32Array[] {
  const data = (answer as { readonly data?: unknown } | null)?.data;
  if (!Array.isArray(data) || data.length !== count)
    throw odd(`${count} vectors were asked for, and ${Array.isArray(data) ? data.length : "none"} came`);
  const vectors = new Map<number, Float32Array>();
  for (const [at, each] of data.entries()) {
    const { index = at, embedding } = (each ?? {}) as { readonly index?: unknown; readonly embedding?: unknown };
    if (!Array.isArray(embedding) || !embedding.every((value) => typeof value === "number")) throw odd("a vector is no list of numbers");
    if (typeof index !== "number" || vectors.has(index)) throw odd("two vectors have one index");
    vectors.set(index, Float32Array.from(embedding));
  }
  return Array.from({ length: count }, (_, at) => vectors.get(at) ?? fail());
}

function fail(): never {
  throw odd("the vector of a text is missing");
}

function odd(problem: string): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: "The embedder openai",
    reason: `${problem}.`,
    fix: "Check the model and the endpoint of its binding.",
  });
}

function away({ id }: ModelBinding, reason: string): WeftlineError {
  return new WeftlineError("UNAVAILABLE", {
    what: `The embedder openai (binding ${id})`,
    reason,
    fix: "Check the binding, its key and its endpoint.",
  });
}

import { WeftlineError, retryAfterMs, type ModelBinding, type Models } from "#weftline";
import { createSdkLoader, requestVia } from "#plugins/openai";
import type { MemoryConfig } from "../config.ts";
import type { Embedder } from "./embedder.ts";
import { boundedFetch } from "./openai-fetch.ts";
import { vectorsIn } from "./openai-vectors.ts";

/** Any endpoint of embeddings that speaks OpenAI's protocol, through a binding of the plugin models. */
export function createOpenAiEmbedder(options: NonNullable<MemoryConfig["openai"]>, models: () => Models): Embedder {
  const { model: name, dimensions, batch } = options;
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
      const asking = { load, binding: bound(), options };
      const vectors: Float32Array[] = [];
      for (let at = 0; at < texts.length; at += batch) vectors.push(...(await ask(asking, texts.slice(at, at + batch), signal)));
      return vectors;
    },
  };
}

interface Asking {
  readonly load: ReturnType<typeof createSdkLoader>;
  readonly binding: ModelBinding;
  readonly options: NonNullable<MemoryConfig["openai"]>;
}

async function ask({ load, binding, options }: Asking, texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]> {
  const { dimensions, askDimensions } = options;
  const [{ clientFor }, key] = await Promise.all([load(), binding.apiKey()]);
  const client = clientFor(binding, key);
  const body = { model: binding.model, input: [...texts], encoding_format: "float" as const, ...(askDimensions ? { dimensions } : {}) };
  try {
    const via = requestVia({ fetch: boundedFetch(binding.fetch ?? globalThis.fetch, texts.length * dimensions) });
    return vectorsIn(await client.embeddings.create(body, { signal, ...via }), { count: texts.length, dimensions });
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof WeftlineError ? error : failureOf(error, binding);
  }
}

/** Neither the words of the provider nor the request are told: both may hold what was embedded, or a key. */
function failureOf(error: unknown, { id }: ModelBinding): WeftlineError {
  const what = `The embedder openai (binding ${id})`;
  const fix = "Check the binding, its key and its endpoint.";
  const { status, headers } = (error ?? {}) as { readonly status?: unknown; readonly headers?: unknown };
  if (typeof status !== "number")
    return new WeftlineError("UNAVAILABLE", { what, reason: "it could not be reached, or its answer could not be read.", fix });
  const reason = `it answered with status ${status}.`;
  if (ofTheText.has(status)) return new WeftlineError("INVALID_INPUT", { message: `${what} refuses this text: ${reason}`, fix });
  const wait = headers instanceof Headers ? retryAfterMs(headers.get("retry-after")) : undefined;
  return new WeftlineError("UNAVAILABLE", { what, reason, fix, ...(wait === undefined ? {} : { retryAfterMs: wait }) });
}

/** What a provider answers where a text is too long for the model, or is refused as it is. */
const ofTheText: ReadonlySet<number> = new Set([400, 413, 422]);

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lexicalEmbedder } from "../../../src/plugins/memory/embedders/lexical.ts";
import { createLocalEmbedder } from "../../../src/plugins/memory/embedders/local.ts";
import { createOpenAiEmbedder } from "../../../src/plugins/memory/embedders/openai.ts";
import type { Models } from "../../../src/core/index.ts";
import type { Embedder } from "../../../src/plugins/memory/contract.ts";
import { embedderConformance } from "../../../src/testing/index.ts";
import { endpoint, dimensions, key, type Endpoint } from "../../plugins/memory/embedders/endpoint.ts";

let server: Endpoint;
beforeAll(async () => void (server = await endpoint()));
afterAll(() => server[Symbol.asyncDispose]());

function openai(baseURL: string): Embedder {
  const binding = { id: "house", provider: "house", model: "meaning-1", provenance: "LIVE", api: "chat" } as const;
  const models: Pick<Models, "resolve"> = { resolve: () => ({ ...binding, baseURL, apiKey: () => key, timeoutMs: 5_000 }) };
  return createOpenAiEmbedder({ model: "house/meaning-1", dimensions, askDimensions: false, batch: 16 }, () => models as Models);
}

embedderConformance("local-512", { create: createLocalEmbedder }).registerWith({ describe, it });
embedderConformance("lexical-hash-384", { create: () => lexicalEmbedder }).registerWith({ describe, it });
embedderConformance("openai", {
  create: () => openai(server.baseURL),
  unavailable: () => openai("http://127.0.0.1:9/v1"),
  secrets: [key],
}).registerWith({ describe, it });

describe("the suite of embedders", () => {
  const wrong: Readonly<Record<string, Partial<Embedder>>> = {
    "mixes up the order": { embed: async (texts, signal) => (await lexicalEmbedder.embed(texts, signal)).toReversed() },
    "forgets one": { embed: async (texts, signal) => (await lexicalEmbedder.embed(texts, signal)).slice(1) },
    "gives lists": { embed: async (texts, signal) => (await lexicalEmbedder.embed(texts, signal)).map((vector) => [...vector]) as never },
    "says another size": { dimensions: 383 },
    "gives what is no number": { embed: async (texts) => texts.map(() => new Float32Array(384).fill(Number.NaN)) },
    "means the same by everything": { embed: async (texts) => texts.map(() => new Float32Array(384).fill(1)) },
    "never leaves": { embed: (texts, signal) => (signal.aborted ? new Promise(() => undefined) : lexicalEmbedder.embed(texts, signal)) },
    "has no version": { version: "" },
  };

  it.each(Object.entries(wrong))("catches one that %s", async (_, change) => {
    const { checks } = embedderConformance("wrong", { create: () => ({ ...lexicalEmbedder, ...change }) });
    const late = new Promise<string>((resolve) => setTimeout(resolve, 2_000, "never ends"));
    const outcomes = await Promise.all(checks.map(({ run }) => Promise.race([run().catch(String), late])));
    expect(outcomes.filter((outcome) => outcome !== undefined)).not.toEqual([]);
  });
});

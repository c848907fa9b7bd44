import type { Embedder } from "./embedder.ts";

const dimensions = 384;

/**
 * Hashes words, pairs of words and pieces of words into a vector: finds shared words and stems in any language, and no synonyms. It is lexical, and
 * called so wherever it is named.
 */
export const lexicalEmbedder: Embedder = {
  id: "lexical-hash-384",
  dimensions,
  version: "1",
  kind: "LEXICAL",
  embed: async (texts, signal) => {
    signal.throwIfAborted();
    return texts.map(embed);
  },
};

/** What each kind of feature weighs. */
const weights = { word: 1, pair: 0.5, piece: 0.35 } as const;

function embed(text: string): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const [feature, { count, weight }] of featuresOf(text)) {
    const hash = fnv1a(feature);
    const sign = (hash & 1) === 0 ? 1 : -1;
    const at = (hash >>> 1) % dimensions;
    vector[at] = (vector[at] ?? 0) + sign * weight * (1 + Math.log(count));
  }
  return unit(vector);
}

interface Feature {
  count: number;
  readonly weight: number;
}

function featuresOf(text: string): ReadonlyMap<string, Feature> {
  const features = new Map<string, Feature>();
  const add = (name: string, kind: keyof typeof weights): void => {
    const known = features.get(name);
    if (known) known.count++;
    else features.set(name, { count: 1, weight: weights[kind] });
  };
  const words =
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  for (const [at, word] of words.entries()) {
    add(word, "word");
    const next = words[at + 1];
    if (next !== undefined) add(`${word} ${next}`, "pair");
    const signs = [...` ${word} `];
    for (const size of [3, 4])
      for (let from = 0; from + size <= signs.length; from++) add(`#${signs.slice(from, from + size).join("")}`, "piece");
  }
  return features;
}

/** FNV-1a over UTF-16, 32 bits, with its bits mixed once more: the low ones decide the sign. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** The vector at length 1; one of nothing but zeros stays. */
export function unit(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return sum === 0 ? vector : vector.map((value) => value / Math.sqrt(sum));
}

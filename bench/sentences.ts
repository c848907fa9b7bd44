import { globSync, readFileSync } from "node:fs";
import { work as embed } from "../src/plugins/memory/embedders/local-thread.ts";

/** Sentences that people wrote: those of the project's own docs, comments and tests. In an order that mixes their files, the same each time. */
export function sentences(): string[] {
  const files = globSync(["*.md", "docs/**/*.md", "src/**/*.{ts,md}", "test/**/*.ts"]).toSorted();
  const found = new Set(files.flatMap((file) => proseOf(file, readFileSync(file, "utf8")).flatMap(split)));
  const next = random(1);
  return [...found]
    .map((sentence) => ({ sentence, at: next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ sentence }) => sentence);
}

function proseOf(file: string, text: string): string[] {
  if (file.endsWith(".md")) return text.replaceAll(/```[\s\S]*?```/g, "\n\n").split(/\n\s*\n|\n(?=[-*|#])/);
  return [...text.matchAll(/\/\*\*([\s\S]*?)\*\/|\/\/ (.*)|"([^"\n]{30,})"/g)].map(([, block, line, string]) =>
    (block ?? line ?? string ?? "").replaceAll(/\n\s*\* ?/g, " "),
  );
}

function split(prose: string): string[] {
  const plain = prose.replaceAll(/[*`|]/g, "").replaceAll(/\s+/g, " ").replace(/^\W+/, "");
  return plain.split(/(?<=[.!?:;])\s+/).filter((one) => /^[A-Za-z][ -~]{24,199}$/.test(one) && one.split(" ").length >= 5);
}

/** A fact of the bench. */
export interface Fact {
  readonly text: string;
  readonly vector: Float32Array;
}

/**
 * Facts of two sentences each. To embed a hundred thousand takes a quarter of an hour, so the sentences alone are embedded, and the vector of a fact is a
 * mix of both theirs with some noise, of length 1.
 */
export function* facts(from: readonly string[], vectors: readonly Float32Array[], count: number): Generator<Fact> {
  const next = random(2);
  for (let made = 0; made < count; made++) {
    const [a, b, weight] = [Math.floor(next() * from.length), Math.floor(next() * from.length), 0.5 + next() * 0.4];
    const [left, right] = [vectors[a] ?? new Float32Array(), vectors[b] ?? new Float32Array()];
    yield {
      text: `${from[a]} ${from[b]}`,
      vector: unit(left.map((value, at) => value * weight + (right[at] ?? 0) * (1 - weight) + (next() - 0.5) * 0.02)),
    };
  }
}

/** Vectors by the local model itself, of length 1. */
export async function embedded(texts: readonly string[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let at = 0; at < texts.length; at += 64) vectors.push(...(await embed(texts.slice(at, at + 64))).map(unit));
  return vectors;
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Numbers from 0 to 1 by xorshift32: the same each time. */
function random(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

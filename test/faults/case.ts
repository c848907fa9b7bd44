import { parseArgs } from "node:util";

/** What a case is given. */
export interface CaseContext {
  readonly size: "small" | "whole";
  /** From 0 up to 1, the same for the same seed. */
  readonly random: () => number;
}

/** What a case found. */
export interface Outcome {
  readonly ok: boolean;
  readonly [figure: string]: unknown;
}

/** Runs a case as a program: prints one line of JSON, and exits with 1 where it failed. `--small`, `--seed <number>`. */
export async function runCase(name: string, work: (context: CaseContext) => Promise<Outcome>): Promise<void> {
  const { values } = parseArgs({ options: { small: { type: "boolean" }, seed: { type: "string" } } });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const size = values.small ? "small" : "whole";
  const started = performance.now();
  let outcome: Outcome;
  try {
    outcome = await work({ size, random: randomFrom(seed) });
  } catch (error) {
    outcome = { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { ok, ...figures } = outcome;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  process.stdout.write(`${JSON.stringify({ case: name, seed, size, ...figures, seconds, ok })}\n`);
  process.exit(ok ? 0 : 1);
}

/** Mulberry32: small, and good enough to choose moments. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}

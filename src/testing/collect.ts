import { WeftlineError } from "../core/errors.ts";

/** When {@link collect} has enough. */
export interface CollectOptions<T> {
  /** Asked after each value; the one that it answers true for is the last. Without it, everything up to the end is collected. */
  readonly until?: (value: T, all: readonly T[]) => boolean;
  /** 5,000 by default. */
  readonly timeoutMs?: number;
}

/**
 * Reads a stream into a list and closes it.
 *
 * @throws INTERNAL with what came so far where the stream neither ends nor satisfies `until` in time.
 * @example const events = await collect(app.subscribe(query), { until: ({ changes }) => changes.kind === "CREATED" });
 */
export async function collect<T>(source: AsyncIterable<T> | Promise<AsyncIterable<T>>, options: CollectOptions<T> = {}): Promise<T[]> {
  const { until = () => false, timeoutMs = 5_000 } = options;
  const iterator = (await source)[Symbol.asyncIterator]();
  const all: T[] = [];
  const deadline = deadlineOf(timeoutMs, () => all);
  try {
    while (true) {
      const result = await Promise.race([iterator.next(), deadline.passed]);
      if (result.done) return all;
      all.push(result.value);
      if (until(result.value, all)) return all;
    }
  } finally {
    deadline.clear();
    await iterator.return?.();
  }
}

function deadlineOf(timeoutMs: number, soFar: () => readonly unknown[]): { readonly passed: Promise<never>; clear(): void } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const values = soFar().map((value) => `  ${JSON.stringify(value)}`);
    reject(
      new WeftlineError("INTERNAL", {
        message: `The stream did not end within ${timeoutMs} ms. It gave ${values.length}:\n${values.join("\n")}`,
      }),
    );
  }, timeoutMs);
  return { passed: promise, clear: () => clearTimeout(timer) };
}

import type { Bed } from "./bed.ts";

/** What a server did under load. */
export interface Load {
  readonly perSecond: number;
  /** CPU of the server for each piece of work. */
  readonly cpuMs: number;
  readonly busy: string;
}

/** How long it warms up and how long it is measured, in seconds. */
const warmSeconds = 3;
const loadSeconds = 8;

/** Workers that each do one piece of work after another. */
export async function loadOf(
  bed: Bed,
  workers: readonly (() => Promise<void>)[],
  { warm = warmSeconds, seconds = loadSeconds }: { readonly warm?: number; readonly seconds?: number } = {},
): Promise<Load> {
  await work(workers, warm);
  const meter = bed.meter();
  const cpu = bed.cpu();
  const began = performance.now();
  const done = await work(workers, seconds);
  return {
    perSecond: done / ((performance.now() - began) / 1_000),
    cpuMs: ((bed.cpu() - cpu) / done) * 1_000,
    busy: meter(),
  };
}

async function work(workers: readonly (() => Promise<void>)[], seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let done = 0;
  await Promise.all(
    workers.map(async (one) => {
      for (; performance.now() < until; done++) await one();
    }),
  );
  return done;
}

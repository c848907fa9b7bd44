import type { Bed, Side } from "./bed.ts";
import { converseOnce } from "./converse.ts";
import type { Figure } from "./measure.ts";

/** What a server did under load. */
export interface Load {
  readonly perSecond: number;
  /** CPU of the server for each piece of work. */
  readonly cpuMs: number;
  readonly busy: string;
}

/**
 * How long it warms up at least, and at most, in seconds, and with how much work: V8 goes on compiling for thousands of runs, beside the measured work,
 * and a slow server would be measured in the middle of that.
 */
const warm = { least: 3, most: 30, work: 4_000 };
/** How long it is measured, in seconds. */
const loadSeconds = 8;

/** Workers that each do one piece of work after another. @param warmSeconds of a server that has been at work. */
export async function loadOf(
  bed: Bed,
  workers: readonly (() => Promise<void>)[],
  { seconds = loadSeconds, warmSeconds }: { readonly seconds?: number; readonly warmSeconds?: number } = {},
): Promise<Load> {
  await (warmSeconds === undefined ? warmUp(workers) : work(workers, warmSeconds));
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

/** Work under load, beside that of the bound: a target, and what a bound reached where that was set. */
export interface LoadTargets {
  readonly perSecond: Pick<Figure, "target" | "boundThen">;
  readonly cpuMs?: Pick<Figure, "target" | "boundThen">;
}

/** What work under load comes to: how much a second, and what each piece of it costs. */
export function loadFigures(
  name: string,
  { perSecond, cpuMs = {} }: LoadTargets,
  { ours, bound }: { readonly ours: Load; readonly bound?: Load },
): Figure[] {
  return [
    {
      work: `${name}: a second`,
      unit: "",
      ours: ours.perSecond,
      ...(bound && { bound: bound.perSecond }),
      ...perSecond,
      better: "more",
      note: `cores: ${ours.busy}`,
    },
    { work: `${name}: server CPU each`, unit: "ms", ours: ours.cpuMs, ...(bound && { bound: bound.cpuMs }), ...cpuMs, better: "less" },
  ];
}

/** Has a server's code compiled, by short runs in new threads. */
export async function compile(bed: Bed, side: Side): Promise<void> {
  const line = await bed.line();
  await warmUp(Array.from({ length: 16 }, () => () => converseOnce(bed, side, line, "tokens=10 rate=0")));
  line.close();
}

async function warmUp(workers: readonly (() => Promise<void>)[]): Promise<void> {
  const until = performance.now() + warm.most * 1_000;
  for (let done = await work(workers, warm.least); done < warm.work && performance.now() < until;) done += await work(workers, 1);
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

import { makeBed, type Side } from "./bed.ts";
import { watch } from "./converse.ts";
import { quantile, type Figure } from "./measure.ts";
import { askProvider } from "./provider-alone.ts";

const together = 50;
const question = "tokens=10 rate=0";

interface Times {
  readonly alone: number;
  readonly together: number;
}

export async function firstToken(): Promise<Figure[]> {
  const provider = await ofProvider();
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  const row = (of: keyof Times, work: string, target: number, boundThen: number): Figure => ({
    work: `first token over the provider's own, p50, ${work}`,
    unit: "ms",
    ours: ours[of] - provider[of],
    bound: bound[of] - provider[of],
    target,
    boundThen,
    better: "less",
    note: `the provider's own ${provider[of].toFixed(2)} ms`,
  });
  return [row("alone", "1 at a time", 1.9, 0.8), row("together", `${together} at a time`, 30, 22)];
}

async function ofProvider(): Promise<Times> {
  const bed = await makeBed("bound");
  const ask = async (): Promise<number> => (await askProvider(bed.provider, question))[0]?.ms ?? Number.NaN;
  const times = await measure(ask, () => Promise.all(Array.from({ length: together }, ask)));
  bed.close();
  return times;
}

async function ofServer(side: Side): Promise<Times> {
  const bed = await makeBed(side);
  const line = await bed.line();
  const threads = await Promise.all(Array.from({ length: together }, async () => watch(bed, side, line, await bed.thread())));
  let round = 0;
  const ask = async (of = threads[round++ % together]): Promise<number> => (await of?.ask(question))?.firstMs ?? Number.NaN;
  const times = await measure(ask, () => Promise.all(threads.map(ask)));
  line.close();
  bed.close();
  return times;
}

/** V8 goes on compiling for thousands of runs. */
const warmCrowds = 60;

async function measure(one: () => Promise<number>, many: () => Promise<number[]>): Promise<Times> {
  for (let warm = 0; warm < warmCrowds; warm++) await many();
  const alone: number[] = [];
  for (let round = 0; round < 200; round++) alone.push(await one());
  const all: number[] = [];
  for (let round = 0; round < 24; round++) all.push(...(await many()));
  return { alone: quantile(alone, 0.5), together: quantile(all, 0.5) };
}

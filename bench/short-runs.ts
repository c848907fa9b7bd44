import { makeBed, type Side } from "./bed.ts";
import type { Figure } from "./measure.ts";
import { watch } from "./converse.ts";

const concurrency = 32;
const watchRun = `subscription ($run: ID!) { runEvents(run: $run, after: 0) { type ... on MessageDeltaEvent { text } } }`;

interface Load {
  readonly perSecond: number;
  readonly cpuMs: number;
  readonly busy: string;
}

export async function shortRuns(): Promise<Figure[]> {
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  const work = `runs of 10 tokens, ${concurrency} at a time, kept and watched`;
  return [
    {
      work: `${work}: a second`,
      unit: "",
      ours: ours.perSecond,
      bound: bound.perSecond,
      target: 800,
      boundThen: 2_063,
      better: "more",
      note: `cores: ${ours.busy}`,
    },
    { work: `${work}: server CPU each`, unit: "ms", ours: ours.cpuMs, bound: bound.cpuMs, target: 1.3, boundThen: 0.47, better: "less" },
  ];
}

/** Ours starts runs and watches each anew; the other server has threads only, and each is watched once. */
async function ofServer(side: Side): Promise<Load> {
  const bed = await makeBed(side);
  const line = await bed.line();
  const question = "tokens=10 rate=0";
  const workers = await Promise.all(
    Array.from({ length: concurrency }, async () => {
      if (side === "ours") return async () => line.run(watchRun, { run: await bed.start(question) }, () => undefined);
      const { ask } = await watch(bed, side, line, await bed.thread());
      return async () => void (await ask(question));
    }),
  );
  const load = async (seconds: number): Promise<number> => {
    const until = performance.now() + seconds * 1_000;
    let runs = 0;
    const work = async (one: () => Promise<void>): Promise<void> => {
      for (; performance.now() < until; runs++) await one();
    };
    await Promise.all(workers.map(work));
    return runs;
  };
  await load(3);
  const meter = bed.meter();
  const cpu = bed.cpu();
  const began = performance.now();
  const runs = await load(8);
  const result = {
    perSecond: runs / ((performance.now() - began) / 1_000),
    cpuMs: ((bed.cpu() - cpu) / runs) * 1_000,
    busy: meter(),
  };
  line.close();
  bed.close();
  return result;
}

import { makeBed, type Side, withBenchPlugin } from "./bed.ts";
import type { Figure } from "./measure.ts";

const count = 400_000;
const query = `subscription ($count: Int!) { benchFrames(count: $count) { seq type text } }`;

/** One subscription whose source is always ready; frames of about 107 bytes, three fields. */
export async function frames(): Promise<Figure[]> {
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  return [
    {
      work: "frames a second on one subscription",
      unit: "",
      ours: ours.perSecond,
      bound: bound.perSecond,
      target: 100_000,
      boundThen: 105_000,
      better: "more",
      note: `cores: ${ours.busy}`,
    },
    { work: "server CPU a frame", unit: "µs", ours: ours.cpu, bound: bound.cpu, better: "less" },
  ];
}

async function ofServer(side: Side): Promise<{ perSecond: number; cpu: number; busy: string }> {
  const bed = await makeBed(side, withBenchPlugin);
  const load = async (expected: number): Promise<void> => {
    const line = await bed.line();
    const done = Promise.withResolvers<void>();
    let came = 0;
    // The last frame is the one that says that it is over.
    const taken = (more: number): void => {
      came += more;
      if (came >= expected + 1) done.resolve();
    };
    line.run(query, { count: expected }, () => undefined).catch(done.reject);
    line.count(taken);
    await done.promise;
    line.close();
  };
  await load(100_000);
  const meter = bed.meter();
  const cpu = bed.cpu();
  const began = performance.now();
  await load(count);
  const result = {
    perSecond: count / ((performance.now() - began) / 1_000),
    cpu: ((bed.cpu() - cpu) / count) * 1_000_000,
    busy: meter(),
  };
  bed.close();
  return result;
}

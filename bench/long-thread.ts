import { makeBed } from "./bed.ts";
import { converseOnce, watch, type Watched } from "./converse.ts";
import { loadOf } from "./load.ts";
import { quantile, type Figure } from "./measure.ts";

const threads = 4;
const runs = 4_000;
/** As many runs as an agent is shown of a thread by default. */
const few = 60;
const rounds = 3;
const question = "tokens=10 rate=0";

/** What a run costs in a thread of 4,000 runs, beside one of 60 and a new one, in turn on one server. */
export async function longThread(): Promise<Figure[]> {
  const bed = await makeBed();
  const line = await bed.line();
  const open = async (): Promise<Watched> => watch(bed, "ours", line, await bed.thread());
  const openAll = (): Promise<Watched[]> => Promise.all(Array.from({ length: threads }, open));
  const fill = (all: readonly Watched[], count: number): Promise<void[]> =>
    Promise.all(
      all.map(async ({ ask }) => {
        for (let made = 0; made < count; made++) await ask(question);
      }),
    );
  const [long, short] = [await openAll(), await openAll()];
  await fill(long, runs);
  await fill(short, few);
  const asking = (all: readonly Watched[]) =>
    all.map(
      ({ ask }) =>
        async (): Promise<void> =>
          void (await ask(question)),
    );
  const fresh = Array.from({ length: threads }, () => () => converseOnce(bed, "ours", line, question));
  const costs = { long: [] as number[], short: [] as number[], fresh: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    costs.fresh.push((await loadOf(bed, fresh, { warmSeconds: 1, seconds: 3 })).cpuMs);
    costs.short.push((await loadOf(bed, asking(short), { warmSeconds: 1, seconds: 1 })).cpuMs);
    costs.long.push((await loadOf(bed, asking(long), { warmSeconds: 1, seconds: 3 })).cpuMs);
  }
  line.close();
  bed.close();
  const of = (name: keyof typeof costs): number => quantile(costs[name], 0.5);
  return [
    {
      work: `server CPU of a run in a thread of ${runs} runs, over that of one in a new thread`,
      unit: "",
      ours: of("long") / of("fresh"),
      target: 1.2,
      better: "less",
      note: `${of("long").toFixed(2)} ms, in a new thread ${of("fresh").toFixed(2)} ms, in one of some hundred runs ${of("short").toFixed(2)} ms`,
    },
  ];
}

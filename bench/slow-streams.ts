import { makeBed, type Side } from "./bed.ts";
import { watch } from "./converse.ts";
import { compile } from "./load.ts";
import { quantile, type Figure } from "./measure.ts";
import { lateness } from "./provider-alone.ts";

const streams = 1_000;
const question = "tokens=20 rate=2";
/** When the first token of such a stream is sent. */
const paceMs = 500;
/** They begin within five seconds, as people do. */
const apartMs = 5;

interface Slow {
  readonly first: number;
  readonly delay: number;
}

export async function slowStreams(): Promise<Figure[]> {
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  const work = `${streams} streams × 2 tokens a second`;
  return [
    {
      work: `${work}: memory each`,
      unit: "KiB",
      ours: ours.memory,
      bound: bound.memory,
      target: 200,
      boundThen: 145,
      better: "less",
      note: `cores: ${ours.busy}`,
    },
    {
      work: `${work}: first token, p99, over the half second that the provider takes`,
      unit: "ms",
      ours: ours.first,
      bound: bound.first,
      target: 70,
      boundThen: 22,
      better: "less",
    },
    {
      work: `${work}: delay of a token p99`,
      unit: "ms",
      ours: ours.delay,
      bound: bound.delay,
      target: 30,
      boundThen: 6.9,
      better: "less",
    },
  ];
}

async function spread<T>(asks: readonly (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(
    asks.map((ask, index) => new Promise<T>((resolve, reject) => setTimeout(() => ask().then(resolve, reject), index * apartMs))),
  );
}

async function ofServer(side: Side): Promise<Slow & { readonly memory: number; readonly busy: string }> {
  const bed = await makeBed(side);
  await compile(bed, side);
  const threads: string[] = [];
  for (let made = 0; made < streams; made += 50) threads.push(...(await Promise.all(Array.from({ length: 50 }, () => bed.thread()))));
  const before = bed.memory();
  const lines = await Promise.all(Array.from({ length: streams / 25 }, () => bed.line()));
  const watched = [];
  for (const [index, line] of lines.entries())
    watched.push(...(await Promise.all(threads.slice(index * 25, index * 25 + 25).map((thread) => watch(bed, side, line, thread)))));
  const meter = bed.meter();
  let most = 0;
  const sampling = setInterval(() => (most = Math.max(most, bed.memory())), 500);
  const answers = await spread(
    watched.map(
      ({ ask }) =>
        () =>
          ask(question),
    ),
  );
  clearInterval(sampling);
  const busy = meter();
  for (const line of lines) line.close();
  bed.close();
  return {
    first: quantile(
      answers.map(({ firstMs }) => firstMs - paceMs),
      0.99,
    ),
    delay: quantile(
      answers.flatMap(({ frames }) => lateness(frames)),
      0.99,
    ),
    memory: (most - before) / streams,
    busy,
  };
}

import { makeBed, type Side } from "./bed.ts";
import { watch } from "./converse.ts";
import { quantile, type Figure } from "./measure.ts";
import { askProvider, lateness } from "./provider-alone.ts";

const streams = 1_000;
const question = "tokens=20 rate=2";
/** They begin within five seconds, as people do. */
const apartMs = 5;

interface Slow {
  readonly first: number;
  readonly delay: number;
}

export async function slowStreams(): Promise<Figure[]> {
  const provider = await ofProvider();
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
      better: "less",
      note: `cores: ${ours.busy}`,
    },
    {
      work: `${work}: first token over the provider's own, p99`,
      unit: "ms",
      ours: ours.first - provider.first,
      bound: bound.first - provider.first,
      target: 70,
      better: "less",
      note: `the provider's own ${provider.first.toFixed(0)} ms`,
    },
    {
      work: `${work}: added delay p99`,
      unit: "ms",
      ours: ours.delay - provider.delay,
      bound: bound.delay - provider.delay,
      target: 30,
      better: "less",
      note: `the provider's own ${provider.delay} ms`,
    },
  ];
}

async function spread<T>(asks: readonly (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(
    asks.map((ask, index) => new Promise<T>((resolve, reject) => setTimeout(() => ask().then(resolve, reject), index * apartMs))),
  );
}

async function ofProvider(): Promise<Slow> {
  const bed = await makeBed("bound");
  const answers = await spread(Array.from({ length: streams }, () => () => askProvider(bed.provider, question)));
  bed.close();
  return {
    // A stream's first token comes half a second after its request: that is the rate.
    first: quantile(
      answers.map((pieces) => pieces[0]?.ms ?? Number.NaN),
      0.99,
    ),
    delay: quantile(answers.flatMap(lateness), 0.99),
  };
}

async function ofServer(side: Side): Promise<Slow & { readonly memory: number; readonly busy: string }> {
  const bed = await makeBed(side);
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
      answers.map(({ firstMs }) => firstMs),
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

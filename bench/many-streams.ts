import { makeBed, type Bed, type Side } from "./bed.ts";
import { watch, type Watched } from "./converse.ts";
import { compile } from "./load.ts";
import { quantile, type Figure } from "./measure.ts";
import { askProvider, lateness } from "./provider-alone.ts";

const streams = 100;
const tokens = 400;
const question = `tokens=${tokens} rate=50`;

interface Delays {
  readonly p50: number;
  readonly p99: number;
}

export async function manyStreams(): Promise<Figure[]> {
  const provider = await ofProvider();
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  const work = `${streams} streams × 50 tokens a second`;
  const delay = (of: keyof Delays, target: number): Figure => ({
    work: `${work}: added delay ${of}`,
    unit: "ms",
    ours: ours[of] - provider[of],
    bound: bound[of] - provider[of],
    target,
    better: "less",
    note: `the provider's own ${provider[of]} ms`,
  });
  const cpu: Figure = {
    work: `${work}: server CPU for 1,000 tokens`,
    unit: "s",
    ours: ours.cpu,
    bound: bound.cpu,
    target: 0.09,
    boundThen: 0.085,
    better: "less",
    note: `cores: ${ours.busy}`,
  };
  return [delay("p50", 7), delay("p99", 20), cpu];
}

function delaysOf(values: readonly number[]): Delays {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

async function ofProvider(): Promise<Delays> {
  const bed = await makeBed("bound");
  const answers = await Promise.all(Array.from({ length: streams }, () => askProvider(bed.provider, question)));
  bed.close();
  return delaysOf(answers.flatMap(lateness));
}

async function ofServer(side: Side): Promise<Delays & { readonly cpu: number; readonly busy: string }> {
  const bed = await makeBed(side);
  await compile(bed, side);
  const { watched, close } = await watchThreads(bed, side, streams);
  await Promise.all(watched.map(({ ask }) => ask("tokens=20 rate=50")));
  const meter = bed.meter();
  const cpu = bed.cpu();
  const answers = await Promise.all(watched.map(({ ask }) => ask(question)));
  const used = bed.cpu() - cpu;
  const busy = meter();
  close();
  return { ...delaysOf(answers.flatMap(({ frames }) => lateness(frames))), cpu: (used / (streams * tokens)) * 1_000, busy };
}

/** Threads, each watched; twenty-five a socket. */
async function watchThreads(bed: Bed, side: Side, count: number): Promise<{ watched: Watched[]; close: () => void }> {
  const lines = await Promise.all(Array.from({ length: count / 25 }, () => bed.line()));
  const watched = await Promise.all(
    lines.flatMap((line) => Array.from({ length: 25 }, async () => watch(bed, side, line, await bed.thread()))),
  );
  return {
    watched,
    close: () => {
      for (const line of lines) line.close();
      bed.close();
    },
  };
}

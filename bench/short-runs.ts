import { makeBed, type Side } from "./bed.ts";
import { converseOnce, watch } from "./converse.ts";
import { loadFigures, loadOf, type Load, type LoadTargets } from "./load.ts";
import type { Figure } from "./measure.ts";

const concurrency = 32;
const question = "tokens=10 rate=0";
const targets: LoadTargets = { perSecond: { target: 800, boundThen: 2_063 }, cpuMs: { target: 1.3, boundThen: 0.47 } };
const watchRun = `subscription ($run: ID!) { runEvents(run: $run, after: 0) { type ... on MessageDeltaEvent { text } } }`;

/** In a thread of its own each: to open it, watch it, send a message and see the run end, all over a socket. */
export async function newThreads(): Promise<Figure[]> {
  const ours = await inNewThreads("ours");
  const bound = await inNewThreads("bound");
  return loadFigures(`runs of 10 tokens, ${concurrency} at a time, each in a new thread`, targets, { ours, bound });
}

/** Outside of any thread, started over HTTP and watched over a socket. */
export async function shortRuns(): Promise<Figure[]> {
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  return loadFigures(`runs of 10 tokens, ${concurrency} at a time, kept and watched`, targets, { ours, bound });
}

async function inNewThreads(side: Side): Promise<Load> {
  const bed = await makeBed(side);
  // A line carries at most fifty operations, and each run is two at once.
  const lines = await Promise.all([bed.line(), bed.line()]);
  const load = await loadOf(
    bed,
    Array.from({ length: concurrency }, (_, at) => () => converseOnce(bed, side, lines[at % lines.length] ?? lines[0], question)),
  );
  for (const line of lines) line.close();
  bed.close();
  return load;
}

/** Ours starts runs and watches each anew; the other server has threads only, and each is watched once. */
async function ofServer(side: Side): Promise<Load> {
  const bed = await makeBed(side);
  const line = await bed.line();
  const workers = await Promise.all(
    Array.from({ length: concurrency }, async () => {
      if (side === "ours") return async () => line.run(watchRun, { run: await bed.start(question) }, () => undefined);
      const { ask } = await watch(bed, side, line, await bed.thread());
      return async () => void (await ask(question));
    }),
  );
  const load = await loadOf(bed, workers);
  line.close();
  bed.close();
  return load;
}

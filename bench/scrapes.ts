import { makeBed } from "./bed.ts";
import { watch } from "./converse.ts";
import { quantile, type Figure } from "./measure.ts";

const scrapes = 200;
const everySeconds = 15;
const streams = 100;
const perLine = 25;

/** What Prometheus costs the server while a hundred streams go on. CPU of the scrapes alone: that of the same time without them is taken off. */
export async function metricScrapes(): Promise<Figure[]> {
  const bed = await makeBed();
  const address = new URL("/metrics", bed.url);
  const times: number[] = [];
  const scrape = async (): Promise<void> => {
    const start = performance.now();
    await (await fetch(address)).text();
    times.push(performance.now() - start);
  };
  const threads = await Promise.all(Array.from({ length: streams }, () => bed.thread()));
  const lines = await Promise.all(Array.from({ length: streams / perLine }, () => bed.line()));
  const watched = (
    await Promise.all(
      lines.map((line, index) =>
        Promise.all(threads.slice(index * perLine, (index + 1) * perLine).map((thread) => watch(bed, "ours", line, thread))),
      ),
    )
  ).flat();
  // The streams go on at the same pace throughout: first without scrapes, then with many more than anybody makes.
  const load = async (work: () => Promise<void>): Promise<{ readonly cpu: number; readonly seconds: number }> => {
    const answers = watched.map(({ ask }) => ask("tokens=400 rate=20"));
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const [cpu, start] = [bed.cpu(), performance.now()];
    await work();
    const spent = { cpu: bed.cpu() - cpu, seconds: (performance.now() - start) / 1_000 };
    await Promise.all(answers);
    return spent;
  };
  await scrape();
  const [firstMs = 0] = times.splice(0);
  const without = await load(() => new Promise((resolve) => setTimeout(resolve, 10_000)));
  const within = await load(async () => {
    for (let done = 0; done < scrapes; done++) {
      await scrape();
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  });
  for (const line of lines) line.close();
  bed.close();
  const each = (within.cpu - (without.cpu / without.seconds) * within.seconds) / scrapes;
  return [
    {
      work: `a scrape of /metrics every ${everySeconds} s beside ${streams} streams: server CPU`,
      unit: "%",
      ours: (Math.max(0, each) / everySeconds) * 100,
      target: 1,
      better: "less",
      note: `${(each * 1_000).toFixed(1)} ms each; answered in ${quantile(times, 0.5).toFixed(1)} ms (p50), the first in ${firstMs.toFixed(0)} ms`,
    },
  ];
}

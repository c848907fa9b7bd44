import { makeBed, type Bed, type Side, withBenchPlugin } from "./bed.ts";
import type { Line } from "./client.ts";
import { sleep, type Figure } from "./measure.ts";

const sockets = 1_000;
const inFlight = 4;
const seconds = 6;
const ticks = `subscription ($of: ID!, $after: Int) { threadEvents(thread: $of, after: $after) { seq type ... on BenchTickEvent { benchText } } }`;

/** One topic to many sockets: four events are under way at a time, each is committed alone, and the next comes when all have it. */
export async function fanOut(): Promise<Figure[]> {
  const ours = await ofServer("ours");
  const bound = await ofServer("bound");
  return [
    {
      work: `one thread to ${sockets} sockets: deliveries a second`,
      unit: "",
      ours: ours.perSecond,
      bound: bound.perSecond,
      target: 150_000,
      boundThen: 173_000,
      better: "more",
      note: `cores: ${ours.busy}; bound: ${bound.busy}, one ready frame written to each bare socket`,
    },
    { work: `one thread to ${sockets} sockets: server CPU a delivery`, unit: "µs", ours: ours.cpu, bound: bound.cpu, better: "less" },
  ];
}

async function ofServer(side: Side): Promise<{ perSecond: number; cpu: number; busy: string }> {
  const bed = await makeBed(side, withBenchPlugin);
  const thread = await bed.thread();
  const lines = await connect(bed, side, thread);
  let deliveries = 0;
  let wake = (): void => undefined;
  for (const line of lines)
    line.count((frames) => {
      deliveries += frames;
      wake();
    });
  const append = async (): Promise<void> => {
    await bed.graphql(`mutation ($thread: ID!) { benchAppend(thread: $thread, events: 1) }`, { thread });
  };
  const load = async (until: number): Promise<number> => {
    const start = deliveries;
    let sent = 0;
    const answers: Promise<void>[] = [];
    while (performance.now() < until) {
      while (sent < (deliveries - start) / sockets + inFlight) {
        sent++;
        answers.push(append());
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
    await Promise.all(answers);
    while (deliveries - start < sent * sockets) await new Promise<void>((resolve) => (wake = resolve));
    return sent * sockets;
  };
  await load(performance.now() + 2_000);
  const meter = bed.meter();
  const cpu = bed.cpu();
  const began = performance.now();
  const count = await load(began + seconds * 1_000);
  const result = {
    perSecond: count / ((performance.now() - began) / 1_000),
    cpu: ((bed.cpu() - cpu) / count) * 1_000_000,
    busy: meter(),
  };
  for (const line of lines) line.close();
  bed.close();
  return result;
}

async function connect(bed: Bed, side: Side, thread: string): Promise<Line[]> {
  const lines: Line[] = [];
  for (let at = 0; at < sockets; at += 50)
    lines.push(...(await Promise.all(Array.from({ length: 50 }, () => bed.line(side === "bound" ? "/bare" : "")))));
  if (side === "ours") for (const line of lines) void line.run(ticks, { of: thread, after: 0 }, () => undefined);
  await sleep(1_500);
  return lines;
}

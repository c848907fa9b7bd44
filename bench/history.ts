import { makeBed, withBenchPlugin } from "./bed.ts";
import { quantile, type Figure } from "./measure.ts";

const messages = 10_000;
const query = `query ($thread: ID!) { thread(id: $thread) { messages(last: 50) { nodes { id role text } } } }`;

/** The newest page of a long thread, over a socket. */
export async function history(): Promise<Figure[]> {
  const bed = await makeBed("ours", withBenchPlugin);
  const thread = await bed.thread();
  for (let made = 0; made < messages; made += 1_000)
    await bed.graphql(`mutation ($thread: ID!) { benchFill(thread: $thread, messages: 1000) }`, { thread });
  const line = await bed.line();
  const times: number[] = [];
  for (let round = 0; round < 500; round++) {
    const began = performance.now();
    let nodes = 0;
    await line.run(query, { thread }, (frame) => (nodes = frame.split('"role"').length - 1));
    if (nodes !== 50) throw new Error(`${nodes} messages came`);
    times.push(performance.now() - began);
  }
  line.close();
  bed.close();
  return [
    {
      work: `last 50 of a thread of ${messages} messages, p50`,
      unit: "ms",
      ours: quantile(times.slice(200), 0.5),
      target: 1.5,
      better: "less",
      note: `p99 ${quantile(times.slice(200), 0.99).toFixed(2)} ms`,
    },
  ];
}

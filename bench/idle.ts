import { makeBed, type Side } from "./bed.ts";
import type { Line } from "./client.ts";
import { sleep, type Figure } from "./measure.ts";

/** Opened before anything is measured: by then the young generation of the heap, which grows once, is as large as it gets. */
const warm = 2_000;
const sockets = 3_000;
const query = `subscription ($of: ID!) { threadEvents(thread: $of, after: 0) { seq type ... on MessageDeltaEvent { text } } }`;

/** What a subscription costs that nothing happens on: one a socket. */
export async function idle(): Promise<Figure[]> {
  return [
    {
      work: "memory of an idle subscription, one a socket",
      unit: "KiB",
      ours: await ofServer("ours"),
      bound: await ofServer("bound"),
      target: 20,
      boundThen: 8,
      better: "less",
      note: `each of ${sockets} after the first ${warm}; bound: a bare socket without a subscription`,
    },
  ];
}

async function ofServer(side: Side): Promise<number> {
  const bed = await makeBed(side);
  const thread = await bed.thread();
  const lines = await open(warm);
  const before = bed.memory();
  lines.push(...(await open(sockets)));
  const perSocket = (bed.memory() - before) / sockets;
  for (const line of lines) line.close();
  bed.close();
  return perSocket;

  async function open(count: number): Promise<Line[]> {
    const made: Line[] = [];
    for (let at = 0; at < count; at += 100)
      made.push(...(await Promise.all(Array.from({ length: 100 }, () => bed.line(side === "bound" ? "/bare" : "")))));
    if (side === "ours") for (const line of made) void line.run(query, { of: thread }, () => undefined);
    await sleep(6_000);
    return made;
  }
}

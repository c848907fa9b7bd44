import { once } from "node:events";
import { WebSocket } from "ws";
import { makeBed } from "./bed.ts";
import { quantile, type Figure } from "./measure.ts";

/** What the machine needs for the least: a message over a bare socket, one row that is on disk, and the answer. */
export async function yardstick(): Promise<Figure[]> {
  const bed = await makeBed("bound");
  const socket = new WebSocket(`${bed.url.replace("http", "ws")}/yardstick`, "graphql-transport-ws");
  await once(socket, "open");
  const times: number[] = [];
  for (let round = 0; round < 600; round++) {
    const began = performance.now();
    socket.send("a few tokens");
    await once(socket, "message");
    times.push(performance.now() - began);
  }
  socket.terminate();
  bed.close();
  const [p50, p99] = [quantile(times.slice(100), 0.5), quantile(times.slice(100), 0.99)];
  return [
    {
      work: "yardstick: bare socket, one row committed, and back, p50",
      unit: "ms",
      bound: p50,
      better: "less",
      note: `p99 ${p99.toFixed(1)} ms`,
    },
  ];
}

import { once } from "node:events";
import { WebSocket } from "ws";
import { quantile, runCase } from "../case.ts";
import { followRun } from "../follower.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeAgent, startRun } from "../work.ts";

const perSecond = 1_000;
const othersCount = 3;
/** What one reader that has stopped may cost, in MiB of what the server holds: a third of what it leaves unread, and more. */
const mostGrowth = 20;
const bytes = 2_000;

/** A socket that stops to read after some events, and can go on. */
async function openPaused(url: string, run: string) {
  const socket = new WebSocket(url.replace("http", "ws"), "graphql-transport-ws");
  const seqs: number[] = [];
  const ended = Promise.withResolvers<void>();
  await once(socket, "open");
  socket.on("message", (data) => {
    const frame = JSON.parse(String(data)) as { type: string; payload?: { data?: { runEvents: { seq: number } } } };
    if (frame.type === "connection_ack") {
      const query = "subscription ($run: ID!) { runEvents(run: $run, after: 0) { seq ... on CustomEvent { data } } }";
      socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables: { run } } }));
    } else if (frame.type === "next" && frame.payload?.data) {
      seqs.push(frame.payload.data.runEvents.seq);
      if (seqs.length === 50) socket.pause();
    } else if (frame.type === "complete") ended.resolve();
  });
  socket.on("close", () => ended.reject(new Error("the paused socket was closed")));
  socket.send(JSON.stringify({ type: "connection_init" }));
  return { socket, seqs, ended: ended.promise };
}

/** What the server holds in memory, garbage apart, in MiB. */
async function held(server: FaultyServer): Promise<number> {
  return (await server.ask<{ faultsHeap: number }>("mutation { faultsHeap }")).faultsHeap;
}

/** Readers of one flooded run: how late they are, and how large the server becomes. */
async function flood(server: FaultyServer, agent: string, key: string, slow: "with a slow one" | "without") {
  const run = await startRun(server, agent, "Flood.", key);
  const paused = slow === "without" ? undefined : await openPaused(server.url, run);
  const delays: number[] = [];
  const clients = Array.from({ length: othersCount }, () => server.client());
  const followed = await Promise.all(
    clients.map((client) =>
      followRun(client, run, (event) => {
        if (event.__typename === "CustomEvent") delays.push(Date.now() - (event.data as { sentAt: number }).sentAt);
      }),
    ),
  );
  for (const client of clients) client.close();
  return { followed, delays, held: await held(server), paused };
}

/** One socket stops reading a run of 1,000 events a second: the server does not grow, the others notice nothing, and it catches up. */
await runCase("slow-reader", async ({ size }) => {
  const seconds = size === "whole" ? 30 : 4;
  const server = await FaultyServer.start();
  const agent = await makeAgent(server, { name: "Flood", framework: "faults", options: { perSecond, seconds, bytes } });
  const warmer = await makeAgent(server, { name: "Warmer", framework: "faults", options: { perSecond: 2 * perSecond, seconds: 1 } });
  await flood(server, warmer, "warm", "without");
  const alone = await flood(server, agent, "alone", "without");
  await pause(500);
  const beside = await flood(server, agent, "beside", "with a slow one");
  const { paused } = beside;
  const readBefore = paused?.seqs.length ?? 0;
  paused?.socket.resume();
  await paused?.ended;
  paused?.socket.terminate();
  const alive = server.running;
  await server.remove();
  const total = beside.followed[0]?.events ?? 0;
  const complete = paused?.seqs.length === total && paused.seqs.every((seq, index) => seq === index + 1);
  const faultless = beside.followed.every(
    ({ gaps, repeats, events, status }) => gaps + repeats === 0 && events === total && status === "SUCCEEDED",
  );
  const growth = Math.round(beside.held - alone.held);
  const [aloneP50, besideP50] = [quantile(alone.delays, 0.5), quantile(beside.delays, 0.5)];
  return {
    events: total,
    readBefore,
    complete,
    growthMiB: growth,
    aloneP50Ms: aloneP50,
    aloneP99Ms: quantile(alone.delays, 0.99),
    besideP50Ms: besideP50,
    besideP99Ms: quantile(beside.delays, 0.99),
    ok: alive && complete && faultless && readBefore < total && growth < mostGrowth && besideP50 <= 2 * aloneP50 + 50,
  };
});

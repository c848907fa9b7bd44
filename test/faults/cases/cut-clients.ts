import { runCase } from "../case.ts";
import { followRun } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { openProxy } from "../proxy.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeWorker, startRun } from "../work.ts";

const clientsPerRun = 10;

/** Clients whose connections are cut at random, on either side, still read every event once and every text whole. */
await runCase("cut-clients", async ({ size, random }) => {
  const count = size === "whole" ? 200 : 20;
  const words = size === "whole" ? 1_500 : 300;
  const server = await FaultyServer.start({ FAULTS_TOKENS_PER_SECOND: "100" });
  const agent = await makeWorker(server);
  const proxy = await openProxy(server.url, random);
  const clients = Array.from({ length: count }, () => server.client(proxy.url));
  const runs = await Promise.all(
    Array.from({ length: count / clientsPerRun }, (_, n) =>
      startRun(server, agent, `Write ${words} words about town number ${n}.`, `cut-${n}`),
    ),
  );
  let state: "cutting" | "done" = "cutting";
  let cuts = 0;
  const knife = (async () => {
    while (state === "cutting") {
      if (proxy.cut()) cuts++;
      await pause(1_500 / count);
    }
  })();
  const followed = await Promise.all(
    clients.map(async (client, index) => {
      const run = runs[index % runs.length] ?? "";
      return { run, ...(await followRun(client, run)) };
    }),
  );
  state = "done";
  await knife;
  let different = 0;
  for (const run of runs) {
    const { run: shown } = await server.ask<{ run: { text: string } }>("query ($run: ID!) { run(id: $run) { text } }", { run });
    different += followed.filter((each) => each.run === run && each.text !== shown.text).length;
  }
  for (const client of clients) client.close();
  proxy.close();
  await server.kill();
  const violations = violationsOf(server.database, "end");
  await server.remove();
  const sum = (pick: "events" | "gaps" | "repeats" | "garbled"): number => followed.reduce((total, each) => total + each[pick], 0);
  const [gaps, repeats, garbled] = [sum("gaps"), sum("repeats"), sum("garbled")];
  return {
    clients: count,
    runs: runs.length,
    cuts,
    events: sum("events"),
    gaps,
    repeats,
    garbled,
    different,
    violations: violations.length,
    ok: cuts >= count && gaps + repeats + garbled + different + violations.length === 0,
  };
});

import { quantile, runCase } from "../case.ts";
import { followRun, type Followed } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { createApprover, makeWorker, startRun, texts } from "../work.ts";

const sides = 5;

/** A server is killed at random moments while clients start runs, approve calls and follow; they resume by themselves. */
await runCase("random-kills", async ({ size, random }) => {
  const kills = size === "whole" ? 200 : 8;
  const server = await FaultyServer.start({ FAULTS_TOKENS_PER_SECOND: "300" });
  const agent = await makeWorker(server);
  const accepted = new Map<string, { readonly run: string; readonly text: string }>();
  const followed: Followed[] = [];
  const failures: string[] = [];
  const boots: number[] = [];
  let state: "killing" | "done" = "killing";
  let approvals = 0;
  let number = 0;

  /** One client: a run after the other, each followed to its end. */
  async function work(): Promise<void> {
    const client = server.client();
    while (state === "killing") {
      const n = ++number;
      const text = [texts.tools, texts.approval, texts.talk][n % 3]?.(n) ?? "";
      const run = await startRun(server, agent, text, `key-${n}`);
      accepted.set(`key-${n}`, { run, text });
      const approver = createApprover(server);
      followed.push(
        await followRun(client, run, (event) => {
          if (event.__typename === "RunStatusEvent" && event.failure) failures.push(event.failure.code);
          approver.onEvent(event);
        }),
      );
      approvals += await approver.done();
    }
    client.close();
  }

  const clients = Array.from({ length: sides }, work);
  for (let kill = 0; kill < kills; kill++) {
    await pause(30 + random() * random() * 1_500);
    await server.kill();
    boots.push(await server.start());
  }
  state = "done";
  await Promise.all(clients);

  let lost = 0;
  for (const [key, { run, text }] of accepted) if ((await startRun(server, agent, text, key)) !== run) lost++;
  await server.kill();
  const violations = violationsOf(server.database, "end");
  await server.remove();
  const sum = (pick: (each: Followed) => number): number => followed.reduce((total, each) => total + pick(each), 0);
  const ends = Object.fromEntries([...Map.groupBy(followed, ({ status }) => status)].map(([status, of]) => [status, of.length]));
  const [gaps, repeats, garbled] = [sum((each) => each.gaps), sum((each) => each.repeats), sum((each) => each.garbled)];
  return {
    kills,
    runs: accepted.size,
    ends,
    failures: [...new Set(failures)],
    approvals,
    events: sum((each) => each.events),
    lost,
    gaps,
    repeats,
    garbled,
    bootP50Ms: quantile(boots, 0.5),
    bootP99Ms: quantile(boots, 0.99),
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    // A run that was lost more than five times is given up: that is what it should be.
    ok: failures.every((code) => code === "RUN_POISONED") && lost + gaps + repeats + garbled + violations.length === 0,
  };
});

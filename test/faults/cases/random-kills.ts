import Database from "better-sqlite3";
import type { RunEvent } from "../../../src/client/index.ts";
import { quantile, runCase } from "../case.ts";
import { effectsIn } from "../effects.ts";
import { makeFlows, outputOf, Person, startFlow } from "../flows.ts";
import { followRun, type Followed } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { recoveriesOf } from "../recoveries.ts";
import { FaultyServer, pause } from "../server.ts";
import { cancelMutation, makeWorker, pauseMutation, resumeMutation, signalMutation, startRun, texts } from "../work.ts";

/** How much later than the server's boot the next event of a run may come, in milliseconds. */
const recoveryMs = 1_000;

/** No run goes on for longer than this before a kill comes all the same, in milliseconds. */
const longestSilenceMs = 5_000;

/** One run that a client wants: how it is started, and what is done with it meanwhile. */
interface Job {
  readonly start: () => Promise<string>;
  readonly onEvent?: (run: string, event: RunEvent) => void;
  /** The only output that it may have. */
  readonly output?: object;
}

/** A server is killed at random moments while clients start runs and workflows, decide, signal, pause, cancel and follow; they resume by themselves. */
await runCase("random-kills", async ({ size, random }) => {
  const { kills, wanted, sides } = size === "whole" ? { kills: 200, wanted: 1_000, sides: 24 } : { kills: 10, wanted: 50, sides: 10 };
  const server = await FaultyServer.start({ FAULTS_TOKENS_PER_SECOND: "300" });
  const agent = await makeWorker(server);
  await makeFlows(server);
  const person = new Person(server);
  const accepted = new Map<string, { readonly run: string; readonly start: () => Promise<string> }>();
  const followed: Followed[] = [];
  const failures: string[] = [];
  const wrong: string[] = [];
  const boots: number[] = [];
  const killedAt: number[] = [];
  let number = 0;
  /** When anybody heard anything last. */
  let heardAt = performance.now();

  /** Most kills come when runs go on again, however slow the machine is; some come before. */
  async function untilHeard(): Promise<void> {
    if (random() < 0.2) return;
    const since = performance.now();
    while (heardAt < since && performance.now() - since < longestSilenceMs) await pause(5);
  }

  /** A run of an agent, or one of the workflow that is signalled, and perhaps paused and resumed, or cancelled. */
  function jobOf(n: number): Job {
    const key = `key-${n}`;
    const talk = [texts.tools, texts.approval, texts.talk][n % 6];
    if (talk) return { start: () => startRun(server, agent, talk(n), key) };
    const input = { id: key, list: [n, n + 1, n + 2] };
    const choice = random();
    const begun = new Set<string>();
    const after: Readonly<Record<string, (run: string) => Promise<unknown>>> = {
      ask: (run) => server.insist(signalMutation, { run, key }),
      know: async (run) => {
        if (choice < 0.15) await server.insist(cancelMutation, { run });
        else if (choice < 0.5) {
          await server.insist(pauseMutation, { run });
          await pause(random() * 200);
          await server.insist(resumeMutation, { run });
        }
      },
    };
    return {
      start: () => startFlow(server, "Flow", input, key),
      output: outputOf(input),
      onEvent: (run, event) => {
        if (event.__typename !== "StepStartedEvent" || event.runId !== run || begun.has(event.key)) return;
        begun.add(event.key);
        after[event.key]?.(run).catch((error: unknown) => wrong.push(String(error)));
      },
    };
  }

  /** One client: a run after the other, each followed to its end; as many as the kills so far allow. */
  async function work(): Promise<void> {
    const client = server.client();
    while (number < wanted) {
      if (number > sides + (wanted * killedAt.length) / kills) {
        await pause(20);
        continue;
      }
      const n = ++number;
      const { start, onEvent, output } = jobOf(n);
      const run = await start();
      accepted.set(`key-${n}`, { run, start });
      const end = await followRun(client, run, (event) => {
        heardAt = performance.now();
        if (event.__typename === "RunStatusEvent" && event.failure)
          failures.push(isGivenUp(event.failure) ? "RUN_POISONED" : event.failure.code);
        person.hear(event);
        onEvent?.(run, event);
      });
      followed.push(end);
      if (output && end.status === "SUCCEEDED") await checkOutput(run, output);
    }
    client.close();
  }

  async function checkOutput(run: string, output: object): Promise<void> {
    const { run: found } = await server.insist<{ run: { output: object } }>("query ($run: ID!) { run(id: $run) { output } }", { run });
    const [is, should] = [found.output, output].map((each) => JSON.stringify(Object.entries(each).toSorted()));
    if (is !== should) wrong.push(`the output of ${run} is ${is}, not ${should}`);
  }

  const clients = Array.from({ length: sides }, work);
  for (let kill = 0; kill < kills; kill++) {
    await untilHeard();
    await pause(30 + random() * random() * 1_500);
    await server.kill();
    killedAt.push(Date.now());
    boots.push(await server.start());
  }
  await Promise.all(clients);
  await person.done();

  let lost = 0;
  for (const { run, start } of accepted.values()) if ((await start()) !== run) lost++;
  await server.kill();
  const violations = [...violationsOf(server.database, "end"), ...wrong];
  const recoveries = recoveriesOf(server.database, killedAt);
  const acts = Map.groupBy(effectsIn(server.folder), ({ tool, id }) => `${tool} ${id}`);
  const repeatedEffects = [...acts.values()].filter(({ length }) => length > 1).length;
  const takeovers = callsLost(server.database);
  await server.remove();
  const sum = (pick: (each: Followed) => number): number => followed.reduce((total, each) => total + pick(each), 0);
  const ends = Object.fromEntries([...Map.groupBy(followed, ({ status }) => status)].map(([status, of]) => [status, of.length]));
  const [gaps, repeats, garbled] = [sum((each) => each.gaps), sum((each) => each.repeats), sum((each) => each.garbled)];
  const [bootP99, recoveryP99] = [quantile(boots, 0.99), quantile(recoveries, 0.99)];
  return {
    kills,
    runs: accepted.size,
    ends,
    failures: Object.fromEntries([...Map.groupBy(failures, (code) => code)].map(([code, of]) => [code, of.length])),
    decisions: person.given.decisions,
    effects: acts.size,
    uncertainCalls: takeovers,
    decidedByAPerson: person.given.uncertain,
    repeatedEffects,
    events: sum((each) => each.events),
    lost,
    gaps,
    repeats,
    garbled,
    bootP50Ms: quantile(boots, 0.5),
    bootP99Ms: bootP99,
    recoveries: recoveries.length,
    recoveryP50Ms: quantile(recoveries, 0.5),
    recoveryP99Ms: recoveryP99,
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    // A run whose process was lost more than five times in a row is given up: that is what it should be.
    ok:
      failures.every((code) => code === "RUN_POISONED") &&
      accepted.size === wanted &&
      lost + gaps + repeats + garbled + repeatedEffects + violations.length === 0 &&
      // A few recoveries on a machine that does much else say nothing of time.
      (size === "small" || recoveryP99 <= bootP99 + recoveryMs),
  };
});

/** A run that was given up, or one above it that failed for it. */
function isGivenUp({ code, message }: { readonly code: string; readonly message: string }): boolean {
  return code === "RUN_POISONED" || (code === "NODE_FAILED" && message.includes("was given up"));
}

/** How many calls asked a person, since nobody knew whether they had had their effect. */
function callsLost(file: string): number {
  const db = new Database(file, { readonly: true });
  const { n } = db.prepare("select count(*) as n from runs_interrupt where kind = 'UNCERTAIN'").get() as { n: number };
  db.close();
  return n;
}

import type { FailpointName } from "../../../src/core/runs/failpoint.ts";
import { runCase } from "../case.ts";
import { followRun } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { cancelMutation, createApprover, makeWorker, pauseMutation, resumeMutation, signalMutation, startRun, texts } from "../work.ts";

const around = (...names: readonly string[]): FailpointName[] =>
  names.flatMap((name) => [`${name}.before`, `${name}.inside`, `${name}.committed`] as const);
/** Each place around the commits of a run, and around what it does outside the store. */
const all: readonly FailpointName[] = [
  ...around("startRun", "claim", "renew", "append", "checkpoint", "release", "decide", "signalRun", "pause", "resume", "cancel", "compact"),
  ...(["tool.before", "tool.started", "tool.executed", "tool.finished"] as const),
  ...(["wait.before", "wait.committed", "finish.before", "finish.committed"] as const),
];
/** What the small version visits, and at which hit: places whose loss would show most. The second checkpoint follows on a model's answer. */
const few: Partial<Record<FailpointName, number>> = { "append.inside": 1, "checkpoint.before": 2, "tool.executed": 1 };

const arm = `mutation ($at: String!, $hit: Int!) { faultsArm(at: $at, hit: $hit) }`;

/** What reaches a point; whoever is cut off in the middle goes on by itself. */
type Scenario = (server: FaultyServer, agent: string, round: string) => Promise<void>;

/** A run with tools, one with an approval. */
const work: Scenario = async (server, agent, round) => {
  const client = server.client();
  const one = async (text: string, key: string): Promise<void> => {
    const run = await startRun(server, agent, text, key);
    const approver = createApprover(server);
    const { gaps, repeats, garbled, status } = await followRun(client, run, approver.onEvent);
    await approver.done();
    if (gaps + repeats + garbled > 0 || status !== "SUCCEEDED")
      throw new Error(`${key}: ${JSON.stringify({ gaps, repeats, garbled, status })}`);
  };
  try {
    await one("Use time.now and math.evaluate with 6 * 7.", `${round}-tools`);
    await one(texts.approval(1), `${round}-approval`);
  } finally {
    client.close();
  }
};

/** A long run that is cancelled in the middle. */
const cancel: Scenario = async (server, agent, round) => {
  const client = server.client();
  const run = await startRun(server, agent, texts.talk(1), `${round}-cancel`);
  let cancelled: Promise<unknown> | undefined;
  const { gaps, repeats, status } = await followRun(client, run, (event) => {
    if (event.__typename === "MessageDeltaEvent") cancelled ??= server.insist(cancelMutation, { run });
  });
  await cancelled;
  client.close();
  if (gaps + repeats > 0 || status !== "CANCELLED") throw new Error(JSON.stringify({ gaps, repeats, status }));
};

/** A long run, through several renewals of its lease. */
const renew: Scenario = async (server, agent, round) => {
  const client = server.client();
  const run = await startRun(server, agent, texts.talk(2), `${round}-renew`);
  const { gaps, repeats, status } = await followRun(client, run);
  client.close();
  if (gaps + repeats > 0 || status !== "SUCCEEDED") throw new Error(JSON.stringify({ gaps, repeats, status }));
};

/** A server that is stopped in the middle of a run, and started again. */
const release: Scenario = async (server, agent, round) => {
  const client = server.client();
  const run = await startRun(server, agent, texts.talk(3), `${round}-release`);
  let stopped: Promise<void> | undefined;
  const followed = followRun(client, run, (event) => {
    if (event.__typename === "MessageDeltaEvent") stopped ??= server.stop();
  });
  const { gaps, repeats, status } = await followed;
  client.close();
  if (gaps + repeats > 0 || status !== "SUCCEEDED") throw new Error(JSON.stringify({ gaps, repeats, status }));
};

/** Finished runs whose deltas are dropped. */
const compact: Scenario = async (server, agent, round) => {
  const client = server.client();
  await followRun(client, await startRun(server, agent, texts.talk(4), `${round}-compact`));
  client.close();
  await pause(5);
  await server.insist("mutation { faultsCompact }");
};

/** A run that is sent a signal while it waits, and then goes on. */
const signal: Scenario = async (server, agent, round) => {
  const client = server.client();
  const run = await startRun(server, agent, texts.approval(2), `${round}-signal`);
  const approver = createApprover(server);
  let sent: Promise<unknown> | undefined;
  const { gaps, repeats, status } = await followRun(client, run, (event) => {
    if (event.__typename !== "InterruptEvent" || event.interruptStatus !== "PENDING") return;
    sent ??= server.insist(signalMutation, { run, key: `${round}-signal` }).then(() => approver.onEvent(event));
  });
  await sent;
  await approver.done();
  client.close();
  const events = await server.insist<{ run: { events: { type: string }[] } }>(
    "query ($run: ID!) { run(id: $run) { events(first: 1000) { type } } }",
    { run },
  );
  const signals = events.run.events.filter(({ type }) => type === "signal.received").length;
  if (gaps + repeats > 0 || status !== "SUCCEEDED" || signals !== 1) throw new Error(JSON.stringify({ gaps, repeats, status, signals }));
};

/** A run that waits for a person, is paused, resumed and then allowed: it never goes on while it is paused. */
const pausing: Scenario = async (server, agent, round) => {
  const client = server.client();
  const run = await startRun(server, agent, texts.approval(3), `${round}-pause`);
  const approver = createApprover(server);
  let done: Promise<unknown> | undefined;
  const { gaps, repeats, status } = await followRun(client, run, (event) => {
    if (event.__typename !== "InterruptEvent" || event.interruptStatus !== "PENDING") return;
    done ??= (async () => {
      await server.insist(pauseMutation, { run });
      await server.insist(resumeMutation, { run });
      approver.onEvent(event);
    })();
  });
  await done;
  await approver.done();
  client.close();
  if (gaps + repeats > 0 || status !== "SUCCEEDED") throw new Error(JSON.stringify({ gaps, repeats, status }));
};

const scenarios: Readonly<Record<string, Scenario>> = {
  cancel,
  renew,
  release,
  compact,
  signalRun: signal,
  pause: pausing,
  resume: pausing,
};
const scenarioOf = (point: FailpointName): Scenario => scenarios[point.split(".")[0] ?? ""] ?? work;

/** Only a framework that keeps checkpoints reaches their points. */
const frameworkOf = (point: FailpointName): "openai" | "langgraph" => (point.startsWith("checkpoint.") ? "langgraph" : "openai");

/** Kills the server at each of these hits of a point until a scenario passes without one. @returns how many hits there were. */
async function visit(server: FaultyServer, agent: string, point: FailpointName, { first, last }: Hits): Promise<number> {
  for (let hit = first; hit <= last; hit++) {
    let state: "playing" | "played" = "playing";
    let killed = 0;
    await server.ask(arm, { at: point, hit });
    const revive = async (): Promise<void> => {
      while (state === "playing") {
        if (server.running) await pause(10);
        else {
          if ((await server.ended()) === "SIGKILL") killed++;
          await server.start();
        }
      }
    };
    const played = scenarioOf(point)(server, agent, `${point}-${hit}`).finally(() => (state = "played"));
    await Promise.all([played, revive()]);
    // A process that has just killed itself is not known to have ended before the next turns of the loop.
    await pause(100);
    if (!server.running) {
      killed++;
      await server.start();
    }
    if (killed === 0) return hit - first;
  }
  return last - first + 1;
}

interface Hits {
  readonly first: number;
  readonly last: number;
}

/** Ends a server's process at each place around the commits of a run, once: what images of its data show is so when a process really ends. */
await runCase("self-kills", async ({ size }) => {
  const points = all.filter((point) => size === "whole" || point in few);
  const violations: string[] = [];
  const hits: Record<string, number> = {};
  const server = await FaultyServer.start({ FAULTS_TOKENS_PER_SECOND: "200" });
  const agents = { openai: await makeWorker(server), langgraph: await makeWorker(server, "langgraph") };
  for (const point of points) {
    const only = few[point] ?? 1;
    const wanted = size === "whole" ? { first: 1, last: 1 } : { first: only, last: only };
    hits[point] = await visit(server, agents[frameworkOf(point)], point, wanted);
    violations.push(...violationsOf(server.database, "between").map((each) => `${point}: ${each}`));
    if (size === "whole") process.stderr.write(`${point}: ${hits[point]}\n`);
  }
  await server.kill();
  violations.push(...violationsOf(server.database, "end"));
  await server.remove();
  const missed = points.filter((point) => hits[point] === 0);
  return {
    points: points.length,
    visited: points.length - missed.length,
    kills: Object.values(hits).reduce((sum, each) => sum + each, 0),
    ...(missed.length > 0 ? { missed } : {}),
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    ok: missed.length + violations.length === 0,
  };
});

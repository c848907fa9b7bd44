import { runCase } from "../case.ts";
import { mend } from "../effects.ts";
import { makeFlows, Person, startFlow } from "../flows.ts";
import { followRun } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeWorker, signalMutation, startRun, texts } from "../work.ts";

/** So many times in a row a run may be lost with its process. */
const mostLosses = 5;
/** Runs that wait for a person when it begins, or begin after it, and runs that are at work with it each time that it ends its process. */
const others = 3;
const working = 3;

const retryMutation = `mutation ($run: ID!) { retryRun(input: { run: $run, fromNode: "die" }) {
  ... on RetryRunPayload { run { id } } ... on UserError { message } } }`;

/** Waits until so many runs wait. */
async function untilWaiting(server: FaultyServer, count: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { runs } = await server.insist<{ runs: { nodes: object[] } }>(
      "{ runs(first: 100, filter: { status: [WAITING] }) { nodes { id } } }",
    );
    if (runs.nodes.length >= count) return;
    await pause(20);
  }
}

/** A workflow whose node kills its process is given up; those that wait or work beside it, or begin meanwhile, come to their ends, and it can be retried once it is mended. */
await runCase("poison", async () => {
  const server = await FaultyServer.start();
  await makeFlows(server);
  const person = new Person(server);
  const client = server.client();
  let losses = 0;
  let state: "playing" | "played" = "playing";
  const reviving = (async () => {
    while (state === "playing") {
      await pause(10);
      if (server.running) continue;
      losses++;
      await server.start();
    }
  })();

  /** A run that waits for a person until the poisoned one is given up. */
  const start = async (n: number) => {
    const key = `beside-${n}`;
    const run = await startFlow(server, "Flow", { id: key, list: [n] }, key);
    await server.insist(signalMutation, { run, key });
    const asked = Promise.withResolvers<void>();
    const end = followRun(client, run, (event) => {
      if (event.__typename !== "InterruptEvent") return;
      asked.resolve();
      void given.promise.then(() => person.hear(event));
    });
    return { asked: asked.promise, end };
  };
  const given = Promise.withResolvers<void>();
  const before = await Promise.all(Array.from({ length: others - 1 }, (_, n) => start(n)));
  await Promise.all(before.map(({ asked }) => asked));
  await untilWaiting(server, before.length);
  const worker = await makeWorker(server);
  const beside = await Promise.all(Array.from({ length: working }, (_, n) => startRun(server, worker, texts.talk(n), `working-${n}`)));
  const ends = beside.map((run) => followRun(client, run));
  const poison = await startFlow(server, "Poison", {}, "poison");
  let failure: string | undefined;
  const meanwhile = (async () => {
    while (losses < 3) await pause(20);
    return start(others - 1);
  })();
  const end = await followRun(client, poison, (event) => {
    if (event.__typename === "RunStatusEvent") failure = event.failure?.code ?? failure;
  });
  given.resolve();
  const worked = (await Promise.all(ends)).filter(({ status }) => status === "SUCCEEDED").length;
  const followed = await Promise.all([...before, await meanwhile].map((each) => each.end));
  mend(server.folder);
  const { retryRun } = await server.insist<{ retryRun: { run?: { id: string } } }>(retryMutation, { run: poison });
  const again = await followRun(client, retryRun.run?.id ?? "");
  state = "played";
  await reviving;
  await person.done();
  client.close();
  await server.kill();
  const violations = violationsOf(server.database, "end");
  await server.remove();
  const succeeded = followed.filter(({ status, gaps, repeats }) => status === "SUCCEEDED" && gaps + repeats === 0).length;
  return {
    losses,
    status: end.status,
    failure,
    others: succeeded,
    working: worked,
    retried: again.status,
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    ok:
      losses === mostLosses + 1 &&
      failure === "RUN_POISONED" &&
      succeeded === others &&
      worked === working &&
      again.status === "SUCCEEDED" &&
      violations.length === 0,
  };
});

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunEvent } from "../../../src/client/index.ts";
import { runCase } from "../case.ts";
import { followRun } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeFlows, Person, startFlow } from "../flows.ts";
import { cancelMutation, decideMutation, makeAgent, signalMutation, startRun, texts } from "../work.ts";

interface Answer {
  readonly __typename: string;
  readonly code?: string;
}

/** A provider that begins an answer and never ends it; notes when its request is left. */
async function openEndlessProvider() {
  const left = Promise.withResolvers<number>();
  const begun = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const delta = {
      id: "c",
      object: "chat.completion.chunk",
      created: 0,
      model: "endless",
      choices: [{ index: 0, delta: { content: "on " } }],
    };
    const timer = setInterval(() => response.write(`data: ${JSON.stringify(delta)}\n\n`), 50);
    begun.resolve();
    response.on("close", () => {
      clearInterval(timer);
      left.resolve(performance.now());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/v1`, begun: begun.promise, left: left.promise, close: () => server.close() };
}

async function decide(server: FaultyServer, interrupt: string, kind: "APPROVE" | "REJECT" = "APPROVE"): Promise<Answer> {
  const { node } = await server.ask<{ node: { argumentsHash: string } }>(
    "query ($id: ID!) { node(id: $id) { ... on Interrupt { argumentsHash } } }",
    { id: interrupt },
  );
  const { decideInterrupt } = await server.ask<{ decideInterrupt: Answer }>(decideMutation, {
    input: { interrupt, kind, argumentsHash: node.argumentsHash },
  });
  return decideInterrupt;
}

/** Follows until an interrupt is raised, and hands it over the moment that it is heard of. */
async function untilAsked<T>(
  server: FaultyServer,
  run: string,
  then: (interrupt: string) => Promise<T>,
): Promise<{ readonly result: T; readonly status: string }> {
  const client = server.client();
  let result: Promise<T> | undefined;
  const onEvent = (event: RunEvent): void => {
    if (event.__typename === "InterruptEvent" && event.interruptStatus === "PENDING") result ??= then(event.interruptId);
  };
  const { status } = await followRun(client, run, onEvent);
  client.close();
  return { result: (await result) as T, status };
}

/** The same of a workflow: submitted and signalled thrice, also before it waits for the signal, after its end, and with another body. */
async function signalFlows(server: FaultyServer): Promise<Record<string, boolean>> {
  await makeFlows(server);
  const person = new Person(server);
  const client = server.client();
  const input = { id: "thrice", list: [1] };
  const runs = await Promise.all([1, 2, 3].map(() => startFlow(server, "Flow", input, "flow")));
  const otherBody = await startFlow(server, "Flow", { ...input, id: "other" }, "flow").then(
    () => false,
    (error: unknown) => String(error).includes("IDEMPOTENCY_CONFLICT"),
  );
  const [run = ""] = runs;
  const signal = async (key: string): Promise<string | undefined> => {
    const { signalRun } = await server.ask<{ signalRun: Answer }>(signalMutation, { run, key });
    return signalRun.code;
  };
  const early = await Promise.all(["go", "go", "go"].map(signal));
  let heard = 0;
  const { status } = await followRun(client, run, (event) => {
    // Each question is answered three times at once.
    for (let times = 0; times < 3; times++) person.hear(event);
    if (event.__typename === "SignalEvent") heard++;
  });
  await person.done();
  const late = await signal("late");

  const cancelled = await startFlow(server, "Flow", { id: "cancelled", list: [1] }, "cancelled flow");
  let refused: Promise<Answer> | undefined;
  const end = await followRun(client, cancelled, (event) => {
    if (event.__typename !== "InterruptEvent" || event.interruptStatus !== "PENDING" || event.runId !== cancelled) return;
    refused ??= server.ask(cancelMutation, { run: cancelled }).then(() => decide(server, event.interruptId));
  });
  client.close();
  return {
    flowSubmitThrice: new Set(runs).size === 1 && otherBody,
    flowSignalThriceEarly: early.every((code) => code === undefined) && heard <= 1 && status === "SUCCEEDED",
    flowSignalLate: late === "CONFLICT",
    flowDecideAfterCancel: end.status === "CANCELLED" && (await refused)?.__typename === "ConflictError",
  };
}

/** Signals that come twice, too early, too late, or not at all. */
await runCase("signals", async () => {
  const provider = await openEndlessProvider();
  const server = await FaultyServer.start({ FAULTS_TOKENS_PER_SECOND: "100", FAULTS_PROVIDER: provider.url });
  const worker = await makeAgent(server, {
    name: "Worker",
    framework: "openai",
    model: "simulated/default",
    capabilities: ["message.send"],
  });
  const found: Record<string, boolean> = {};

  // Submitted three times at once with one key: one run. Another body under the key: a conflict.
  const ids = await Promise.all([1, 2, 3].map(() => startRun(server, worker, texts.talk(1), "same")));
  found["submitThrice"] = new Set(ids).size === 1;
  found["otherBody"] = await startRun(server, worker, texts.talk(2), "same").then(
    () => false,
    (error: unknown) => String(error).includes("IDEMPOTENCY_CONFLICT"),
  );

  // Decided three times, at the moment of asking: before the run has come to wait.
  const early = await untilAsked(server, await startRun(server, worker, texts.approval(1), "early"), (interrupt) =>
    Promise.all([decide(server, interrupt), decide(server, interrupt), decide(server, interrupt)]),
  );
  found["decideThriceEarly"] =
    early.status === "SUCCEEDED" && early.result.every(({ __typename }) => __typename === "DecideInterruptPayload");
  const other = await untilAsked(server, await startRun(server, worker, texts.approval(2), "other"), async (interrupt) => {
    await decide(server, interrupt, "REJECT");
    return decide(server, interrupt);
  });
  found["decideOtherwise"] = other.result.code === "DECISION_CONFLICT";

  // Decided after the cancel.
  const cancelled = await startRun(server, worker, texts.approval(3), "cancelled");
  const late = await untilAsked(server, cancelled, async (interrupt) => {
    await server.ask(cancelMutation, { run: cancelled });
    await pause(500);
    return decide(server, interrupt);
  });
  found["decideAfterCancel"] = late.status === "CANCELLED" && late.result.__typename === "ConflictError";

  // A closed socket is no cancel.
  const left = await startRun(server, worker, texts.talk(3), "left");
  const client = server.client();
  for await (const event of client.run(left, { after: 0 })) if (event.__typename === "MessageDeltaEvent") break;
  client.close();
  const again = server.client();
  found["closedSocketIsNoCancel"] = (await followRun(again, left)).status === "SUCCEEDED";
  again.close();

  // A cancel reaches the provider; a second one changes nothing.
  const endless = await makeAgent(server, { name: "Endless", framework: "openai", model: "openai/endless" });
  const run = await startRun(server, endless, "Go on.", "endless");
  await provider.begun;
  const asked = performance.now();
  await server.ask(cancelMutation, { run });
  const leftAt = await Promise.race([provider.left, pause(10_000).then(() => Number.POSITIVE_INFINITY)]);
  const watcher = server.client();
  const end = await followRun(watcher, run);
  watcher.close();
  const second = await server.ask<{ cancelRun: { run: { status: string } } }>(cancelMutation, { run });
  found["cancelTwice"] = end.status === "CANCELLED" && second.cancelRun.run.status === "CANCELLED";
  found["cancelReachesProvider"] = leftAt - asked < 2_000;
  provider.close();
  Object.assign(found, await signalFlows(server));
  await server.kill();
  const violations = violationsOf(server.database, "end");
  await server.remove();
  return {
    ...found,
    cancelMs: Math.round(leftAt - asked),
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    ok: violations.length === 0 && Object.values(found).every(Boolean),
  };
});

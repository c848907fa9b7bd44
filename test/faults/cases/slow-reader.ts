import Database from "better-sqlite3";
import { quantile, runCase } from "../case.ts";
import { startFlow } from "../flows.ts";
import { followRun, type Followed } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { PausedReader, type SeenEvent } from "../paused-reader.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeAgent, startRun } from "../work.ts";

const perSecond = 1_000;
const othersCount = 3;
/** What one reader that has stopped may cost, in MiB of what the server holds: a third of what it leaves unread, and more. */
const mostGrowth = 20;
const bytes = 2_000;
/** The same for a workflow, of whose events a reader asks as much. */
const workflowGrowth = 10;
const wideFields = `... on StepStartedEvent { ${aliases("stepId")} } ... on StepFinishedEvent { ${aliases("stepId")} }`;

function aliases(field: string): string {
  return Array.from({ length: 60 }, (_, n) => `_${n}: ${field}`).join(" ");
}

/** What the server holds in memory, garbage apart, in MiB. */
async function held(server: FaultyServer): Promise<number> {
  return (await server.ask<{ faultsHeap: number }>("mutation { faultsHeap }")).faultsHeap;
}

/** Readers of one flooded run: how late they are, and how large the server becomes. */
async function flood(server: FaultyServer, agent: string, key: string, slow: "with a slow one" | "without") {
  const run = await startRun(server, agent, "Flood.", key);
  const paused = slow === "without" ? undefined : await PausedReader.open(server.url, run, "... on CustomEvent { data }");
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

const wide = { key: "each", kind: "map", config: { over: "input.list", node: { kind: "transform", config: { expression: "item * 2" } } } };

async function makeWide(server: FaultyServer): Promise<void> {
  const nodes = [wide, { key: "end", kind: "transform", dependsOn: ["each"], config: { expression: "size(nodes.each.output)" } }];
  await server.ask("mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }", {
    input: { name: "Wide", nodes },
  });
}

/** Readers of a run of a workflow that has a step for each of many items. */
async function watchWorkflow(server: FaultyServer, items: number, slow: "with a slow one" | "without") {
  const run = await startFlow(server, "Wide", { list: Array.from({ length: items }, (_, n) => n) }, `wide ${slow}`);
  const started = performance.now();
  const paused = slow === "without" ? undefined : await PausedReader.open(server.url, run, wideFields);
  const clients = Array.from({ length: othersCount }, () => server.client());
  const followed = await Promise.all(clients.map((client) => followRun(client, run)));
  for (const client of clients) client.close();
  return { run, followed, tookMs: Math.round(performance.now() - started), held: await held(server), paused };
}

/** The events of the only run of a stream, as the log has them. */
function logOf(file: string, run: string): SeenEvent[] {
  const db = new Database(file, { readonly: true });
  const id = Buffer.from(run, "base64url").toString().replace("Run:", "");
  const rows = db
    .prepare("select seq, kind as type from runs_event where stream_num = (select stream_num from runs_run where id = ?) order by seq")
    .all(id);
  db.close();
  return rows as SeenEvent[];
}

/** Whether every reader had every event once and saw the run succeed. */
function areFaultless(followed: readonly Followed[], total: number): boolean {
  return followed.every(({ gaps, repeats, events, status }) => gaps + repeats === 0 && events === total && status === "SUCCEEDED");
}

/** The same with a workflow: what a reader does not read holds up neither its run nor its other readers. */
async function besideWorkflow(server: FaultyServer, items: number) {
  await makeWide(server);
  const alone = await watchWorkflow(server, items, "without");
  const beside = await watchWorkflow(server, items, "with a slow one");
  const { paused, followed } = beside;
  const readBefore = paused?.seen.length ?? 0;
  await paused?.finish();
  const logged = logOf(server.database, beside.run);
  const growth = Math.round(beside.held - alone.held);
  const complete = JSON.stringify(paused?.seen) === JSON.stringify(logged);
  return {
    events: logged.length,
    readBefore,
    complete,
    closed: paused?.closed ?? 0,
    growthMiB: growth,
    aloneMs: alone.tookMs,
    besideMs: beside.tookMs,
    ok:
      complete &&
      areFaultless(followed, logged.length) &&
      logged.length > 2 * items &&
      readBefore < logged.length &&
      growth < workflowGrowth,
  };
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
  const readBefore = paused?.seen.length ?? 0;
  await paused?.finish();
  const workflow = await besideWorkflow(server, size === "whole" ? 2_000 : 300);
  const alive = server.running;
  await server.kill();
  const violations = violationsOf(server.database, "end");
  await server.remove();
  const total = beside.followed[0]?.events ?? 0;
  const complete = paused?.seen.length === total && paused.seen.every(({ seq }, index) => seq === index + 1);
  const faultless = areFaultless(beside.followed, total);
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
    workflow,
    violations: violations.length,
    ok:
      alive &&
      violations.length === 0 &&
      workflow.ok &&
      complete &&
      faultless &&
      readBefore < total &&
      growth < mostGrowth &&
      besideP50 <= 2 * aloneP50 + 50,
  };
});

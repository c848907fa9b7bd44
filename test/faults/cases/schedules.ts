import Database from "better-sqlite3";
import type { FailpointName } from "../../../src/core/runs/failpoint.ts";
import { runCase } from "../case.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { makeWorker, pauseMutation, resumeMutation, signalMutation, startRunMutation, texts } from "../work.ts";

interface Shown {
  readonly enabled: boolean;
  readonly nextAt: string;
  readonly runs: { readonly nodes: readonly { readonly status: string }[] };
}

const few: readonly FailpointName[] = ["schedules.tick.inside", "schedules.tick.committed"];
const many: readonly FailpointName[] = [
  ...few,
  "schedules.tick.before",
  // A run that has a place at once is claimed by the commit that starts it.
  "append.inside",
  "append.committed",
  "finish.before",
  "finish.committed",
];

/** How long a server may take until it comes to a place, in milliseconds. */
const patienceMs = 60_000;

const createMutation = `mutation ($input: CreateScheduleInput!) {
  createSchedule(input: $input) { ... on CreateSchedulePayload { schedule { id } } ... on UserError { message } } }`;
const shown = `query ($id: ID!) { node(id: $id) { ... on Schedule { enabled nextAt runs(first: 100) { nodes { status } } } } }`;

/** Makes the schedule due beside the server, and wakes its timer through the graph. */
async function makeDue(server: FaultyServer, schedule: string, round: number): Promise<void> {
  const db = new Database(server.database, { timeout: 10_000 });
  const id = Buffer.from(schedule, "base64url").toString().replace("Schedule:", "");
  db.prepare("update schedules_schedule set next_at = unixepoch() / 60 * 60000 + ? where id = ?").run(round, id);
  db.close();
  const update = `mutation ($schedule: ID!) { updateSchedule(input: { schedule: $schedule }) { __typename } }`;
  // Its answer may be lost with the server.
  await server.ask(update, { schedule }).catch(() => undefined);
}

async function untilRuns(server: FaultyServer, schedule: string, count: number): Promise<string | undefined> {
  for (let tries = 0; tries < 1_200; tries++) {
    const { node } = await server.insist<{ node: Shown }>(shown, { id: schedule });
    const { nodes } = node.runs;
    if (nodes.length > count) return `${nodes.length} runs for ${count} ticks`;
    const isDone = Date.parse(node.nextAt) > Date.now() && nodes.length === count && nodes.every(({ status }) => status === "SUCCEEDED");
    if (isDone) return undefined;
    await pause(50);
  }
  return `not ${count} runs that succeeded`;
}

/** A run that is paused while it waits for a signal. */
async function pausedRun(server: FaultyServer): Promise<string> {
  const nodes = [{ key: "w", kind: "wait", config: { signal: "go" } }];
  await server.insist("mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }", {
    input: { name: "waits", nodes, idempotencyKey: "waits" },
  });
  const { startRun } = await server.insist<{ startRun: { run: { id: string } } }>(startRunMutation, {
    input: { target: { workflow: { name: "waits" } }, idempotencyKey: "waits" },
  });
  await untilStatus(server, startRun.run.id, "WAITING");
  await server.insist(pauseMutation, { run: startRun.run.id });
  return startRun.run.id;
}

async function untilStatus(server: FaultyServer, run: string, status: string): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const found = await server.insist<{ run: { status: string } }>("query ($run: ID!) { run(id: $run) { status } }", { run });
    if (found.run.status === status) return;
    await pause(50);
  }
  throw new Error(`The run never was ${status}.`);
}

/** What is wrong with a run that was paused before the server was killed: it stays so, whatever comes, until somebody resumes it. */
async function pausedViolations(server: FaultyServer, run: string): Promise<string[]> {
  await server.insist(signalMutation, { run, key: "go" });
  const { run: found } = await server.insist<{ run: { status: string } }>("query ($run: ID!) { run(id: $run) { status } }", { run });
  await server.insist(resumeMutation, { run });
  await untilStatus(server, run, "SUCCEEDED");
  return found.status === "PAUSED" ? [] : [`a paused run was ${found.status} after the kills`];
}

/** Kills the server at each place of a tick: before and after the commit that starts its run and moves the schedule on. A run stands paused beside. */
await runCase("schedules", async ({ size }) => {
  const server = await FaultyServer.start();
  const agent = await makeWorker(server);
  const input = {
    name: "Tick",
    target: { agent: { id: agent } },
    text: texts.talk(1),
    cron: "0 0 29 2 *",
    overlap: "QUEUE",
    idempotencyKey: "tick",
  };
  const { createSchedule } = await server.insist<{ createSchedule: { schedule: { id: string } } }>(createMutation, { input });
  const schedule = createSchedule.schedule.id;
  const paused = await pausedRun(server);
  const violations: string[] = [];
  let [ticks, kills] = [0, 0];
  for (const point of size === "whole" ? many : few) {
    await server.ask("mutation ($at: String!) { faultsArm(at: $at, hit: 1) }", { at: point });
    await makeDue(server, schedule, ticks++);
    const signal = await Promise.race([server.ended(), pause(patienceMs)]);
    if (signal === "SIGKILL") kills++;
    else violations.push(`${point}: it was not reached`);
    await server.kill();
    await server.start();
    const wrong = await untilRuns(server, schedule, ticks);
    if (wrong !== undefined) violations.push(`${point}: ${wrong}`);
  }
  violations.push(...(await pausedViolations(server, paused)));
  await server.kill();
  violations.push(...violationsOf(server.database, "end"));
  await server.remove();
  return {
    ticks,
    kills,
    violations: violations.length,
    ok: violations.length === 0 && kills === ticks,
    ...(violations.length > 0 ? { found: violations } : {}),
  };
});

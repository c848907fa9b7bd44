import Database from "better-sqlite3";
import type { Beside } from "../beside.ts";
import { runCase } from "../case.ts";
import { effectsIn } from "../effects.ts";
import { insistOn, makeFlows, outputOf, Person, startFlow } from "../flows.ts";
import { followRun, type Followed } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, pause } from "../server.ts";
import { signalMutation } from "../work.ts";

const flows = ["waits-0", "waits-1"];
const list = [1, 2, 3];
/** A run at work pays so often, one after the other. */
const payments = 15;

/** Programs that would write, and what they must say. */
const writers: Readonly<Record<string, { readonly args: readonly [string, ...string[]]; readonly says: RegExp }>> = {
  start: { args: ["start", "--port", "0"], says: /\[DATABASE_LOCKED\] Another server \(process \d+\) has the database/ },
  run: { args: ["run", "Below", "--input", '{"id":"second"}'], says: /a server runs on it[^]*\[UNAVAILABLE\][^]*--url/ },
  migrate: { args: ["migrate", "up"], says: /\[DATABASE_LOCKED\]/ },
  rotate: { args: ["secrets", "rotate"], says: /\[DATABASE_LOCKED\]/ },
};

/** All rows that runs which wait have. */
function rowsOf(server: FaultyServer, runs: readonly string[]): string {
  const db = new Database(server.database, { readonly: true });
  try {
    const ids = runs.map((run) => Buffer.from(run, "base64url").toString().replace("Run:", ""));
    const of = `(select stream_num from runs_run where id in (${ids.map(() => "?").join(", ")}))`;
    const queries = ["runs_event where stream_num in", "runs_run where stream_num in", "runs_stream where num in"];
    const below = ["runs_step", "runs_interrupt", "runs_tool_call"].map((table) => `${table} where run_id in`);
    const rows = [
      ...queries.map((query) => db.prepare(`select * from ${query} ${of}`).all(...ids)),
      ...below.map((query) => db.prepare(`select * from ${query} (select id from runs_run where stream_num in ${of})`).all(...ids)),
      db.prepare("select * from workflows_workflow").all(),
      db.prepare("select * from workflows_version").all(),
    ];
    return JSON.stringify(rows);
  } finally {
    db.close();
  }
}

/** Waits until each of the runs waits for its three decisions and its signal. */
async function untilWaiting(server: FaultyServer, runs: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    const { interrupts } = await server.ask<{ interrupts: { totalCount: number } }>("{ interrupts { totalCount } }");
    const found = await Promise.all(
      runs.map((run) => server.ask<{ run: { status: string } }>("query ($run: ID!) { run(id: $run) { status } }", { run })),
    );
    if (interrupts.totalCount === 3 * runs.length && found.every(({ run }) => run.status === "WAITING")) return;
    await pause(20);
  }
  throw new Error("The runs never waited.");
}

async function makePayments(server: FaultyServer): Promise<void> {
  const pay = { kind: "tool", config: { tool: "faults.pay", arguments: { id: "{{ item }}" } } };
  await server.ask(`mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }`, {
    input: { name: "Payments", nodes: [{ key: "each", kind: "map", config: { over: "input.ids", concurrency: 1, node: pay } }] },
  });
}

/** Runs at work, one after the other, until somebody says that it is enough. */
async function keepWorking(server: FaultyServer, state: { isEnough: boolean }): Promise<{ followed: Followed[]; ids: string[] }> {
  const client = server.client();
  const followed: Followed[] = [];
  const all: string[] = [];
  for (let n = 0; !state.isEnough; n++) {
    const ids = Array.from({ length: payments }, (_, item) => `${n}-${item}`);
    all.push(...ids);
    followed.push(await followRun(client, await startFlow(server, "Payments", { ids }, `payments-${n}`)));
  }
  client.close();
  return { followed, ids: all };
}

/** What is wrong with what was read beside the server. */
function misread({ workflows, run, steps, events, refused }: Beside): string[] {
  const found: string[] = [];
  const names = workflows.map(({ name }) => name).toSorted();
  if (names.join() !== "Below,Flow,Payments,Poison") found.push(`it read the workflows ${names.join()}`);
  if (run.status !== "WAITING" || run.targetType !== "Workflow") found.push(`it read a run that is ${run.status}`);
  const open = steps.flatMap(({ key, status }) => (["WAITING", "RUNNING"].includes(status) ? [key] : []));
  if (open.toSorted().join() !== "ask,call,child,know") found.push(`it read that ${open.join()} wait`);
  if (events.at(0)?.kind !== "run.queued" || events.at(-1)?.kind !== "run.waiting") found.push(`it read ${events.length} events`);
  for (const [name, code] of Object.entries(refused)) {
    const expected = name === "the connection itself" ? "SQLITE_READONLY" : "UNAVAILABLE";
    if (code !== expected) found.push(`${name} was answered with ${code}`);
  }
  return found;
}

/** Other processes come to the folder of runs that work and wait: who would write is refused, who reads is answered, and no run notices. */
await runCase("second-process", async ({ size }) => {
  const server = await FaultyServer.start();
  await makeFlows(server);
  await makePayments(server);
  const client = server.client();
  const person = new Person(server);
  const runs = await Promise.all(flows.map((id) => startFlow(server, "Flow", { id, list }, id)));
  const enough = Promise.withResolvers<void>();
  const waiting = runs.map((run) => followRun(client, run, (event) => void enough.promise.then(() => person.hear(event))));
  await untilWaiting(server, runs);
  const before = rowsOf(server, runs);
  const state = { isEnough: false };
  const working = keepWorking(server, state);
  while (effectsIn(server.folder).length === 0) await pause(10);

  const found: string[] = [];
  const names = size === "whole" ? Object.keys(writers) : ["start"];
  const write = async (): Promise<void> => {
    for (const name of names) {
      const { args, says } = writers[name] ?? { args: ["help"], says: /^$/ };
      const { code, out, said } = await server.command(...args);
      if (code === 0 || !says.test(said)) found.push(`${name} exited with ${code}: ${out}${said}`);
    }
  };
  const reader = async (): Promise<Beside> => {
    const { code, out, said } = await server.command("faults-beside", runs[0] ?? "");
    if (code !== 0) throw new Error(`Reading exited with ${code}: ${said}`);
    return JSON.parse(out) as Beside;
  };
  const [read] = await Promise.all([reader(), write()]);
  found.push(...misread(read));
  const paidMeanwhile = effectsIn(server.folder).length;
  state.isEnough = true;
  const { followed: worked, ids } = await working;
  if (rowsOf(server, runs) !== before) found.push("rows of runs that wait changed");
  enough.resolve();
  for (const run of runs) await insistOn(server, signalMutation, { run, key: run });
  const ends = [...(await Promise.all(waiting)), ...worked];
  await person.done();
  client.close();
  for (const [index, run] of runs.entries()) {
    const { run: ended } = await server.ask<{ run: { output: unknown } }>("query ($run: ID!) { run(id: $run) { output } }", { run });
    const expected = outputOf({ id: flows[index] ?? "", list });
    if (JSON.stringify(ended.output) !== JSON.stringify(expected)) found.push(`a run ended with ${JSON.stringify(ended.output)}`);
  }
  const paid = effectsIn(server.folder).map(({ id }) => id);
  if (paid.toSorted().join() !== [...flows, ...ids].toSorted().join())
    found.push(`${paid.length} payments for ${ids.length} that were asked`);
  // The refusals were the server's doing: once it is gone, and be it by a power loss, whoever comes may write.
  await server.kill();
  const after = await server.command("migrate", "up");
  if (after.code !== 0) found.push(`behind a kill it exited with ${after.code}: ${after.said}`);
  found.push(...violationsOf(server.database, "end"));
  await server.remove();
  const faultless = ends.every(({ status, gaps, repeats, garbled }) => status === "SUCCEEDED" && gaps + repeats + garbled === 0);
  return {
    refused: names.length + Object.keys(read.refused).length,
    eventsRead: read.events.length,
    runs: ends.length,
    payments: paid.length,
    paidMeanwhile,
    violations: found.length,
    ...(found.length > 0 ? { found } : {}),
    ok: faultless && found.length === 0 && paidMeanwhile > payments,
  };
});

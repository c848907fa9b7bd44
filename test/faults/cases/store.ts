import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { quantile, runCase } from "../case.ts";
import { followRun } from "../follower.ts";
import { violationsOf } from "../invariants.ts";
import { FaultyServer, Refused, pause } from "../server.ts";
import { insistOn, makeFlows, Person, startFlow } from "../flows.ts";
import { makeWorker, signalMutation, startRun, startRunMutation, texts } from "../work.ts";

/** The slowest that a query may be while the store refuses, in milliseconds: nobody else has to wait for it. */
const slowestQueryMs = 1_500;
/** The size of the disk that is filled, in MiB. */
const diskMiB = 24;

/** A way in which a store refuses, and how it is well again. */
interface Trouble {
  begin(server: FaultyServer): Promise<void>;
  end(server: FaultyServer): Promise<void>;
}

const setStore = (state: string) => (server: FaultyServer) =>
  server.ask<unknown>("mutation ($state: String!) { faultsStore(state: $state) }", { state }).then(() => undefined);

/** Another connection holds the file's write lock. */
function lockedFile(): Trouble {
  let holder: Database.Database | undefined;
  return {
    begin: async ({ database }) => {
      holder = new Database(database, { timeout: 10_000 });
      holder.exec("begin immediate");
    },
    end: async () => {
      holder?.exec("rollback");
      holder?.close();
    },
  };
}

/** A file beside the database takes all that is left of a small disk. */
function fullDisk(): Trouble {
  const filler = ({ folder }: FaultyServer): string => join(folder, "filler");
  return {
    begin: async (server) => {
      for (let bytes = diskMiB * 2 ** 20; bytes >= 1_024; bytes /= 2) {
        try {
          writeFileSync(filler(server), Buffer.alloc(bytes), { flag: "a" });
        } catch (error) {
          if ((error as { code?: string }).code !== "ENOSPC") throw error;
        }
      }
    },
    end: async (server) => rmSync(filler(server)),
  };
}

/** Whether a folder is a small disk of its own now: that takes root. */
function mounted(folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMiB}m`, "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Uses a server whose store is in trouble for a while. */
async function endure(name: string, server: FaultyServer, trouble: Trouble, seconds: number) {
  const agent = await makeWorker(server);
  const client = server.client();
  const accepted = new Map<string, string>();
  const refusals = new Set<string>();
  const queries: number[] = [];
  const run = await startRun(server, agent, `Write ${100 + seconds * 60} words about wells.`, `${name}-long`);
  const heard: number[] = [];
  const following = followRun(client, run, () => void heard.push(performance.now()));
  while (heard.length < 8) await pause(20);
  await makeFlows(server);
  const person = new Person(server);
  const flow = await startFlow(server, "Flow", { id: name, list: [1] }, `${name}-flow`);
  const flowing = followRun(client, flow, person.hear);

  await trouble.begin(server);
  const began = performance.now();
  // The workflow waits for this, and the store for being well.
  const signalled = insistOn(server, signalMutation, { run: flow, key: `${name}-flow` });
  let state: "trouble" | "well" = "trouble";
  const asking = (async () => {
    for (let n = 0; state === "trouble"; n++) {
      const answer = await submit(server, agent, `${name}-${n}`);
      if (answer.run !== undefined) accepted.set(`${name}-${n}`, answer.run);
      else refusals.add(answer.refusal);
      await pause(50);
    }
  })();
  const reading = (async () => {
    while (state === "trouble") {
      const started = performance.now();
      await server.ask("query ($run: ID!) { run(id: $run) { status } }", { run });
      queries.push(performance.now() - started);
      await pause(20);
    }
  })();
  await pause(seconds * 1_000);
  state = "well";
  await trouble.end(server);
  const ended = performance.now();
  await Promise.all([asking, reading]);
  const followed = await following;
  await signalled;
  const flowed = await flowing;
  await person.done();
  client.close();
  const resumedMs = Math.round((heard.find((at) => at > ended) ?? Number.POSITIVE_INFINITY) - ended);

  let lost = 0;
  for (const [key, id] of accepted) if ((await startRun(server, agent, long, key)) !== id) lost++;
  await settled(server);
  const violations = violationsOf(server.database, "end");
  const slowest = quantile(queries, 1);
  const { gaps, repeats, garbled, status } = followed;
  const silent = heard.filter((at) => at > began + 500 && at < ended).length;
  return {
    accepted: accepted.size,
    refusals: [...refusals],
    queries: queries.length,
    slowestQueryMs: slowest,
    eventsMeanwhile: silent,
    resumedMs,
    lost,
    status,
    workflow: flowed.status,
    violations: violations.slice(0, 5),
    ok:
      lost + gaps + repeats + garbled + violations.length === 0 &&
      status === "SUCCEEDED" &&
      flowed.status === "SUCCEEDED" &&
      flowed.gaps + flowed.repeats === 0 &&
      refusals.size === 1 &&
      refusals.has("UnavailableError STORE_UNAVAILABLE") &&
      queries.length > 0 &&
      slowest < slowestQueryMs,
  };
}

/** Long enough that a full store notices it. */
const long = `${texts.talk(1)} ${"x".repeat(60_000)}`;

async function submit(
  server: FaultyServer,
  agent: string,
  key: string,
): Promise<{ readonly run: string } | { readonly run?: undefined; readonly refusal: string }> {
  const input = { target: { agent: { id: agent } }, text: long, idempotencyKey: key };
  try {
    const { startRun: answer } = await server.ask<{ startRun: { __typename: string; code?: string; run?: { id: string } } }>(
      startRunMutation,
      { input },
    );
    return answer.run ? { run: answer.run.id } : { refusal: `${answer.__typename} ${answer.code}` };
  } catch (error) {
    if (error instanceof Refused) return { refusal: error.message };
    throw error;
  }
}

/** Waits until no run is open. */
async function settled(server: FaultyServer): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const { runs } = await server.ask<{ runs: { nodes: { status: string }[] } }>("{ runs(first: 100) { nodes { status } } }");
    if (runs.nodes.every(({ status }) => ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].includes(status))) return;
    await pause(100);
  }
}

async function fill(server: FaultyServer, disk: "tmpfs" | "page limit", seconds: number) {
  await server.start();
  return endure("full", server, disk === "tmpfs" ? fullDisk() : { begin: setStore("full"), end: setStore("well") }, seconds);
}

/** A store that is locked, full or read-only for a while: nothing that was accepted is lost, and runs go on as soon as it takes writes. */
await runCase("store", async ({ size }) => {
  const seconds = size === "whole" ? 10 : 2;
  const env = { FAULTS_TOKENS_PER_SECOND: "100" };
  const server = await FaultyServer.start(env);
  const locked = await endure("locked", server, lockedFile(), seconds);
  const readonly = await endure("readonly", server, { begin: setStore("readonly"), end: setStore("well") }, seconds);
  await server.remove();

  const small = await FaultyServer.place(env);
  const disk = size === "whole" && mounted(small.folder) ? "tmpfs" : "page limit";
  const full = await fill(small, disk, seconds).finally(async () => {
    await small.kill();
    if (disk === "tmpfs") execFileSync("umount", [small.folder]);
    await small.remove();
  });
  return { locked, readonly, disk, full, ok: locked.ok && readonly.ok && full.ok };
});

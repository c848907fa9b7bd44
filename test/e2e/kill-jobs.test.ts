import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { localId } from "#weftline";
import { dataFolder, startServer, type Server } from "./server.ts";

const data = dataFolder();
const start = (env: Readonly<Record<string, string>> = {}): Promise<Server> =>
  startServer(data.folder, { args: ["--config", "test/e2e/jobs.config.ts"], env });
let server: Server | undefined;
afterAll(async () => {
  await server?.kill();
  data.remove();
});

interface Run {
  readonly status: string;
  readonly output: unknown;
  readonly targetName: string;
  readonly target: object | null;
  readonly failure: { readonly code: string; readonly retryable: boolean } | null;
}

const ask = <Data>(query: string, variables: Record<string, unknown>): Promise<Data> => (server as Server).graphql<Data>(query, variables);

async function job(name: string, input?: object): Promise<string> {
  const { startJob } = await ask<{ startJob: { run: { id: string } } }>(
    "mutation ($input: StartJobInput!) { startJob(input: $input) { ... on StartJobPayload { run { id } } } }",
    { input: { job: name, input } },
  );
  return startJob.run.id;
}

async function retry(run: string): Promise<string> {
  const { retryRun } = await ask<{ retryRun: { run: { id: string } } }>(
    "mutation ($run: ID!) { retryRun(input: { run: $run }) { ... on RetryRunPayload { run { id } } } }",
    { run },
  );
  return retryRun.run.id;
}

async function end(id: string): Promise<Run> {
  for (let tries = 0; tries < 2_000; tries++) {
    const { run } = await ask<{ run: Run }>(
      "query ($id: ID!) { run(id: $id) { status output targetName target { __typename } failure { code retryable } } }",
      { id },
    );
    if (["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].includes(run.status)) return run;
    await pause(10);
  }
  throw new Error(`The run ${id} does not end.`);
}

function lines(file: string, run: string): string[] {
  const path = join(data.folder, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(localId("Run", run)));
}

async function noted(file: string, run: string, times: number): Promise<void> {
  while (lines(file, run).length < times) await pause(10);
}

it("a killed job goes on where it was, one that cannot is not begun twice, and one whose plugin is gone fails and can be retried", async () => {
  server = await start();
  const grinding = await job("mill.grind", { sacks: 6 });
  const left = await job("mill.grind", { sacks: 5 });
  const once = await job("mill.once");
  for (const run of [grinding, left]) await noted("saved", run, 3);
  await noted("begun", once, 1);
  await server.kill();

  server = await start();
  expect(await end(once)).toMatchObject({ status: "FAILED", failure: { code: "PROCESS_LOST", retryable: true } });
  await server.kill();

  server = await start({ MILL: "gone" });
  for (const run of [grinding, left])
    expect(await end(run)).toMatchObject({ status: "FAILED", failure: { code: "UNAVAILABLE" }, target: null, targetName: "mill.grind" });
  await server.kill();

  server = await start();
  writeFileSync(join(data.folder, "go"), "");
  const again = await retry(left);
  expect(await end(again)).toMatchObject({ status: "SUCCEEDED", output: { sacks: 5 }, target: { __typename: "Job" } });
  const fresh = await retry(once);
  expect(await end(fresh)).toMatchObject({ status: "SUCCEEDED", output: "done" });
  expect(lines("begun", once)).toHaveLength(1);
}, 60_000);

it("a killed job does none of what it had saved again, whether its server was killed or stopped", async () => {
  await server?.kill();
  const other = dataFolder();
  server = await startServer(other.folder, { args: ["--config", "test/e2e/jobs.config.ts"] });
  const run = await job("mill.grind", { sacks: 6 });
  const ground = (): string[] =>
    existsSync(join(other.folder, "saved")) ? readFileSync(join(other.folder, "saved"), "utf8").trim().split("\n") : [];
  while (ground().length < 3) await pause(10);
  await server.kill();
  server = await startServer(other.folder, { args: ["--config", "test/e2e/jobs.config.ts"] });
  await server.stop();
  server = await startServer(other.folder, { args: ["--config", "test/e2e/jobs.config.ts"] });
  writeFileSync(join(other.folder, "go"), "");
  expect(await end(run)).toMatchObject({ status: "SUCCEEDED", output: { sacks: 6 } });
  expect(readFileSync(join(other.folder, "ground"), "utf8").trim().split("\n")).toEqual(
    [1, 2, 3, 4, 5, 6].map((sack) => `${localId("Run", run)} ${sack}`),
  );
  await server.kill();
  server = undefined;
  other.remove();
}, 60_000);

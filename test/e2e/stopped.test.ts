import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

const data = dataFolder();
let server: Server;
afterAll(async () => {
  await server.kill();
  data.remove();
});

const start = (): Promise<Server> => startServer(data.folder, { args: ["--config", "test/e2e/stopping-tool.config.ts"] });
const note = join(data.folder, "runs/stalled.json");
const stops = (): number =>
  existsSync(join(data.folder, "stops")) ? readFileSync(join(data.folder, "stops"), "utf8").split("\n").length - 1 : 0;

async function run(agent: string): Promise<string> {
  const { startRun } = await server.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
    { input: { target: { agent: { name: agent } }, text: `Use ${agent}` } },
  );
  return startRun.run.id;
}

async function ended(id: string): Promise<{ status: string; failure: { code: string } | null }> {
  for (;;) {
    const found = await server.graphql<{ run: { status: string; failure: { code: string } | null } }>(
      "query ($id: ID!) { run(id: $id) { status failure { code } } }",
      { id },
    );
    if (!["QUEUED", "RUNNING"].includes(found.run.status)) return found.run;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The server stands still; then it is killed, as who supervises it would. */
async function killStopped(is: () => boolean): Promise<void> {
  await expect.poll(is, { timeout: 20_000, interval: 20 }).toBe(true);
  await server.kill();
}

it("a run that stops the server is ended when it has done so twice, and those that were at work beside it finish", async () => {
  server = await start();
  for (const name of ["stuck.stop", "stuck.wait"]) {
    const input = { name, framework: "openai", capabilities: [name] };
    await server.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input });
  }
  const innocent = await Promise.all([run("stuck.wait"), run("stuck.wait")]);
  const guilty = await run("stuck.stop");
  await killStopped(() => stops() === 1);
  server = await start();
  await killStopped(() => existsSync(note));
  server = await start();
  expect(await ended(guilty)).toEqual({ status: "FAILED", failure: { code: "RUN_POISONED" } });
  for (const id of innocent) expect(await ended(id)).toEqual({ status: "SUCCEEDED", failure: null });
  expect(stops()).toBe(2);
  await expect.poll(() => existsSync(note)).toBe(false);
}, 60_000);

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { follow, killTree, urlOf, type Running } from "../../cli/server.ts";

let folder: string;
let started: Running[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-drain-"));
  writeFileSync(join(folder, "notes"), "");
  started = [];
});
afterEach(async () => {
  for (const running of started) await killTree(running);
  rmSync(folder, { recursive: true });
});

function start(): Running {
  const args = ["src/cli/main.ts", "start", "--config", "test/plugins/langgraph/graphs/slow.config.ts", "--port", "0"];
  const env = { WEFTLINE_DATA: folder, SLOW_NOTES: join(folder, "notes") };
  const running = follow(process.execPath, args, { cwd: process.cwd(), env });
  started.push(running);
  return running;
}

async function ask<Data>(url: string, query: string, variables: object = {}): Promise<Data> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return ((await response.json()) as { data: Data }).data;
}

const notes = (): string[] => readFileSync(join(folder, "notes"), "utf8").trim().split("\n");

describe("a server that is told to end while a graph is at work", { timeout: 40_000 }, () => {
  it("lets the node under way finish and leaves the rest to the next process, which does none of it again", async () => {
    const first = start();
    const url = await urlOf(first);
    await ask(
      url,
      `mutation { createAgent(input: { name: "slow", framework: "langgraph", options: { graph: "slow", output: "done" } }) { __typename } }`,
    );
    const { startRun } = await ask<{ startRun: { run: { id: string } } }>(
      url,
      `mutation { startRun(input: { target: { agent: { name: "slow" } }, input: { topic: "looms" } }) { ... on StartRunPayload { run { id } } } }`,
    );
    await expect.poll(notes, { timeout: 10_000 }).toContain(`slow ${first.child.pid}`);
    first.child.kill("SIGTERM");
    expect(await first.ended).toBe(0);
    expect(notes()).toEqual(["first", "slow"].map((node) => `${node} ${first.child.pid}`));

    const second = start();
    const there = await urlOf(second);
    const query = "query ($id: ID!) { run(id: $id) { status text steps { nodes { key status error } } } }";
    const see = () => ask<{ run: { status: string } }>(there, query, startRun.run).then(({ run }) => run);
    await expect.poll(see, { timeout: 10_000 }).toMatchObject({ status: "SUCCEEDED", text: '["first","last"]' });
    expect(notes().slice(2)).toEqual(["after", "last"].map((node) => `${node} ${second.child.pid}`));
    expect(await see()).toMatchObject({
      steps: {
        nodes: [
          { key: "last/3", status: "SUCCEEDED" },
          { key: "within/2/after/2", status: "SUCCEEDED" },
          { key: "within/2", status: "SUCCEEDED" },
          { key: "within/2/slow/1", status: "SUCCEEDED" },
          { key: "within/2", status: "CANCELLED" },
          { key: "first/1", status: "SUCCEEDED" },
        ],
      },
    });
  });
});

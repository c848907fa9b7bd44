import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publicAddress } from "../../src/core/runs/provider-failures.ts";
import { beginStream, plainAnswers, providerServer, respondJson, type ProviderServer } from "../../src/testing/provider-server.ts";
import { ask, killTree, spawnCli, urlOf, type Running } from "./server.ts";
import { newFolder, root, writeConfig } from "./terminal.ts";

const key = "sk-secret-key-of-the-test";
const refuse = respondJson(401, { error: { message: `Incorrect API key provided: ${key}` } });
const folder = newFolder();
let provider: ProviderServer;
let answers: "well" | "refuses" = "refuses";
let server: Running;
let url: string;

beforeAll(async () => {
  provider = await providerServer((response, request) => {
    if (answers === "refuses") return refuse(response, request);
    const { begin, text, end, done } = plainAnswers.chat;
    beginStream(response);
    response.end(begin + text("Well.") + end + done);
  });
  writeConfig(
    folder,
    `await (async () => {
      const { agents, capabilities, health, models, openai } = await import(${JSON.stringify(join(root, "src/plugins/index.ts"))});
      const lab = { baseURL: ${JSON.stringify(provider.baseURL)}, apiKey: "${key}", models: ["rat"] };
      return { plugins: [auth(), health(), models({ bindings: { lab }, default: "lab" }), capabilities(), openai(), agents()] };
    })()`,
  );
  server = spawnCli(["start", "--port", "0"], { cwd: folder });
  url = await urlOf(server);
  await data(`mutation { createAgent(input: { name: "Asker", framework: "openai" }) { __typename } }`);
}, 40_000);
afterAll(async () => {
  await killTree(server);
  await provider[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function data<T>(query: string): Promise<T> {
  return ((await ask(url, query)) as { data: T }).data;
}

interface RunData {
  readonly status: string;
  readonly failure: unknown;
}

async function run(): Promise<RunData> {
  const { startRun } = await data<{ startRun: { run: { id: string } } }>(
    `mutation { startRun(input: { target: { agent: { name: "Asker" } }, text: "How?" }) { ... on StartRunPayload { run { id } } } }`,
  );
  for (;;) {
    const { run: now } = await data<{ run: RunData }>(`{ run(id: "${startRun.run.id}") { status failure { code plugin fix } } }`);
    if (now.status !== "QUEUED" && now.status !== "RUNNING") return now;
  }
}

interface Part {
  readonly name: string;
  readonly status: string;
  readonly detail: string | null;
}

async function healths(): Promise<{ readonly platform: Part | undefined; readonly agent: Part }> {
  const { health, agent } = await data<{ health: { components: Part[] }; agent: { health: Part } }>(
    `{ health { components { name status detail } } agent(ref: { name: "Asker" }) { health { name status detail } } }`,
  );
  return { platform: health.components.find(({ name }) => name === "providers"), agent: agent.health };
}

describe("a provider that fails runs", () => {
  it("is named with its address and the fix in the run's failure and in one line of the log", async () => {
    const fix = "Check the API key of the binding.";
    expect(await run()).toEqual({ status: "FAILED", failure: { code: "PROVIDER_AUTH", plugin: "openai", fix } });
    const line = await server.until(/^.*a provider failed a run.*$/m);
    const logged = JSON.parse(line[0]) as unknown;
    expect(logged).toMatchObject({ level: 40, plugin: "openai", provider: "lab", url: provider.baseURL, code: "PROVIDER_AUTH", fix });
    expect(await healths()).toMatchObject({ platform: { status: "UP" }, agent: { status: "UP" } });
  });

  it("is DEGRADED after three in a row, with why, and UP after the next success", async () => {
    await run();
    await run();
    // The log comes by a pipe of its own; its first line was read above.
    await server.until(/(?:a provider failed a run[^]*?){2}/);
    expect(server.said().match(/a provider failed a run/g)).toHaveLength(3);
    const { platform, agent } = await healths();
    expect(platform).toMatchObject({
      status: "DEGRADED",
      detail: expect.stringMatching(/^lab at http:.* the last 3 runs of openai .*API key/),
    });
    expect(agent).toMatchObject({ status: "DEGRADED", detail: expect.stringContaining("failed the last 3 runs (PROVIDER_AUTH)") });
    answers = "well";
    expect(await run()).toEqual({ status: "SUCCEEDED", failure: null });
    expect(await healths()).toMatchObject({ platform: { status: "UP", detail: null }, agent: { status: "UP", detail: null } });
    expect(server.said()).not.toContain(key);
  });
});

it.each([
  ["https://user:secret@api.example.com/v1?key=secret#x", "https://api.example.com/v1"],
  ["simulated://user:secret@local/v1", "simulated://local/v1"],
  ["", undefined],
])("shows %s without credentials", (address, shown) => {
  expect(publicAddress(address)).toBe(shown);
});

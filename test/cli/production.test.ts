import { afterEach, beforeEach, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "../e2e/server.ts";

let data: ReturnType<typeof dataFolder>;
let server: Server | undefined;
beforeEach(() => {
  data = dataFolder();
});
afterEach(async () => {
  await server?.kill();
  data.remove();
});

/** `weftline start` with the configuration that ships, in production and without a key. */
async function start(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  server = await startServer(data.folder, { env: { WEFTLINE_MODE: "production", ...env }, args: ["--migrate"] });
  return server;
}

async function play({ graphql }: Server, mutation: string) {
  const { result } = await graphql<{ result: { run: { id: string } } }>(mutation);
  const query = `query ($id: ID!) { run(id: $id) { status text provenance failure { code } steps { nodes { provenance } } } frameworks { name mode reason } }`;
  for (;;) {
    const { run, frameworks } = await graphql<{
      run: { status: string; text: string | null };
      frameworks: { name: string; mode: string; reason: string | null }[];
    }>(query, { id: result.run.id });
    if (run.status !== "QUEUED" && run.status !== "RUNNING")
      return { id: result.run.id, run, framework: frameworks.find(({ name }) => name === "openai") };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it("a server in production without a key simulates nothing, unless its environment allows it, and then says so", async () => {
  const strict = await start();
  await strict.graphql('mutation { createAgent(input: { name: "Ada", framework: "openai" }) { __typename } }');
  const refused = await play(
    strict,
    'mutation { result: startRun(input: { target: { agent: { name: "Ada" } }, text: "Hello." }) { ... on StartRunPayload { run { id } } } }',
  );
  expect(refused).toMatchObject({
    run: { status: "FAILED", text: null, provenance: null, failure: { code: "SIMULATION_FORBIDDEN" }, steps: { nodes: [] } },
    framework: { mode: "UNAVAILABLE", reason: 'The binding "openai" has no API key.' },
  });
  expect(await strict.stop()).toBe(0);

  const lenient = await start({ WEFTLINE_SIMULATION: "allowed" });
  const retry = `mutation { result: retryRun(input: { run: "${refused.id}" }) { ... on RetryRunPayload { run { id } } } }`;
  expect(await play(lenient, retry)).toMatchObject({
    run: {
      status: "SUCCEEDED",
      text: expect.stringMatching(/^\[simulated\] /),
      provenance: "SIMULATED",
      failure: null,
      steps: { nodes: [{ provenance: "SIMULATED" }] },
    },
    framework: { mode: "SIMULATED", reason: 'The binding "openai" has no API key.' },
  });
});

it("a server whose environment says neither allowed nor forbidden does not start, and says what to set", async () => {
  await expect(start({ WEFTLINE_SIMULATION: "maybe" })).rejects.toThrow(/WEFTLINE_SIMULATION is "maybe"[^]*allowed or forbidden/);
});

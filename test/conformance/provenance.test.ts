import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents, auth, capabilities, chat, models, simulated } from "../../src/plugins/index.ts";
import {
  beginStream,
  plainAnswers,
  providerServer,
  testPlatform,
  type ProviderServer,
  type TestPlatform,
  type TestPlatformOptions,
} from "../../src/testing/index.ts";
import { frameworks } from "./frameworks.ts";

type Allowed = "simulatedAllowed" | "simulatedForbidden";
/** How a host stands: whether it has a key, and whether it lets a simulated model answer. */
type Standing = "keyless" | "keyed" | "strict";

let provider: ProviderServer;
const hosts = new Map<Standing, TestPlatform>();

beforeAll(async () => {
  provider = await providerServer((response, { path }) => {
    const { begin, text, end, done } = plainAnswers[path.endsWith("/responses") ? "responses" : "chat"];
    beginStream(response);
    response.end(begin + text("All of it.") + end + done);
  });
  hosts.set("keyless", await boot({}));
  hosts.set("keyed", await boot({ apiKey: "sk-none", baseURL: provider.baseURL }));
  hosts.set("strict", await boot({}, { mode: "production" }));
});
afterAll(async () => {
  for (const host of hosts.values()) await host.close();
  await provider[Symbol.asyncDispose]();
});

async function boot(openai: object, host: Pick<TestPlatformOptions, "mode"> = {}): Promise<TestPlatform> {
  const app = await testPlatform({
    ...host,
    plugins: [
      auth(),
      models({ bindings: { openai } }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      chat(),
      [...frameworks.values()].map((plugin) => plugin()),
    ],
  });
  for (const framework of frameworks.keys())
    await app.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", {
      input: { name: framework, framework },
    });
  return app;
}

interface Shown {
  readonly status: string;
  readonly provenance: string | null;
  readonly failure: { readonly code: string } | null;
  readonly steps: { readonly nodes: readonly { readonly kind: string; readonly provenance: string | null }[] };
  readonly thread: { readonly messages: { readonly nodes: readonly { readonly role: string; readonly provenance: string | null }[] } };
}

const shown = `query ($id: ID!) { run(id: $id) { status provenance failure { code }
  steps(first: 50) { nodes { kind provenance } } thread { messages { nodes { role provenance } } } } }`;
const create = `mutation ($agent: String!, $simulatedAllowed: Boolean!) {
  result: createThread(input: { agent: { name: $agent }, config: { simulatedAllowed: $simulatedAllowed } }) {
    ... on CreateThreadPayload { made: thread { id } } } }`;
const send = `mutation ($thread: ID!) { result: sendMessage(input: { thread: $thread, text: "Hello." }) {
  ... on SendMessagePayload { made: run { id } } } }`;

/** One message to an agent of the framework, and all that the graph says of where the answer came from. */
async function talk(standing: Standing, framework: string, allowed: Allowed) {
  const app = hosts.get(standing);
  if (!app) throw new Error(`There is no host ${standing}.`);
  const made = async (query: string, variables: Record<string, unknown>): Promise<string> =>
    (await app.graphql<{ result: { made: { id: string } } }>(query, variables)).result.made.id;
  const thread = await made(create, { agent: framework, simulatedAllowed: allowed === "simulatedAllowed" });
  const id = await made(send, { thread });
  let run: Shown;
  do {
    await new Promise((resolve) => setTimeout(resolve, 10));
    ({ run } = await app.graphql<{ run: Shown }>(shown, { id }));
  } while (run.status === "QUEUED" || run.status === "RUNNING");
  const known = await app.graphql<{ frameworks: { name: string; mode: string }[] }>("{ frameworks { name mode } }");
  return {
    status: run.status,
    failure: run.failure?.code,
    framework: known.frameworks.find(({ name }) => name === framework)?.mode,
    run: run.provenance,
    // A node of a graph or a task of a crew has models below it, and none of its own.
    steps: [...new Set(run.steps.nodes.filter(({ kind }) => kind === "MODEL").map(({ provenance }) => provenance))],
    message: run.thread.messages.nodes.filter(({ role }) => role === "ASSISTANT").map(({ provenance }) => provenance),
  };
}

const refused = { status: "FAILED", failure: "SIMULATION_FORBIDDEN", run: null, steps: [], message: [] };

describe.each([...frameworks.keys()])("where an answer of %s comes from", (framework) => {
  it("stands on framework, run, step and message: SIMULATED without a key, LIVE with one", async () => {
    const marked = (mark: string) => ({
      status: "SUCCEEDED",
      failure: undefined,
      framework: mark,
      run: mark,
      steps: [mark],
      message: [mark],
    });
    expect(await talk("keyless", framework, "simulatedAllowed")).toEqual(marked("SIMULATED"));
    const before = provider.seen.length;
    expect(await talk("keyed", framework, "simulatedForbidden")).toEqual(marked("LIVE"));
    expect(provider.seen.length).toBe(before + 1);
  });

  it("is no simulated model where the thread forbids it, or the host, whatever the thread says", async () => {
    expect(await talk("keyless", framework, "simulatedForbidden")).toEqual({ ...refused, framework: "SIMULATED" });
    expect(await talk("strict", framework, "simulatedAllowed")).toEqual({ ...refused, framework: "UNAVAILABLE" });
  });
});

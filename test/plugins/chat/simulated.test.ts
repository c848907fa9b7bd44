import { expect, it } from "vitest";
import { agents, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { collect, testPlatform, type TestPlatformOptions } from "../../../src/testing/index.ts";

interface Sent {
  readonly sendMessage: { readonly __typename: string; readonly code?: string; readonly run?: { readonly id: string } };
}

const send = `mutation ($thread: ID!, $text: String!) { sendMessage(input: { thread: $thread, text: $text }) { __typename
  ... on SendMessagePayload { run { id } } ... on UserError { code message } } }`;

async function boot(host: Pick<TestPlatformOptions, "mode" | "simulation"> = {}) {
  const app = await testPlatform({
    ...host,
    plugins: [models({ bindings: { openai: {} } }), simulated({ tokensPerSecond: 0 }), capabilities(), openai(), agents(), chat()],
  });
  await app.graphql(
    'mutation { createAgent(input: { name: "Assistant", framework: "openai", capabilities: ["math.evaluate"] }) { __typename } }',
  );
  const open = async (config = "{}"): Promise<string> => {
    const data = await app.graphql<{ createThread: { thread: { id: string } } }>(
      `mutation { createThread(input: { agent: { name: "Assistant" }, config: ${config} }) { ... on CreateThreadPayload { thread { id } } } }`,
    );
    return data.createThread.thread.id;
  };
  const follow = (thread: string) =>
    app.subscribe<{ threadEvents: { type: string; text?: string; runStatus?: string; failure?: { code: string } | null } }>(
      `subscription ($thread: ID!) { threadEvents(thread: $thread, after: 0) { type ... on MessageDeltaEvent { text } ... on RunStatusEvent { runStatus failure { code } } } }`,
      { thread },
    );
  return { app, open, follow, [Symbol.asyncDispose]: () => app.close() };
}

it("a thread with the real SDK and no key gets a simulated answer that says so", async () => {
  await using host = await boot();
  const thread = await host.open();
  const following = await host.follow(thread);
  const { sendMessage } = await host.app.graphql<Sent>(send, { thread, text: "Hello there" });
  expect(sendMessage.__typename).toBe("SendMessagePayload");
  const events = await collect(following, { until: ({ threadEvents }) => threadEvents.runStatus === "SUCCEEDED" });
  const streamed = events.map(({ threadEvents }) => threadEvents.text ?? "").join("");
  const { thread: state } = await host.app.graphql<{
    thread: { messages: { nodes: { role: string; text: string; provenance: string | null; run: { provenance: string } }[] } };
  }>("query ($id: ID!) { thread(id: $id) { messages { nodes { role text provenance run { provenance } } } } }", { id: thread });
  expect(state.messages.nodes).toEqual([
    { role: "USER", text: "Hello there", provenance: null, run: { provenance: "SIMULATED" } },
    { role: "ASSISTANT", text: streamed, provenance: "SIMULATED", run: { provenance: "SIMULATED" } },
  ]);
  expect(streamed.length).toBeGreaterThan(10);
});

it("a thread that forbids simulation gets none", async () => {
  await using host = await boot();
  const thread = await host.open("{ simulatedAllowed: false }");
  const following = await host.follow(thread);
  await host.app.graphql<Sent>(send, { thread, text: "Hello there" });
  const events = await collect(following, { until: ({ threadEvents }) => threadEvents.runStatus === "FAILED" });
  expect(events.at(-1)?.threadEvents.failure?.code).toBe("SIMULATION_FORBIDDEN");
  expect(events.filter(({ threadEvents }) => threadEvents.type === "message.delta")).toEqual([]);
});

it.each([{ mode: "production" }, { simulation: "forbidden" }] as const)(
  "nothing is simulated on a host that forbids it, whatever the thread says: %o",
  async (settings) => {
    await using host = await boot(settings);
    const thread = await host.open("{ simulatedAllowed: true }");
    const following = await host.follow(thread);
    await host.app.graphql<Sent>(send, { thread, text: "Hello there" });
    const events = await collect(following, { until: ({ threadEvents }) => threadEvents.runStatus === "FAILED" });
    expect(events.at(-1)?.threadEvents.failure?.code).toBe("SIMULATION_FORBIDDEN");
    const { frameworks } = await host.app.graphql<{ frameworks: object[] }>("{ frameworks { name mode reason fix } }");
    expect(frameworks).toEqual([
      {
        name: "openai",
        mode: "UNAVAILABLE",
        reason: 'The binding "openai" has no API key.',
        fix: expect.stringContaining("models({ bindings: { openai: { apiKey: process.env.OPENAI_API_KEY } } })"),
      },
    ]);
  },
);

it("in production simulation may be allowed, and still says so", async () => {
  await using host = await boot({ mode: "production", simulation: "allowed" });
  const thread = await host.open();
  const following = await host.follow(thread);
  await host.app.graphql<Sent>(send, { thread, text: "Hello there" });
  await collect(following, { until: ({ threadEvents }) => threadEvents.runStatus === "SUCCEEDED" });
  const { frameworks } = await host.app.graphql<{ frameworks: object[] }>("{ frameworks { mode } }");
  expect(frameworks).toEqual([{ mode: "SIMULATED" }]);
});

it("an agent that is stopped takes no messages, and the thread stays as it was", async () => {
  await using host = await boot();
  const thread = await host.open();
  await host.app.graphql('mutation { stopAgent(agent: { name: "Assistant" }) { __typename } }');
  const { sendMessage } = await host.app.graphql<Sent>(send, { thread, text: "Hello" });
  expect(sendMessage).toMatchObject({ __typename: "ConflictError", code: "AGENT_NOT_ACTIVE" });
  const { thread: state } = await host.app.graphql<{ thread: { lastSeq: number; agent: { status: string } } }>(
    "query ($id: ID!) { thread(id: $id) { lastSeq agent { status } } }",
    { id: thread },
  );
  expect(state).toEqual({ lastSeq: 0, agent: { status: "PAUSED" } });
});

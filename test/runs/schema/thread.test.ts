import { describe, expect, it } from "vitest";
import { agents, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { collect, testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { alice, bob } from "./fixtures.ts";

const boot = (): Promise<TestPlatform> => testPlatform({ plugins: [models(), simulated(), capabilities(), openai(), agents(), chat()] });

const start = `mutation ($input: StartRunInput!) { startRun(input: $input) {
  __typename
  ... on StartRunPayload { run { id thread { id } input } }
  ... on UserError { code path }
} }`;

interface Started {
  readonly startRun: { readonly __typename: string; readonly run: { readonly id: string } };
}

async function open(app: TestPlatform): Promise<{ agent: string; thread: string }> {
  const made = await app.graphql<{ createAgent: { agent: { id: string } }; createThread: { thread: { id: string } } }>(
    `mutation {
      createAgent(input: { name: "Weaver", framework: "openai" }) { ... on CreateAgentPayload { agent { id } } }
      createThread(input: { title: "Loom" }) { ... on CreateThreadPayload { thread { id } } }
    }`,
    {},
    alice,
  );
  return { agent: made.createAgent.agent.id, thread: made.createThread.thread.id };
}

describe("startRun in a thread", () => {
  it("puts what the run is told there as a message, which its answer follows", async () => {
    await using app = await boot();
    const { agent, thread } = await open(app);
    const input = { target: { agent: { id: agent } }, thread, text: "Which colour is woad?", input: { rows: 2 }, idempotencyKey: "k" };
    const first = await app.graphql<Started>(start, { input }, alice);
    expect(first).toMatchObject({ startRun: { __typename: "StartRunPayload", run: { thread: { id: thread } } } });
    expect(await app.graphql(start, { input }, alice)).toEqual(first);
    const { run } = first.startRun;
    await collect(app.subscribe("subscription ($run: ID!) { runEvents(run: $run, after: 0) { seq } }", { run: run.id }, alice));
    const { thread: shown } = await app.graphql<{ thread: object }>(
      "query ($id: ID!) { thread(id: $id) { messages { nodes { role text status run { id } author { self } parts { ... on DataPart { name data } } } } } }",
      { id: thread },
      alice,
    );
    expect(shown).toEqual({
      messages: {
        nodes: [
          {
            role: "USER",
            text: input.text,
            status: "COMPLETE",
            run: { id: run.id },
            author: { self: true },
            parts: [{}, { name: "input", data: { rows: 2 } }],
          },
          { role: "ASSISTANT", text: expect.stringContaining("woad"), status: "COMPLETE", run: { id: run.id }, author: null, parts: [{}] },
        ],
      },
    });
  });

  it("is refused for another's thread, a malformed one and an unknown agent", async () => {
    await using app = await boot();
    const { agent, thread } = await open(app);
    const send = (input: object, viewer = alice) =>
      app.graphql(start, { input: { target: { agent: { id: agent } }, text: "Hello", ...input } }, viewer);
    expect(await send({ thread }, bob)).toEqual({
      startRun: { __typename: "NotFoundError", code: "NOT_FOUND", path: ["input", "thread"] },
    });
    expect(await send({ thread: agent })).toEqual({
      startRun: { __typename: "InvalidInputError", code: "INVALID_ID", path: ["input", "thread"] },
    });
    expect(await send({ target: { agent: { name: "Nobody" } } })).toMatchObject({
      startRun: { __typename: "NotFoundError", code: "NOT_FOUND" },
    });
    expect(await app.graphql("{ runs { totalCount } }", {}, alice)).toEqual({ runs: { totalCount: 0 } });
  });
});

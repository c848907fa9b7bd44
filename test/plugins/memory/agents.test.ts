import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memory } from "../../../src/plugins/index.ts";
import { ada, bob, remembering, type Remembering } from "./world.ts";
import type { Viewer } from "../../../src/core/index.ts";

let world: Remembering;
beforeAll(async () => {
  world = await remembering(memory({ embedder: "lexical-hash-384" }));
  const tools = ["memory.remember", "memory.search", "memory.forget"];
  await hire({ name: "Rememberer", capabilities: tools, memory: { recall: true, scopes: ["USER"], limit: 3 } });
  await hire({ name: "Forgetful", capabilities: tools, memory: { recall: false, scopes: ["THREAD"] } });
});
afterAll(() => world.app.close());

async function hire(input: object): Promise<void> {
  await world.app.graphql(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }",
    { input: { framework: "openai", ...input } },
    ada,
  );
}

interface Said {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly steps: {
    readonly nodes: readonly { readonly key: string; readonly kind: string; readonly status: string; readonly output: unknown }[];
  };
  readonly events: readonly {
    readonly type: string;
    readonly action?: string;
    readonly records?: readonly { readonly id: string; readonly text: string }[];
  }[];
}

const shown = `id status text steps(first: 50) { nodes { key kind status output } }
  events(first: 200) { type ... on MemoryEvent { action records { id text } } }`;

async function say(agent: string, text: string, viewer: Viewer = ada): Promise<Said> {
  const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
    "mutation ($input: CreateThreadInput!) { createThread(input: $input) { ... on CreateThreadPayload { thread { id } } } }",
    { input: { agent: { name: agent } } },
    viewer,
  );
  const { sendMessage } = await world.app.graphql<{ sendMessage: { run: { id: string } } }>(
    "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }",
    { input: { thread: createThread.thread.id, text } },
    viewer,
  );
  const read = async (): Promise<Said> =>
    (await world.app.graphql<{ run: Said }>(`query ($id: ID!) { run(id: $id) { ${shown} } }`, { id: sendMessage.run.id }, viewer)).run;
  await expect.poll(async () => (await read()).status, { timeout: 20_000 }).toBe("SUCCEEDED");
  return read();
}

const eventsOf = (run: Said, action: string) => run.events.filter((event) => event.action === action);

describe("an agent with a memory", () => {
  it("remembers what it is told by a tool, and answers from it in another thread; the log names the record", async () => {
    const told = await say("Rememberer", "Remember that the customer resets her password every Monday.");
    const [saved] = eventsOf(told, "SAVED");
    expect(saved?.records).toMatchObject([{ text: "the customer resets her password every Monday." }]);
    const asked = await say("Rememberer", "When does the customer reset her password?");
    expect(asked.text).toContain("resets her password every Monday");
    const [recalled] = eventsOf(asked, "RECALLED");
    expect(recalled?.records?.[0]?.id).toBe(saved?.records?.[0]?.id);
    expect((await world.node(saved?.records?.[0]?.id ?? ""))?.sourceRun?.id).toBe(told.id);
  });

  it("shows nobody what another told it", async () => {
    await say("Rememberer", "Remember that the vault opens with indigo.");
    const asked = await say("Rememberer", "What opens the vault?", bob);
    expect(asked.text).not.toContain("indigo");
    expect(eventsOf(asked, "RECALLED")[0]?.records).toEqual([]);
    const found = await say("Rememberer", 'Use memory.search with {"query": "vault indigo"}', bob);
    expect(JSON.stringify(found)).not.toContain("opens with indigo");
  });

  it("uses no scope that its settings do not name", async () => {
    await say("Rememberer", "Remember that the harbour freezes in March.");
    const refused = await say("Forgetful", 'Use memory.search with {"query": "harbour freezes", "scopes": ["USER"]}');
    expect(refused.text).toContain("may not use the scope USER");
    const other = await say("Forgetful", 'Use memory.search with {"query": "harbour freezes"}');
    expect(JSON.stringify(other.steps)).not.toContain("in March");
  });

  it("forgets what it is asked to, and an event of it tells nothing of what that was", async () => {
    const told = await say("Rememberer", "Remember that the spare key lies under the mat.");
    const [record] = eventsOf(told, "SAVED")[0]?.records ?? [];
    const local = Buffer.from(record?.id ?? "", "base64url").toString();
    const found = await say("Rememberer", 'Use memory.search with {"query": "spare key mat"}');
    const id = /"id":\s*"([^"]+)"/.exec(JSON.stringify(found.steps).replaceAll('\\"', '"'))?.[1] ?? local;
    const gone = await say("Rememberer", `Use memory.forget with ${JSON.stringify({ id })}`);
    expect(eventsOf(gone, "FORGOTTEN")).toMatchObject([{ records: [] }]);
    expect(await world.node(record?.id ?? "")).toBeNull();
  });
});

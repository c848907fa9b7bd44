import { afterAll, describe, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "./server.ts";

const { folder, remove } = dataFolder();
let server: Server | undefined;
afterAll(async () => {
  await server?.kill();
  remove();
});

interface Run {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly events: readonly { readonly action?: string; readonly records?: readonly { readonly id: string; readonly text: string }[] }[];
}

/** Says something to the agent in a thread of its own. */
async function say(at: Server, text: string): Promise<Run> {
  const { createThread } = await at.graphql<{ createThread: { thread: { id: string } } }>(
    'mutation { createThread(input: { agent: { name: "Support" } }) { ... on CreateThreadPayload { thread { id } } } }',
  );
  const { sendMessage } = await at.graphql<{ sendMessage: { run: { id: string } } }>(
    "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }",
    { input: { thread: createThread.thread.id, text } },
  );
  const query =
    "query ($id: ID!) { run(id: $id) { id status text events(first: 200) { ... on MemoryEvent { action records { id text } } } } }";
  const read = async (): Promise<Run> => (await at.graphql<{ run: Run }>(query, { id: sendMessage.run.id })).run;
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).toBe("SUCCEEDED");
  return read();
}

describe("an agent with a memory, without a key", () => {
  it("answers after a kill -9, in another thread and in other words, from what it was told", { timeout: 90_000 }, async () => {
    server = await startServer(folder);
    await server.graphql(
      `mutation { createAgent(input: { name: "Support", framework: "openai", capabilities: ["memory.remember"],
        memory: { recall: true, scopes: [USER], limit: 3 } }) { __typename } }`,
    );
    for (const text of ["Remember that the office closes at six in the evening.", "Remember that the new printer is on the third floor."])
      await say(server, text);
    const told = await say(server, "Remember that the customer resets her password every Monday.");
    const record = told.events.find(({ action }) => action === "SAVED")?.records?.[0];
    expect(record?.text).toContain("password");

    await server.kill();
    server = await startServer(folder);
    const asked = await say(server, "When do the login credentials change?");
    expect(asked.text).toContain("resets her password every Monday");
    expect(asked.events.find(({ action }) => action === "RECALLED")?.records?.[0]?.id).toBe(record?.id);
    const { searchMemory } = await server.graphql<{ searchMemory: { matchedBy: string[]; record: { id: string } }[] }>(
      '{ searchMemory(input: { query: "When do the login credentials change?", scopes: [{ scope: USER }] }) { matchedBy record { id } } }',
    );
    expect(searchMemory[0]).toEqual({ matchedBy: ["VECTOR"], record: { id: record?.id } });
  });
});

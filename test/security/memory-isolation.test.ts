import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Viewer } from "../../src/core/index.ts";
import { memory } from "../../src/plugins/index.ts";
import { testViewer } from "../../src/testing/index.ts";
import { remembering, type Remembering } from "../plugins/memory/world.ts";

const tenants = 10;
const users = 10;
const perUser = { USER: 60, THREAD: 20, AGENT: 20 } as const;
const perTenant = 10;
const everybody = Array.from({ length: tenants * users }, (_, at) =>
  testViewer(`user-${at}`, { tenantId: `tenant-${at % tenants}`, roles: at < tenants ? ["admin"] : [] }),
);
const all = everybody.length * (perUser.USER + perUser.THREAD + perUser.AGENT) + tenants * perTenant;

/** Whose a fact is stands in it as one word; all else is alike, so that every search ranks those of all. */
const markOf = ({ actorId, tenantId }: Viewer): string => `${actorId}-${tenantId}`.replaceAll("-", "");
const factOf = (mark: string, n: number): string => `The password number ${n} of the account ${mark} is a secret.`;
const marksIn = (text: string): string[] => [...text.matchAll(/account (\w+) is/g)].map(([, mark]) => mark ?? "");

let world: Remembering;
const agentOf = new Map<string, string>();
const threadOf = new Map<string, string>();

beforeAll(async () => {
  world = await remembering(memory({ embedder: "lexical-hash-384" }));
  for (const viewer of everybody.slice(0, tenants)) {
    const { createAgent } = await world.app.graphql<{ createAgent: { agent: { id: string } } }>(
      "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } } }",
      {
        input: {
          name: "Keeper",
          framework: "openai",
          capabilities: ["memory.search"],
          memory: { recall: true, scopes: ["USER", "TENANT", "AGENT", "THREAD", "WORKFLOW"], limit: 50 },
        },
      },
      viewer,
    );
    agentOf.set(viewer.tenantId, createAgent.agent.id);
  }
  for (const viewer of everybody) threadOf.set(viewer.actorId, await openThread(viewer));
  await Promise.all(everybody.map((viewer) => fill(viewer)));
});
afterAll(() => world?.app.close());

async function openThread(viewer: Viewer): Promise<string> {
  const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
    'mutation { createThread(input: { agent: { name: "Keeper" } }) { ... on CreateThreadPayload { thread { id } } } }',
    {},
    viewer,
  );
  return createThread.thread.id;
}

function scopesOf(viewer: Viewer) {
  return [
    { scope: "USER" },
    { scope: "TENANT" },
    { scope: "AGENT", id: agentOf.get(viewer.tenantId) },
    { scope: "THREAD", id: threadOf.get(viewer.actorId) },
  ];
}

async function fill(viewer: Viewer): Promise<void> {
  const mark = markOf(viewer);
  const [user, tenant, agent, thread] = scopesOf(viewer);
  const shared = viewer.roles.includes("admin") ? Array.from({ length: perTenant }, () => tenant) : [];
  const places = [
    ...Array.from({ length: perUser.USER }, () => user),
    ...Array.from({ length: perUser.AGENT }, () => agent),
    ...Array.from({ length: perUser.THREAD }, () => thread),
    ...shared,
  ];
  for (const [n, scope] of places.entries())
    await world.keep(factOf(scope === tenant ? viewer.tenantId.replace("-", "") : mark, n), scope, {}, viewer);
}

/** What the viewer may read, and how much of what was found is another's. */
function foreignIn(viewer: Viewer, marks: readonly string[]): string[] {
  const own = new Set([markOf(viewer), viewer.tenantId.replace("-", "")]);
  return marks.filter((mark) => !own.has(mark));
}

describe(`of ${all} records alike, of 100 users in 10 tenants,`, () => {
  it("a search of any viewer finds none of another, whatever it asks for", async () => {
    expect(await world.app.platform.database.read.get("select count(*) as n from memory_record")).toEqual({ n: all });
    const found: string[] = [];
    for (const [at, viewer] of everybody.entries()) {
      const other = markOf(everybody[(at + 1) % everybody.length] as Viewer);
      for (const query of ["secret password", factOf(other, 7)]) {
        const hits = (await world.search(query, { scopes: scopesOf(viewer), limit: 100 }, viewer)) ?? [];
        const marks = hits.flatMap(({ record }) => marksIn(record.text));
        expect(marks.length).toBeGreaterThan(50);
        found.push(...foreignIn(viewer, marks));
      }
    }
    expect(found).toEqual([]);
  });

  it("scopes of another are none to a viewer, whose ids it may well know", async () => {
    for (const [at, viewer] of everybody.entries()) {
      const other = everybody[(at + 1) % everybody.length] as Viewer;
      const [, , agent, thread] = scopesOf(other);
      for (const scope of [agent, thread]) expect(await world.search("secret password", { scopes: [scope] }, viewer)).toBeNull();
    }
  });

  it("an agent is shown and finds none of another, by what it recalls and by its tool", async () => {
    const runs = await Promise.all(everybody.map((viewer) => ask(viewer)));
    const found: string[] = [];
    for (const [at, told] of runs.entries()) {
      const viewer = everybody[at] as Viewer;
      const marks = marksIn(told);
      expect(marks.length).toBeGreaterThan(20);
      found.push(...foreignIn(viewer, marks));
    }
    expect(found).toEqual([]);
  });
});

/** Lets an agent search. @returns all that the run says of it. */
async function ask(viewer: Viewer): Promise<string> {
  const text = 'Use memory.search with {"query": "secret password", "limit": 20}';
  const { sendMessage } = await world.app.graphql<{ sendMessage: { run: { id: string } } }>(
    "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }",
    { input: { thread: threadOf.get(viewer.actorId), text } },
    viewer,
  );
  const read = async () =>
    (
      await world.app.graphql<{ run: { status: string } }>(
        `query ($id: ID!) { run(id: $id) { status text steps(first: 50) { nodes { output } }
          events(first: 200) { ... on MemoryEvent { records { text } } } } }`,
        { id: sendMessage.run.id },
        viewer,
      )
    ).run;
  await expect.poll(async () => (await read()).status, { interval: 200 }).toBe("SUCCEEDED");
  return JSON.stringify(await read());
}

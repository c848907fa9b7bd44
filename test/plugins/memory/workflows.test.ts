import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/core/index.ts";
import { crewai, langchain, langgraph, memory } from "../../../src/plugins/index.ts";
import { apply, applied, setPolicy } from "../retention/world.ts";
import { ada, admin, bob, eve, remembering, type RecordData, type Remembering } from "./world.ts";

let world: Remembering;
beforeAll(async () => {
  world = await remembering(memory({ embedder: "lexical-hash-384" }), [langchain(), langgraph(), crewai()]);
  for (const { name, ...input } of team) await hire({ name, memory: { recall: true, scopes: ["WORKFLOW"], limit: 5 }, ...input });
  await hire({ name: "Outsider", framework: "openai", memory: { recall: true, scopes: ["USER", "AGENT", "THREAD"], limit: 5 } });
});
afterAll(() => world.app.close());

const crew = {
  name: "pair",
  agents: { writer: { role: "Writer", goal: "Write.", backstory: "You write." } },
  tasks: [{ name: "write", description: "Answer: what is the dye of the cloth?", expected_output: "A word.", agent: "writer" }],
};

/** An agent of each framework, which recall from the scope WORKFLOW alone. */
const team = [
  { name: "openai", framework: "openai", capabilities: ["memory.remember", "memory.search"] },
  { name: "langchain", framework: "langchain" },
  { name: "langgraph", framework: "langgraph" },
  { name: "crewai", framework: "crewai", options: { engine: "typescript" } },
  { name: "crew", framework: "crewai", options: { engine: "typescript", crew } },
];

async function hire(input: object): Promise<void> {
  const { createAgent } = await world.app.graphql<{ createAgent: { __typename: string } }>(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ... on UserError { message } } }",
    { input },
    ada,
  );
  expect(createAgent, JSON.stringify(createAgent)).toMatchObject({ __typename: "CreateAgentPayload" });
}

let flows = 0;
async function flow(nodes: readonly object[], viewer: Viewer = ada): Promise<string> {
  const name = `flow ${++flows}`;
  const { createWorkflow } = await world.app.graphql<{ createWorkflow: { __typename: string } }>(
    `mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename
      ... on InvalidInputError { issues { path message } } ... on UserError { message } } }`,
    { input: { name, nodes } },
    viewer,
  );
  expect(createWorkflow).toMatchObject({ __typename: "CreateWorkflowPayload" });
  return name;
}

interface Event {
  readonly runId?: string;
  readonly runStatus?: string;
  readonly action?: string;
  readonly records?: readonly { readonly id: string; readonly text: string; readonly scope: string }[];
}

/** A run, with what the logs of its tree tell of the memory. */
interface Seen {
  readonly id: string;
  readonly status: string;
  readonly output: unknown;
  readonly failure: { readonly message: string } | null;
  readonly events: readonly Event[];
  readonly children: { readonly nodes: readonly { readonly id: string; readonly targetName: string }[] };
}

async function play(workflow: string, viewer: Viewer = ada, more: object = {}): Promise<Seen> {
  const { startRun } = await world.app.graphql<{ startRun: { run?: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { workflow: { name: workflow } }, ...more } },
    viewer,
  );
  const id = startRun.run?.id ?? "";
  const events: Event[] = [];
  const stream = await world.app.subscribe<{ runEvents: Event }>(
    `subscription ($id: ID!) { runEvents(run: $id, after: 0) { ... on MemoryEvent { runId action records { id text scope } }
      ... on RunStatusEvent { runId runStatus } } }`,
    { id },
    viewer,
  );
  for await (const { runEvents: event } of stream) {
    if (event.action !== undefined) events.push(event);
    if (event.runId === id && ["SUCCEEDED", "FAILED"].includes(event.runStatus ?? "")) break;
  }
  await stream.return?.();
  const { run } = await world.app.graphql<{ run: Omit<Seen, "events"> }>(
    "query ($id: ID!) { run(id: $id) { id status output failure { message } children(first: 20) { nodes { id targetName } } } }",
    { id },
    viewer,
  );
  return { ...run, events };
}

/** The id of a row behind an id of the graph. */
const localId = (id: string): string => Buffer.from(id, "base64url").toString().split(":").at(-1) ?? "";
const agentNode = (key: string, agent: string, text: string, more: object = {}) => ({
  key,
  kind: "agent",
  config: { agent, text },
  ...more,
});
const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const dyed = "Remember that the dye of the cloth is indigo.";
const question = "What is the dye of the cloth?";
const ofRun = (id: string) => ({ scope: { scope: "WORKFLOW", id } });

/** All that a viewer remembers of the scope WORKFLOW, by way of the list of everything. */
const workflowRecords = async (viewer: Viewer = ada): Promise<readonly RecordData[]> =>
  ((await world.list(undefined, viewer)) ?? []).filter(({ scope }) => scope === "WORKFLOW");

describe("the scope WORKFLOW", () => {
  it("is shared by the agents of one run, of every framework, and of the runs below it", { timeout: 60_000 }, async () => {
    const below = await flow([
      agentNode("ask", "langchain", question),
      {
        key: "end",
        kind: "transform",
        ...after("ask"),
        config: { expression: "{'said': nodes.ask.output, 'facts': memory.map(m, m.text)}" },
      },
    ]);
    const asks = team.map(({ name }) => agentNode(`ask_${name}`, name, question, after("tell")));
    const run = await play(
      await flow([
        agentNode("tell", "openai", dyed),
        ...asks,
        { key: "below", kind: "workflow", ...after("tell"), config: { workflow: below, input: {} } },
      ]),
    );
    expect(run).toMatchObject({ status: "SUCCEEDED", failure: null });
    const output = run.output as Readonly<Record<string, unknown>>;
    // A crew puts the question into words of its own, which the simulated model does not take for one.
    for (const { name, framework } of team) if (framework !== "crewai") expect(output[`ask_${name}`], name).toContain("indigo");
    expect(output["below"]).toMatchObject({ said: expect.stringContaining("indigo"), facts: ["the dye of the cloth is indigo."] });
    // The log of the run names the record, once saved, and once for each agent that was shown it.
    const [saved] = run.events.filter(({ action }) => action === "SAVED");
    const recalled = run.events.filter(({ action, records }) => action === "RECALLED" && (records?.length ?? 0) > 0);
    expect(saved?.records).toMatchObject([{ scope: "WORKFLOW", text: "the dye of the cloth is indigo." }]);
    expect(new Set(recalled.flatMap(({ records = [] }) => records.map(({ id }) => id)))).toEqual(new Set([saved?.records?.[0]?.id]));
    expect(new Set(recalled.map(({ runId }) => runId)).size).toBe(team.length + 1);
    // Its owner reads it by any run of the tree.
    const child = run.children.nodes.find(({ targetName }) => targetName === below);
    for (const id of [run.id, child?.id ?? ""])
      expect(await world.search("indigo dye", { scopes: [ofRun(id).scope] })).toMatchObject([
        { record: { text: "the dye of the cloth is indigo." } },
      ]);
  });

  it(
    "is nobody else's: no other run, agent, viewer or tenant finds it by recall, tools, lists or searches",
    { timeout: 60_000 },
    async () => {
      const secret = await flow([agentNode("tell", "openai", "Remember that the password of the mill is umbra.")]);
      const run = await play(secret);
      const [record] = run.events.find(({ action }) => action === "SAVED")?.records ?? [];
      expect(record?.text).toContain("umbra");
      const search = { key: "search", kind: "tool", config: { tool: "memory.search", arguments: { query: "password of the mill umbra" } } };
      const forget = {
        key: "forget",
        kind: "tool",
        onError: "CONTINUE",
        config: {
          tool: "memory.forget",
          arguments: {
            id: Buffer.from(record?.id ?? "", "base64url")
              .toString()
              .split(":")
              .at(-1),
          },
        },
      };
      const others = [
        ...["openai", "Outsider"].map((agent) => agentNode(`ask_${agent}`, agent, "What is the password of the mill?")),
        search,
        forget,
        { key: "read", kind: "transform", config: { expression: "memory" } },
      ];
      const askers = async (viewer: Viewer): Promise<string> =>
        flow(
          others.filter((node) => viewer.tenantId === ada.tenantId || !("config" in node && "agent" in node.config)),
          viewer,
        );
      for (const viewer of [ada, bob, eve]) {
        const other = await play(await askers(viewer), viewer);
        expect(other, JSON.stringify(other)).toMatchObject({ status: "SUCCEEDED" });
        expect(JSON.stringify([other.output, other.events])).not.toContain("umbra");
        expect(other.output).toMatchObject({ search: { records: [] }, forget: null, read: [] });
      }
      for (const viewer of [bob, eve, admin]) {
        expect(await world.search("password of the mill", { scopes: [ofRun(run.id).scope] }, viewer).catch(() => null)).toBeNull();
        expect(await world.list(ofRun(run.id).scope, viewer).catch(() => undefined)).toBeFalsy();
        expect(await world.remember("I was here.", ofRun(run.id).scope, {}, viewer)).toMatchObject({ code: "NOT_FOUND" });
        expect(await world.forgetAll(ofRun(run.id).scope, viewer)).toMatchObject({ code: "NOT_FOUND" });
        expect(await world.node(record?.id ?? "", viewer)).toBeNull();
        expect(JSON.stringify(await workflowRecords(viewer))).not.toContain("umbra");
      }
      expect(await world.list(ofRun(run.id).scope)).toMatchObject([{ id: record?.id }]);
    },
  );
});

describe("what a run remembers", () => {
  it("goes with the run that a policy removes, and what others remember stays", { timeout: 60_000 }, async () => {
    const keep = (text: string) => ({
      key: "k",
      kind: "tool",
      config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW" } },
    });
    const [old, young] = [
      await play(await flow([keep("The old cloth is grey.")])),
      await play(await flow([keep("The new cloth is white.")])),
    ];
    await world.keep("I like wool.");
    const grey = (await world.list(ofRun(old.id).scope))?.[0]?.id ?? "";
    await world.app.platform.database.commit(
      (tx) => tx.sql.run("update runs_run set finished_at = finished_at - 100000000 where id = ?", localId(old.id)),
      "test",
    );
    const { policy } = await setPolicy(world.app, { target: "RUNS", maxAge: "P1D" });
    await applied(world.app, (await apply(world.app, { policies: [policy?.id] })).job?.id);
    expect(await world.node(grey)).toBeNull();
    const left = (await world.list())?.map(({ text }) => text) ?? [];
    expect(left).toContain("The new cloth is white.");
    expect(left).toContain("I like wool.");
    expect(left).not.toContain("The old cloth is grey.");
    expect(await world.list(ofRun(young.id).scope)).toHaveLength(1);
    const { read } = world.app.platform.database;
    for (const where of ["memory_record where scope_id = ?", "memory_space where scope_id = ?", "memory_call where key like ? || '/%'"])
      expect(await read.all(`select * from ${where}`, localId(old.id)), where).toEqual([]);
    expect(await read.all("select rowid from memory_text where memory_text match 'grey'")).toEqual([]);
    expect(await read.all("select key from memory_call where key like ? || '/%'", localId(young.id))).toHaveLength(1);
  });

  it("goes with its thread", { timeout: 60_000 }, async () => {
    const { createThread } = await world.app.graphql<{ createThread: { thread: { id: string } } }>(
      'mutation { createThread(input: { title: "Cloth" }) { ... on CreateThreadPayload { thread { id } } } }',
      {},
      ada,
    );
    const { id: thread } = createThread.thread;
    const keep = {
      key: "k",
      kind: "tool",
      config: { tool: "memory.remember", arguments: { text: "The thread is silk.", scope: "WORKFLOW" } },
    };
    const run = await play(await flow([keep]), ada, { thread });
    const silk = (await world.list(ofRun(run.id).scope))?.[0]?.id ?? "";
    expect(await world.node(silk)).toMatchObject({ text: "The thread is silk." });
    await world.app.graphql("mutation ($id: ID!) { deleteThread(thread: $id) { __typename } }", { id: thread }, ada);
    expect(await world.node(silk)).toBeNull();
  });
});

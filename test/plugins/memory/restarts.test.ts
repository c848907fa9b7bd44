import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { faultInjections, type FailpointName } from "../../../src/core/runs/failpoint.ts";
import { memory } from "../../../src/plugins/index.ts";
import { crashCopy } from "../../../src/testing/conformance/crash-copy.ts";
import { ada, remembering, type Remembering } from "./world.ts";

/** Behind what stands in the store for good. */
const durable: readonly FailpointName[] = [
  "append.committed",
  "tool.executed",
  "memory.remember-tool.committed",
  "memory.forget-tool.committed",
];

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const remember = (key: string, text: string, more: object = {}, rest: object = {}) => ({
  key,
  kind: "tool",
  config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW", ...rest } },
  ...more,
});

const nodes = [
  remember("one", "The dye is indigo."),
  remember("same", "the dye is INDIGO", after("one")),
  remember("other", "The dye is woad.", after("same"), { replaces: "{{ nodes.one.output.id }}" }),
  remember("wrong", "The loom is glass.", after("other")),
  { key: "forget", kind: "tool", ...after("wrong"), config: { tool: "memory.forget", arguments: { id: "{{ nodes.wrong.output.id }}" } } },
  { key: "agent", kind: "agent", ...after("forget"), config: { agent: "Weaver", text: "Remember that the loom is oak." } },
  { key: "oak", kind: "transform", when: "memory.exists(m, m.text.contains('oak'))", ...after("agent"), config: { expression: "true" } },
  {
    key: "end",
    kind: "transform",
    ...after("oak"),
    config: {
      expression: `{'texts': memory.map(m, m.text), 'oak': nodes.oak.output, 'outcomes': [nodes.one.output.outcome, nodes.same.output.outcome,
        nodes.other.output.outcome, nodes.wrong.output.outcome], 'forgot': nodes.forget.output.forgotten == nodes.wrong.output.id}`,
    },
  },
];

const open = (failpoint: (at: FailpointName) => void, dataDir?: string): Promise<Remembering> => {
  const faults = definePlugin({ id: "faults", contributes: [contribution(faultInjections, "suite", { failpoint, drainMs: 0 })] });
  return remembering(memory({ embedder: "lexical-hash-384" }), [faults()], dataDir);
};

interface Ended {
  readonly status: string;
  readonly output: unknown;
  readonly interrupts: unknown;
  readonly kept: readonly string[];
  readonly told: readonly string[];
}

/** What a run came to, what is remembered, and what the logs of the tree tell of the memory. */
async function endOf({ app, list }: Remembering, id: string): Promise<Ended> {
  const told: string[] = [];
  const stream = await app.subscribe<{ runEvents: { runId: string; runStatus?: string; action?: string } }>(
    `subscription ($id: ID!) { runEvents(run: $id, after: 0) { ... on MemoryEvent { runId action } ... on RunStatusEvent { runId runStatus } } }`,
    { id },
    ada,
  );
  for await (const { runEvents: event } of stream) {
    if (event.action !== undefined) told.push(event.action);
    if (event.runId !== id) continue;
    if (event.runStatus === "SUCCEEDED" || event.runStatus === "FAILED") break;
    // It waits for the agent, and for nobody else.
    if (event.runStatus === "WAITING" && (await read(app, id)).run.interrupts.nodes.length > 0) break;
  }
  await stream.return?.();
  const { run } = await read(app, id);
  const kept = ((await list({ scope: "WORKFLOW", id })) ?? []).map(({ text, supersededBy }) => `${text}${supersededBy ? " (before)" : ""}`);
  return { status: run.status, output: run.output, interrupts: run.interrupts.nodes, kept, told: told.toSorted() };
}

const read = (app: Remembering["app"], id: string) =>
  app.graphql<{ run: { status: string; output: unknown; interrupts: { nodes: unknown[] } } }>(
    "query ($id: ID!) { run(id: $id) { status output interrupts { nodes { kind } } } }",
    { id },
    ada,
  );

it(
  "a lost process remembers and forgets nothing twice, asks nobody, and its successor sees the same memory",
  { timeout: 120_000 },
  async () => {
    const copies: { readonly at: string; readonly dataDir: string }[] = [];
    let armed = false;
    const world = await open((at) => {
      if (armed && durable.includes(at)) copies.push({ at, dataDir: crashCopy(world.app.dataDir) });
    });
    const change = (text: string, input: object) =>
      world.app.graphql<{ result: { run?: { id: string } } }>(text, { input }, ada).then(({ result }) => result);
    const weaver = {
      name: "Weaver",
      framework: "openai",
      capabilities: ["memory.remember"],
      memory: { recall: true, scopes: ["WORKFLOW"] },
    };
    await change("mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename } }", weaver);
    await change("mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) { __typename } }", {
      name: "Cloth",
      nodes,
    });
    armed = true;
    const started = await change(
      "mutation ($input: StartRunInput!) { result: startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
      {
        target: { workflow: { name: "Cloth" } },
      },
    );
    const id = started.run?.id ?? "";
    const expected = await endOf(world, id);
    armed = false;
    expect(expected).toEqual({
      status: "SUCCEEDED",
      output: {
        texts: ["The dye is woad.", "the loom is oak."],
        oak: true,
        outcomes: ["SAVED", "MERGED", "UPDATED", "SAVED"],
        forgot: true,
      },
      interrupts: [],
      kept: ["the loom is oak.", "The dye is woad.", "The dye is indigo. (before)"],
      told: ["FORGOTTEN", "RECALLED", "SAVED", "SAVED", "SAVED", "UPDATED", "UPDATED"],
    });
    await world.app.close();

    expect(new Set(copies.map(({ at }) => at))).toEqual(new Set(durable));
    for (const { at, dataDir } of copies) {
      const next = await open(() => undefined, dataDir);
      expect(await endOf(next, id), `lost at ${at}`).toEqual(expected);
      await next.app.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
);

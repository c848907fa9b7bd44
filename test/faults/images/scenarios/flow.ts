import { expect, look, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import type { World } from "../world.ts";

/** A node as `createWorkflow` takes it. */
export type NodeInput = Readonly<Record<string, unknown>> & { readonly key: string; readonly kind: string };

export const transform = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});
export const tool = (key: string, name: string, args: object, more: object = {}): NodeInput => ({
  key,
  kind: "tool",
  config: { tool: name, arguments: args },
  ...more,
});

/** @returns its id. */
export async function makeWorkflow(world: World, name: string, nodes: readonly NodeInput[]): Promise<string> {
  const input = { name, nodes, idempotencyKey: name };
  return (await world.change<{ workflow: { id: string } }>("createWorkflow", input, "workflow { id }")).workflow.id;
}

/** The id of a row behind an id of the graph. */
export const localId = (id: string): string => Buffer.from(id, "base64url").toString().replace(/^\w+:/, "");

export function makeAgent(world: World, name: string, more: object = {}): Promise<unknown> {
  return world.change("createAgent", { name, framework: "openai", idempotencyKey: name, ...more }, "agent { id }");
}

const after = (...dependsOn: readonly string[]) => ({ dependsOn });

/** Every kind of node, every way to join, to wait, to fail and to be tried again. */
const nodes: readonly NodeInput[] = [
  transform("begin", '{"n": input.n}'),
  { key: "pick", kind: "branch", ...after("begin"), config: { cases: [{ when: "nodes.begin.output.n > 2", to: "big" }], else: "small" } },
  transform("big", '"big"', after("pick")),
  transform("small", '"small"', after("pick")),
  {
    key: "each",
    kind: "map",
    ...after("begin"),
    config: {
      over: "input.list",
      concurrency: 2,
      node: { kind: "tool", config: { tool: "rig.note", arguments: { id: "item {{ item }}" } } },
    },
  },
  {
    key: "grow",
    kind: "loop",
    ...after("begin"),
    config: {
      while: "item == null || item < 4",
      max: 10,
      node: { kind: "transform", config: { expression: "item == null ? 1 : item * 2" } },
    },
  },
  tool("flaky", "rig.flaky", { id: "flaky", failures: 2 }, { retry: { attempts: 12, delay: "PT0.01S", factor: 1, jitter: false } }),
  { key: "nap", kind: "wait", config: { duration: "PT0.05S" } },
  { key: "call", kind: "wait", config: { signal: "go" } },
  { key: "ask", kind: "approval", config: { message: "Go on?" } },
  { key: "know", kind: "input", config: { message: "How many?", responseSchema: { type: "integer" } } },
  tool("pay", "rig.pay", { id: "pay {{ nodes.know.output }}" }, { ...after("ask", "know"), undo: "refund" }),
  tool("refund", "rig.refund", { id: "pay" }),
  { key: "agent", kind: "agent", config: { agent: "Noter", text: 'Use rig.note with {"id": "agent"}.' } },
  { key: "child", kind: "workflow", ...after("begin"), config: { workflow: "Child", input: { n: "{{ input.n }}" } } },
  tool("broken", "rig.fail", { id: "broken" }, { onError: "ROUTE", errorNode: "instead" }),
  transform("instead", '"instead"'),
  tool("skipped", "rig.pay", { id: "never" }, { ...after("begin"), when: "input.n > 100" }),
  transform("first", '"first"', { ...after("call", "ask", "nap"), join: "ANY" }),
  transform("two", '"two"', { ...after("flaky", "each", "grow"), join: "COUNT", joinCount: 2 }),
  transform(
    "end",
    `{"pick": nodes.pick.output, "size": nodes.big.output, "each": nodes.each.output, "grow": nodes.grow.output, "flaky": nodes.flaky.output,
      "call": nodes.call.output, "know": nodes.know.output, "pay": nodes.pay.output, "child": nodes.child.output, "broken": nodes.broken.output,
      "skipped": nodes.skipped.output, "first": nodes.first.output, "two": nodes.two.output}`,
    after("big", "small", "each", "grow", "flaky", "call", "know", "pay", "agent", "child", "broken", "skipped", "first", "two"),
  ),
];

const wanted = {
  pick: "big",
  size: "big",
  each: ["rig.note item a", "rig.note item b", "rig.note item c"],
  grow: 4,
  flaky: "at last",
  call: { rows: 2 },
  know: 5,
  pay: "rig.pay pay 5",
  child: 6,
  broken: "instead",
  skipped: null,
  first: "first",
  two: "two",
};

/** A workflow of every kind of node comes to the one output that it must have. */
export const flow: Scenario = {
  name: "flow",
  reaches: ["startRun", "claim", "append", "decide", "signalRun", "takeSignal", "takeOver", "saveQuota", "renew"],
  async prepare(world) {
    await makeAgent(world, "Noter", { capabilities: ["rig.note"] });
    await makeWorkflow(world, "Child", [
      { key: "allow", kind: "approval", config: { message: "Double?" } },
      transform("twice", "input.n * 2", after("allow")),
    ]);
    await makeWorkflow(world, "Flow", nodes);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Flow" } }, "flow", { input: { n: 3, list: ["a", "b", "c"] } });
    const { status } = await look(world, run);
    if (status !== "SUCCEEDED")
      await world.act("signalRun", {
        run: ["ID!", run],
        name: ["String!", "go"],
        payload: ["JSON", { rows: 2 }],
        idempotencyKey: ["String", "flow"],
      });
    const end = await seeThrough(world, run);
    expect("the end of the flow", [end.status, end.failure, sorted(end.output)], ["SUCCEEDED", null, sorted(wanted)]);
    for (const id of ["item a", "item b", "item c", "agent"])
      if (world.outside.count("rig.note", id) === 0) throw new Error(`nobody noted ${id}`);
    expect("what was paid", world.outside.count("rig.pay", "pay 5"), 1);
    expect("what was paid back", world.outside.count("rig.refund", "pay"), 0);
  },
};

/** The same value with the members of its objects in one order. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

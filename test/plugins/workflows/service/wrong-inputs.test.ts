import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoom, type Loom, type NodeInput } from "../runs/loom.ts";
import { counts } from "./fixture.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const node = (kind: string, config: object, more: object = {}): NodeInput => ({ key: "n", kind, config, ...more });
const gives = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});
const over = (list: string, as = "item"): NodeInput =>
  node("map", { over: list, as, node: { kind: "transform", config: { expression: as } } });
const rounds = (max: number): NodeInput => node("loop", { while: "true", max, node: { kind: "transform", config: { expression: "1" } } });

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = { a: value };
  return value;
}

async function rows(): Promise<object> {
  const runs = await loom.app.platform.database.read.get<{ n: number }>("select count(*) as n from runs_run");
  return { ...(await counts(loom.app)), runs: runs?.n };
}

const mutation = `mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) { __typename
  ... on UserError { code message } ... on InvalidInputError { issues { path message } } } }`;

/** Workflows that are not taken, with where and why. */
const refused: readonly (readonly [what: string, nodes: readonly NodeInput[], path: string, message: RegExp])[] = [
  [
    "a cycle",
    [gives("a", "1", { dependsOn: ["b"] }), gives("b", "1", { dependsOn: ["a"] })],
    "0.dependsOn",
    /wait for each other: a → b → a/,
  ],
  ["an unknown kind", [node("trasnform", { expression: "1" })], "0.kind", /Did you mean "transform"\?/],
  ["a kind named as a member of every object", [node("constructor", {})], "0.kind", /There is no kind "constructor"/],
  ["a kind named as the prototype", [node("__proto__", {})], "0.kind", /There is no kind "__proto__"/],
  ["an unknown node", [gives("plan", "1"), gives("b", "1", { dependsOn: ["plna"] })], "1.dependsOn.0", /Did you mean "plan"\?/],
  ["a node that only objects have", [gives("a", "1", { dependsOn: ["toString"] })], "0.dependsOn.0", /There is no node "toString"/],
  ["a key that is the prototype", [gives("__proto__", "1")], "0.key", /A key is a letter/],
  [
    "a member that an output does not have",
    [gives("a", "{'x': 1}"), gives("b", "nodes.a.output.y", { dependsOn: ["a"] })],
    "1.config.expression",
    /there is no "y", only x/,
  ],
  ["an output that is not there", [gives("a", "nodes.constructor.output")], "0.config.expression", /There is no node "constructor"/],
  ["a literal that drops its member", [gives("a", "{'constructor': 1}")], "0.config.expression", /no member can be named "constructor"/],
  ["a literal with a prototype", [gives("a", "[{'a': {'__proto__': 1}}]")], "0.config.expression", /no member can be named "__proto__"/],
  ["an item that is the prototype", [over("[1]", "__proto__")], "0.config.node.config.expression", /Reserved identifier/],
  ["a loop without end", [rounds(1e9)], "0.config.max", /1000/],
  ["a wait of a hundred years", [node("wait", { duration: "P100Y" })], "0.config.duration", /at most a year/],
  ["a wait of more milliseconds than there are", [node("wait", { duration: 1e300 })], "0.config.duration", /at most a year/],
  ["a wait until the end of time", [node("wait", { until: "9999-12-31T23:59:59Z" })], "0.config.until", /at most a year/],
  ["a timeout of a hundred years", [gives("a", "1", { timeout: "P100Y" })], "0.timeout", /At most a year/],
  ["a template that is not closed", [node("wait", { signal: "go {{ input.x" })], "0.config.signal", /is not closed/],
  ["an expression of a megabyte", [gives("a", "1+".repeat(500_000))], "0.config", /at most 64 KiB/],
  ["an expression of 60 KB", [gives("a", "(".repeat(60_000))], "0.config.expression", /more than 2000 characters/],
  ["an expression that nests deep", [gives("a", `${"[".repeat(999)}${"]".repeat(999)}`)], "0.config.expression", /not valid/],
  ["a condition that nests deep", [gives("a", "1", { when: "!".repeat(1_999) })], "0.when", /not valid/],
];

describe("a workflow with", () => {
  it.each(refused)("%s is refused with its path, and nothing is written", async (_, nodes, path, message) => {
    const before = await rows();
    const { result } = await loom.app.graphql<{ result: { code: string; issues: { path: string[]; message: string }[] } }>(mutation, {
      input: { name: "wrong", nodes },
    });
    expect(result.code).toBe("INVALID_INPUT");
    expect(result.issues.map((issue) => [issue.path.slice(2).join("."), issue.message])).toContainEqual([
      path,
      expect.stringMatching(message) as string,
    ]);
    expect(await rows()).toEqual(before);
  });

  it("settings that nest 10,000 levels is refused before it is read", async () => {
    const nodes = [node("tool", { tool: "loom.weave", arguments: nested(10_000) })];
    await expect(loom.app.graphql(mutation, { input: { name: "deep", nodes } })).rejects.toThrow("nests at most 100 deep");
  });
});

const year = { d: "P100Y" };

/** Workflows that show only in a run that they are wrong. */
const failing: readonly (readonly [what: string, nodes: readonly NodeInput[], input: object, message: RegExp])[] = [
  [
    "a map over too many items of the input",
    [over("input.items")],
    { items: Array.from({ length: 10_001 }, () => 1) },
    /at most 10000 items/,
  ],
  [
    "a map over too many items of an output",
    [gives("a", "input.items + input.items"), { ...over("nodes.a.output"), dependsOn: ["a"] }],
    { items: Array.from({ length: 5_001 }, () => 1) },
    /at most 10000 items; these are 10002/,
  ],
  [
    "lists that double until they are a million",
    [
      gives("l0", "[1,2,3,4,5,6,7,8]"),
      ...Array.from({ length: 6 }, (_, at) =>
        gives(`l${at + 1}`, Array.from({ length: 8 }, () => `nodes.l${at}.output`).join("+"), { dependsOn: [`l${at}`] }),
      ),
    ],
    {},
    /larger than 1 MiB|takes too long/,
  ],
  ["a map over what is no list", [over("input.items")], { items: { length: 3 } }, /goes over a list/],
  ["an input that is not there", [gives("a", "input.nothing.there")], {}, /No such key: nothing/],
  ["an input that only objects have", [gives("a", "input.constructor")], {}, /No such key: constructor/],
  ["an input that is the prototype", [gives("a", "input.__proto__")], {}, /No such key: __proto__/],
  ["a wait of a hundred years by expression", [node("wait", { duration: "{{ input.d }}" })], year, /at most a year long. This is P100Y/],
  ["a wait back in time", [node("wait", { duration: "{{ input.d }}" })], { d: -5 }, /A duration is written/],
  ["a moment behind the calendar", [node("wait", { until: "{{ input.d }}" })], { d: "+275760-09-13T00:00:00.001Z" }, /A moment is written/],
  ["a pattern that backtracks", [gives("a", "input.s.matches('^(a+)+$')")], { s: `${"a".repeat(60)}!` }, /takes too long/],
  ["a pattern that is none", [gives("a", "input.s.matches(input.s)")], { s: "(" }, /Invalid regular expression/],
  ["a number that is none", [gives("a", "0.0 / 0.0")], {}, /NaN, so it is no JSON/],
  ["a number without end", [gives("a", "1e308 * 10.0")], {}, /Infinity, so it is no JSON/],
  ["a division by zero", [gives("a", "1 / 0")], {}, /division by zero/],
  ["a condition that is neither", [gives("a", "1", { when: "input.d" })], year, /neither true nor false/],
  ["a tool that only objects have", [node("tool", { tool: "{{ input.t }}" })], { t: "constructor" }, /There is no tool "constructor"/],
  ["a workflow that is the prototype", [node("workflow", { workflow: "{{ input.t }}" })], { t: "__proto__" }, /no such workflow/],
];

describe("a run with", () => {
  it.each(failing)("%s fails, and says why", async (_, nodes, input, message) => {
    const run = await loom.play(nodes, input);
    expect(run).toMatchObject({ status: "FAILED", output: null, failure: { code: "NODE_FAILED" } });
    expect(run.failure?.message).toMatch(message);
  });

  it.each<readonly [what: string, input: unknown, problem: RegExp]>([
    ["a million items", { items: Array.from({ length: 1_000_000 }, () => 1) }, /At most 256 KiB/],
    ["10,000 levels", nested(10_000), /nests at most 100 deep/],
    ["no number", { n: Number.NaN }, /A JSON number is finite/],
    ["a number without end", { n: Number.POSITIVE_INFINITY }, /A JSON number is finite/],
    ["half a character", { s: "a\ud800" }, /half a surrogate pair/],
  ])("%s in its input is not started, and nothing is written", async (_, input, problem) => {
    const workflow = await loom.create([over("input.items")]);
    const before = await rows();
    await expect(loom.start(workflow, input)).rejects.toThrow(problem);
    expect(await rows()).toEqual(before);
  });

  it("keys, items and members named as those of every object gives what they hold", async () => {
    const names = ["constructor", "toString", "valueOf", "hasOwnProperty"];
    const nodes = names.map((key) => gives(key, "input.n"));
    const sum = gives("sum", names.map((key) => `nodes.${key}.output`).join(" + "), { dependsOn: names });
    expect(await loom.play([...nodes, sum], { n: 2 })).toMatchObject({ status: "SUCCEEDED", output: 8 });
    expect(await loom.play([over("[1, 2]", "constructor")])).toMatchObject({ output: [1, 2] });
    const car = { constructor: { name: "Tesla" }, prototype: 1, n: 2 };
    const taken = await loom.play([gives("a", "[input.car.n + 1, input.car.constructor.name, input.car, has(input.car.nothing)]")], {
      car,
    });
    expect(taken).toMatchObject({ output: [3, "Tesla", car, false] });
  });

  it("values that JSON has not gives them as JSON writes them", async () => {
    const expression = "[2u, duration('90s'), duration('-1.5s'), type(1), b'abc', timestamp('2026-01-01T00:00:00Z'), {1: 'a'}]";
    expect(await loom.play([gives("a", expression)])).toMatchObject({
      output: [2, "PT90S", "-PT1.5S", "int", "YWJj", "2026-01-01T00:00:00.000Z", { "1": "a" }],
    });
    expect(await loom.play([node("wait", { duration: "{{ duration('10ms') }}" })])).toMatchObject({ status: "SUCCEEDED" });
  });
});

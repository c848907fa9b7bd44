import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WorkflowGraph } from "../../../../src/plugins/workflows/definition/checks/graph.ts";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { readDefinition } from "../../../../src/plugins/workflows/definition/read.ts";
import { surroundings } from "./surroundings.ts";

const node = (fields: object): object => ({ key: "a", kind: "wait", ...fields });

/** Problems of what was read, as `path: message`. */
const problemsOf = (input: unknown): string[] =>
  readDefinition(input, ["input"]).problems.map(({ path, message }) => `${path.slice(1).join(".")}: ${message}`);

const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
const circle: Record<string, unknown> = {};
circle["self"] = circle;
const key = 'A key is a letter, then letters, digits and "_": at most 64 characters.';

const cases: readonly (readonly [input: unknown, problems: readonly string[]])[] = [
  [1, [": A workflow is an object."]],
  [null, [": A workflow is an object."]],
  [{}, ["nodes: A workflow has nodes."]],
  [{ nodes: {} }, ["nodes: This is a list."]],
  [{ nodes: [] }, ["nodes: A workflow has at least one node."]],
  [{ nodes: Array.from({ length: 1_001 }, () => 1) }, ["nodes: A workflow has at most 1000 nodes; these are 1001."]],
  [{ nodes: [1, []] }, ["nodes.0: A node is an object.", "nodes.1: A node is an object."]],
  [
    { nodes: [node({})], inputSchema: [], name: "x" },
    ['name: There is no "name" here, only inputSchema, nodes.', "inputSchema: The input schema is a JSON object."],
  ],
  [{ nodes: [node({ key: 1 })] }, [`nodes.0.key: ${key}`]],
  [{ nodes: [{ kind: "wait" }, {}] }, [`nodes.0.key: ${key}`, `nodes.1.key: ${key}`, "nodes.1.kind: A node has a kind, as in agent."]],
  [
    { nodes: ["1a", "a-b", "", "a".repeat(65), "ä"].map((each) => node({ key: each })) },
    [0, 1, 2, 3, 4].map((at) => `nodes.${at}.key: ${key}`),
  ],
  [{ nodes: [node({ key: "in" })] }, ['nodes.0.key: No node can have the key "in", since it is a word of CEL.']],
  [
    { nodes: [node({}), node({}), node({ key: "b" }), node({})] },
    ['nodes.1.key: The key "a" is already used by node 1.', 'nodes.3.key: The key "a" is already used by node 1.'],
  ],
  [
    { nodes: [node({ kind: 7, name: " ", when: "x".repeat(2_001) })] },
    ["nodes.0.kind: This is a text.", "nodes.0.when: At most 2000 characters.", "nodes.0.name: Write at least one visible character."],
  ],
  [{ nodes: [node({ dependsOn: "b" })] }, ["nodes.0.dependsOn: This is a list."]],
  [
    { nodes: [node({ dependsOn: ["b", 1, "b"] })] },
    ["nodes.0.dependsOn.1: This is the key of a node.", 'nodes.0.dependsOn.2: "b" is named twice.'],
  ],
  [
    { nodes: [node({ retry: { attempts: 21, delay: "PT2H", factor: 0.5, jitter: "no", times: 1 } })] },
    [
      'nodes.0.retry.times: There is no "times" here, only attempts, delay, factor, jitter.',
      "nodes.0.retry.attempts: This is a whole number from 1 to 20.",
      "nodes.0.retry.delay: At most an hour.",
      "nodes.0.retry.factor: This is a number from 1 to 10.",
      "nodes.0.retry.jitter: This is true or false.",
    ],
  ],
  [
    { nodes: [node({ retry: {} }), node({ key: "b", retry: 3 })] },
    ["nodes.0.retry.attempts: Say how many attempts there are, 1 to 20.", "nodes.1.retry: A retry policy is an object."],
  ],
  [
    { nodes: [node({ retry: { attempts: 1.5, delay: -1, factor: "2" } })] },
    [
      "nodes.0.retry.attempts: This is a whole number from 1 to 20.",
      "nodes.0.retry.delay: This is a duration such as PT30S or P1D.",
      "nodes.0.retry.factor: This is a number from 1 to 10.",
    ],
  ],
  [
    {
      nodes: [
        node({ timeout: 0 }),
        node({ key: "b", timeout: "P2Y" }),
        node({ key: "c", timeout: "soon" }),
        node({ key: "d", timeout: Number.NaN }),
      ],
    },
    [
      "nodes.0.timeout: A timeout is longer than nothing.",
      "nodes.1.timeout: At most a year.",
      "nodes.2.timeout: This is a duration such as PT30S or P1D.",
      "nodes.3.timeout: This is a duration such as PT30S or P1D.",
    ],
  ],
  [
    { nodes: [node({ join: "SOME", onError: "IGNORE" })] },
    ["nodes.0.join: This is one of ALL, ANY, COUNT.", "nodes.0.onError: This is one of FAIL, CONTINUE, ROUTE."],
  ],
  [
    { nodes: [node({ join: "COUNT" }), node({ key: "b", joinCount: 1 }), node({ key: "c", join: "COUNT", joinCount: 0 })] },
    [
      "nodes.0.joinCount: With join COUNT, say how many have to succeed.",
      "nodes.1.joinCount: This goes with join COUNT only.",
      "nodes.2.joinCount: This is a whole number from 1 to 1000.",
    ],
  ],
  [
    { nodes: [node({ onError: "ROUTE" }), node({ key: "b", errorNode: "a" })] },
    ["nodes.0.errorNode: With onError ROUTE, name the node that takes over.", "nodes.1.errorNode: This goes with onError ROUTE only."],
  ],
  [
    { nodes: [node({ config: 1 }), node({ key: "b", config: [] })] },
    ["nodes.0.config: The config of a node is a JSON object.", "nodes.1.config: The config of a node is a JSON object."],
  ],
  [{ nodes: [node({ config: { a: "x".repeat(65_536) } })] }, ["nodes.0.config: The config of a node has at most 64 KiB of JSON."]],
  [{ nodes: [node({ config: { a: "ü".repeat(40_000) } })] }, ["nodes.0.config: The config of a node has at most 64 KiB of JSON."]],
  [
    { nodes: Array.from({ length: 20 }, (_, at) => node({ key: `n${at}`, config: { a: "x".repeat(60_000) } })) },
    [": A workflow has at most 1024 KiB of JSON."],
  ],
  [{ nodes: [node({ config: { a: Number.POSITIVE_INFINITY } })] }, ['nodes.0.config: The value holds Infinity at "a", so it is no JSON.']],
  [{ nodes: [node({ config: circle })] }, ['nodes.0.config: The value holds itself at "self", so it is no JSON.']],
  [{ nodes: [node({ config: { a: deep(101) } })] }, ["nodes.0.config: The value nests deeper than 100 levels, so it is no JSON."]],
  [
    { nodes: [node({ config: JSON.parse('{"a": {"__proto__": 1}}') as object })] },
    ['nodes.0.config.a.__proto__: No member can be named "__proto__": rename it.'],
  ],
];

describe("what is read of a definition", () => {
  it.each(cases.map(([input, problems], at) => ({ at, input, problems, what: problems.join(" ").slice(0, 100) })))(
    "$at names: $what",
    ({ input, problems }) => {
      expect(problemsOf(input)).toEqual(problems);
    },
  );

  it("has its defaults, durations as milliseconds, and null counts as absent", () => {
    const nodes = [
      { key: "a", kind: "wait", name: null, dependsOn: null, when: null, config: null, retry: null, timeout: null, join: null, undo: null },
      {
        key: "b",
        kind: "tool",
        name: "Search",
        dependsOn: ["a"],
        when: "true",
        config: { tool: "t", gone: undefined },
        retry: { attempts: 3, delay: "PT5S", factor: 1.5, jitter: false },
        timeout: "P1D",
        join: "COUNT",
        joinCount: 1,
        onError: "ROUTE",
        errorNode: "c",
        undo: "d",
      },
      { key: "c", kind: "agent", retry: { attempts: 2, delay: 250 }, timeout: 1_000, onError: "CONTINUE" },
    ];
    expect(readDefinition({ inputSchema: { type: "object" }, nodes }, [])).toEqual({
      problems: [],
      definition: {
        inputSchema: { type: "object" },
        nodes: [
          { key: "a", kind: "wait", name: "a", dependsOn: [], config: {}, join: "ALL", onError: "FAIL" },
          {
            key: "b",
            kind: "tool",
            name: "Search",
            dependsOn: ["a"],
            when: "true",
            config: { tool: "t" },
            retry: { attempts: 3, delayMs: 5_000, factor: 1.5, jitter: false },
            timeoutMs: 86_400_000,
            join: "COUNT",
            joinCount: 1,
            onError: "ROUTE",
            errorNode: "c",
            undo: "d",
          },
          {
            key: "c",
            kind: "agent",
            name: "c",
            dependsOn: [],
            config: {},
            retry: { attempts: 2, delayMs: 250, factor: 2, jitter: true },
            timeoutMs: 1_000,
            join: "ALL",
            onError: "CONTINUE",
          },
        ],
      },
    });
  });

  it("is a definition or has problems, and never an error, whatever the JSON is", () => {
    const field = fc.constantFrom(
      "key",
      "kind",
      "dependsOn",
      "when",
      "config",
      "retry",
      "timeout",
      "join",
      "joinCount",
      "onError",
      "errorNode",
      "undo",
    );
    const shaped = fc.record({ nodes: fc.array(fc.dictionary(field, fc.jsonValue())), inputSchema: fc.jsonValue() }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), shaped), (input) => {
        const { definition, problems } = readDefinition(input, ["input"]);
        expect(definition !== undefined || problems.length > 0).toBe(true);
        expect(problems.every(({ path, message }) => path[0] === "input" && message !== "")).toBe(true);
      }),
      { numRuns: 300, examples: [[{ nodes: [{ key: { toString: false } }] }]] },
    );
  });

  it("is checked to the end, also where a kind inside a map has no text", async () => {
    const config = { over: "[1]", node: { kind: { toString: 1 }, config: {} } };
    const { problems } = await checkDefinition({ nodes: [{ key: "a", kind: "map", config }] }, surroundings, []);
    expect(problems.map(({ path }) => path.join("."))).toContain("nodes.0.config.node.kind");
  });
});

describe("a definition without problems", () => {
  it("has an order in which its nodes can run, and one with a cycle has none", async () => {
    const keys = ["a", "b", "c", "d", "e", "f"];
    const graphs = fc.tuple(...keys.map(() => fc.subarray(keys, { maxLength: 3 })));
    await fc.assert(
      fc.asyncProperty(graphs, async (dependencies) => {
        const nodes = keys.map((each, at) => ({ key: each, kind: "transform", dependsOn: dependencies[at], config: { expression: "1" } }));
        const { definition, problems } = await checkDefinition({ nodes }, surroundings, []);
        const { order } = new WorkflowGraph(definition ?? { nodes: [] });
        const place = new Map(order.map((each, at) => [each.key, at]));
        const isOrdered = order.every(({ key: each, dependsOn }) =>
          dependsOn.every((on) => (place.get(on) ?? Infinity) < (place.get(each) ?? 0)),
        );
        expect(isOrdered).toBe(true);
        expect(order.length === keys.length).toBe(problems.length === 0);
      }),
      { numRuns: 150 },
    );
  });
});

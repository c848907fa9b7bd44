import { describe, expect, it } from "vitest";
import { contribution, definePlugin, tools, type ToolDefinition } from "#weftline";
import { workflowNodes } from "#plugins/workflows";
import * as plugins from "../../../src/plugins/index.ts";
import { example, models, openai } from "../../../src/plugins/index.ts";
import {
  nodeKindConformance,
  scriptModel,
  testPlatform,
  type NodeKindConformance,
  type NodeKindUnderTest,
  type TestPlatform,
} from "../../../src/testing/index.ts";

const echo: ToolDefinition = {
  name: "kinds.echo",
  description: "Gives what it is given.",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
  outputSchema: { type: "object", properties: { heard: { type: "string" } }, required: ["heard"] },
  sideEffects: "NONE",
  approval: "NEVER",
  idempotent: true,
  timeoutMs: 5_000,
  execute: ({ text }: { readonly text: string }) => ({ heard: text }),
};
const hang: ToolDefinition = {
  ...echo,
  name: "kinds.hang",
  inputSchema: { type: "object" },
  execute: (_: unknown, { signal }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("over")))),
};
const kindsTools = definePlugin({ id: "kinds", contributes: [echo, hang].map((each) => contribution(tools, each.name, each)) });

async function withAgent(app: TestPlatform): Promise<void> {
  await app.graphql('mutation { createAgent(input: { name: "writer", framework: "openai" }) { __typename } }');
}

async function withWorkflows(app: TestPlatform): Promise<void> {
  const create = "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename } }";
  const inner = (name: string, kind: string, config: object) =>
    app.graphql(create, { input: { name, nodes: [{ key: "n", kind, config }] } });
  await inner("double", "transform", { expression: "input.n * 2" });
  await inner("slow", "wait", { signal: "never" });
}

const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
const yesterday = new Date(Date.now() - 86_400_000).toISOString();

const noteOf = (text: string) => (output: unknown) => expect(output).toEqual({ id: expect.any(String) as string, text });

/** Each kind that ships, as the suite looks at it. */
const kinds: Readonly<Record<string, Omit<NodeKindUnderTest, "kind">>> = {
  agent: {
    plugins: () => [
      models({ default: "script", bindings: {} }),
      scriptModel([{ match: "slowly", reply: "word ".repeat(2_000) }, { reply: (said) => `You said: ${said}` }], { tokensPerSecond: 500 }),
      openai(),
    ],
    prepare: withAgent,
    cases: [
      { config: { agent: "writer", text: "hello" }, output: "You said: hello" },
      { config: { agent: { name: "writer" }, text: "hello" }, output: "You said: hello" },
    ],
    refused: [
      { config: { agent: "writer" }, path: [] },
      { config: { agent: "nobody", text: "hello" }, path: ["agent"] },
      { config: { agent: 7, text: "hello" }, path: ["agent"] },
      { config: { agent: "writer", text: "hello", input: {} }, path: [] },
    ],
    slow: { config: { agent: "writer", text: "slowly" } },
    failing: [{ config: { agent: "{{ 'nobody' }}", text: "hello" } }],
  },
  tool: {
    plugins: () => kindsTools(),
    cases: [{ config: { tool: "kinds.echo", arguments: { text: "hello" } }, output: { heard: "hello" }, fixed: ["tool"] }],
    refused: [
      { config: {}, path: ["tool"] },
      { config: { tool: "kinds.ecko" }, path: ["tool"] },
      { config: { tool: "kinds.echo", arguments: { text: 7 } }, path: ["arguments", "text"] },
      { config: { tool: "kinds.echo", more: 1 }, path: ["more"] },
    ],
    slow: { config: { tool: "kinds.hang", arguments: {} } },
    failing: [{ config: { tool: "kinds.echo", arguments: { text: "{{ input.n }}" } }, input: { n: 7 } }],
  },
  workflow: {
    plugins: () => [],
    prepare: withWorkflows,
    cases: [{ config: { workflow: "double", input: { n: 2 } }, output: 4 }],
    refused: [
      { config: { workflow: "half" }, path: ["workflow"] },
      { config: { workflow: { nam: "double" } }, path: ["workflow"] },
    ],
    slow: { config: { workflow: "slow" } },
    failing: [{ config: { workflow: "double", input: { n: "two" } } }],
  },
  transform: {
    plugins: () => [],
    cases: [{ config: { expression: "[input.n, {'a': null}]" }, input: { n: 1 }, output: [1, { a: null }], fixed: ["expression"] }],
    refused: [
      { config: { expression: "input." }, path: ["expression"] },
      { config: { expression: "" }, path: ["expression"] },
      { config: { expression: "nodes.it.output" }, path: ["expression"] },
    ],
  },
  approval: {
    plugins: () => [],
    cases: [
      { config: { message: "Go on?", allowed: ["APPROVE", "REJECT"] }, output: null, fixed: ["allowed"], decision: { kind: "APPROVE" } },
      { config: { message: "Go on?", approvers: { roles: ["boss"] } }, output: null, fixed: ["approvers"], decision: { kind: "APPROVE" } },
    ],
    refused: [
      { config: { message: "" }, path: ["message"] },
      { config: { message: "?", allowed: ["REJECT"] }, path: ["allowed"] },
      { config: { message: "?", allowed: ["MAYBE"] }, path: ["allowed", "0"] },
      { config: { message: "?", approvers: {} }, path: ["approvers"] },
    ],
    slow: { config: { message: "Go on?" } },
  },
  input: {
    plugins: () => [],
    cases: [
      {
        config: { message: "How many?", responseSchema: { type: "integer" } },
        output: 3,
        fixed: ["responseSchema"],
        decision: { kind: "ANSWER", payload: 3 },
      },
    ],
    refused: [
      { config: {}, path: ["message"] },
      { config: { message: "?", responseSchema: { type: "nonsense" } }, path: ["responseSchema"] },
    ],
    slow: { config: { message: "How many?" } },
  },
  wait: {
    plugins: () => [],
    cases: [
      { config: { duration: "PT0.001S" }, output: null },
      { config: { until: yesterday }, output: null },
      { config: { signal: "go" }, output: { n: 1 }, signal: { name: "go", payload: { n: 1 } } },
    ],
    refused: [
      { config: {}, path: [] },
      { config: { duration: "soon" }, path: ["duration"] },
      { config: { duration: "P100Y" }, path: ["duration"] },
      { config: { until: "2999-01-01T00:00:00Z" }, path: ["until"] },
      { config: { until: tomorrow, signal: "go" }, path: [] },
    ],
    slow: { config: { duration: "PT1H" } },
    failing: [{ config: { duration: "{{ 'P100Y' }}" } }],
  },
  "example.note": {
    plugins: () => example(),
    cases: [
      { config: { text: "Buy milk" }, output: noteOf("Buy milk") },
      { config: { text: "Buy milk", review: true }, output: noteOf("Buy milk"), decision: { kind: "APPROVE" } },
      {
        config: { text: "Buy milk", review: true },
        output: noteOf("Buy oat milk"),
        decision: { kind: "EDIT", arguments: { text: "Buy oat milk" } },
      },
    ],
    refused: [
      { config: { text: "" }, path: ["text"] },
      { config: { text: "Buy milk", reviewed: true }, path: ["reviewed"] },
    ],
    slow: { config: { text: "Buy milk", review: true } },
    failing: [{ config: { text: "{{ input.n }}" }, input: { n: 7 } }],
    effects: async (app) =>
      (await app.graphql<{ exampleNotes: { totalCount: number } }>("{ exampleNotes { totalCount } }")).exampleNotes.totalCount,
  },
};

const suites = Object.entries(kinds).map(([kind, about]): [string, NodeKindConformance] => [
  kind,
  nodeKindConformance(`the kind "${kind}"`, { kind, ...about }),
]);
for (const [, suite] of suites) suite.registerWith({ describe, it });

it("is asked of every kind that ships", async () => {
  const factories = Object.values(plugins) as readonly (() => ReturnType<typeof models>)[];
  await using app = await testPlatform({ plugins: factories.map((factory) => factory()) });
  expect([...app.platform.host.contributions(workflowNodes).keys()].toSorted()).toEqual(Object.keys(kinds).toSorted());
});

import { expect, it } from "vitest";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { surroundings } from "./surroundings.ts";

const inputSchema = {
  type: "object",
  properties: { topic: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
  additionalProperties: false,
};

it("what is wrong with a setting of a branch, a map or a loop hides nothing of its expressions and of the node inside", async () => {
  const inner = (expression: string) => ({ kind: "transform", config: { expression } });
  const nodes = [
    { key: "l", kind: "loop", config: { while: "index + 1", max: 2_000, node: inner("index + 'x'") } },
    { key: "m", kind: "map", config: { over: "input.topic", as: "tag", concurrency: 99, node: inner("tag.none + item") } },
    { key: "k", kind: "map", config: { over: "input.tags", as: "input", node: inner("input.none") } },
    { key: "n", kind: "map", config: { over: "input.tags", node: { ...inner("input.none"), retries: 1 } } },
    { key: "b", kind: "branch", config: { cases: [{ when: "input.topic" }, { when: "true", to: "none" }], else: "l", other: 1 } },
  ];
  const { problems } = await checkDefinition({ nodes, inputSchema }, surroundings, ["input"]);
  expect(problems.map(({ path }) => path.slice(2).join(".")).toSorted()).toEqual([
    "0.config.max",
    "0.config.node.config.expression",
    "0.config.while",
    "1.config.concurrency",
    "1.config.node.config.expression",
    "1.config.over",
    "2.config.as",
    "3.config.node.config.expression",
    "3.config.node.retries",
    "4.config.cases.0.to",
    "4.config.cases.0.when",
    "4.config.cases.1.to",
    "4.config.else",
    "4.config.other",
  ]);
});

import { expect, it } from "vitest";
import { checkDefinition } from "../../../../src/plugins/workflows/definition/problems.ts";
import { surroundings } from "./surroundings.ts";

const { memory: _, ...withoutMemory } = surroundings;

/** The problems of one node with these settings, each as `path: message`. */
async function problemsOf(node: object, around = surroundings): Promise<string[]> {
  const nodes = [{ key: "a", kind: "transform", config: { expression: "1" }, ...node }];
  const { problems } = await checkDefinition({ nodes }, around, []);
  return problems.map(({ path, message }) => `${path.slice(2).join(".")}: ${message}`);
}

const valued = (expression: string) => ({ config: { expression } });

it("memory is a list of facts with an id, a text, metadata of any kind and a time", async () => {
  for (const expression of [
    "memory.exists(m, m.text.contains('x') && m.metadata.by == 'me' && m.metadata.score > 3)",
    "memory.map(m, {'id': m.id, 'at': timestamp(m.createdAt)})",
    "size(memory) == 0 ? 'nothing' : memory[size(memory) - 1].text",
    "memory == []",
  ])
    expect(await problemsOf(valued(expression))).toEqual([]);
  expect(
    await problemsOf({
      when: "size(memory) > 1",
      kind: "map",
      config: { over: "memory", node: { kind: "transform", ...valued("item.text + '!'") } },
    }),
  ).toEqual([]);
  expect(await problemsOf({ kind: "agent", config: { agent: "writer", text: "Known: {{ memory.map(m, m.text) }}" } })).toEqual([]);
});

it("what a fact does not have, and what it cannot be, is a problem before anything runs", async () => {
  expect(await problemsOf(valued("memory.exists(m, m.content == 'x')"))).toMatchObject([
    expect.stringMatching(/config\.expression: .*content/),
  ]);
  expect(await problemsOf(valued("memory.exists(m, m.text > 3)"))).toMatchObject([expect.stringMatching(/no such overload/)]);
  expect(await problemsOf(valued("memory.text"))).toHaveLength(1);
  expect(await problemsOf({ when: "memory" })).toEqual(["when: A condition is true or false; this is a list."]);
  expect(await problemsOf({ kind: "map", config: { over: "memory", node: { kind: "transform", ...valued("item.tex") } } })).toHaveLength(1);
  expect(await problemsOf(valued("memori.size()"))).toEqual([expect.stringContaining("There are input, nodes, memory.")]);
});

it("memory is a problem where no plugin provides it, and a name as any other for what a map calls so", async () => {
  const words = '"memory" is not known here: no plugin provides it. Add the plugin memory, or leave the expression out.';
  expect(await problemsOf(valued("size(memory)"), withoutMemory)).toEqual([`config.expression: ${words}`]);
  expect(await problemsOf({ when: "memory.exists(m, true)" }, withoutMemory)).toEqual([`when: ${words}`]);
  expect(await problemsOf(valued("memori"), withoutMemory)).toEqual([expect.stringContaining("There are input, nodes.")]);
  const each = { kind: "map", config: { over: "[1]", as: "memory", node: { kind: "transform", ...valued("memory + 1") } } };
  expect(await problemsOf(each, withoutMemory)).toEqual([]);
  expect(await problemsOf(each)).toEqual([]);
});

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { compileCondition, compileConfig, compileExpression } from "../../../../src/plugins/workflows/definition/templates.ts";
import { toolNode } from "../../../../src/plugins/workflows/nodes/tool.ts";
import { transformNode } from "../../../../src/plugins/workflows/nodes/transform.ts";

const anything = { config: z.record(z.string(), z.unknown()) };
const result = (output: unknown) => ({ output, status: "SUCCEEDED", error: null });
const values = {
  input: { name: "Ada", n: 3, tags: ["a", "b"], none: null, long: "ab".repeat(4_000) },
  nodes: { plan: result({ steps: [{ title: "one" }] }), text: result("said") },
  item: { id: 7 },
  index: 2,
};

async function evaluated(template: unknown): Promise<unknown> {
  const compiled = await compileConfig(anything, { it: template });
  return (await compiled.evaluate(values, "ada"))["it"];
}

const texts: readonly (readonly [template: unknown, value: unknown])[] = [
  ["plain", "plain"],
  ["", ""],
  ["} }} { {", "} }} { {"],
  ["{{ input.name }}", "Ada"],
  ["{{input.n}}", 3],
  ["{{ input.tags }}", ["a", "b"]],
  ["{{ input.none }}", null],
  ["Hello {{ input.name }}!", "Hello Ada!"],
  [" {{ input.n }}", " 3"],
  ["{{ input.n }}{{ input.n }}", "33"],
  ["{{ input.tags }} and {{ input.none }}", '["a","b"] and null'],
  ['{{ {"a": {"b": input.n}} }}', { a: { b: 3 } }],
  ['{{ {"a": {"b": input.n}}}}', { a: { b: 3 } }],
  ['{{ "}}" }}', "}}"],
  ["{{ '{{' }}", "{{"],
  ['{{ "a\\"}}" }}', 'a"}}'],
  ["{{ r'a\\d' + '}}' }}", "a\\d}}"],
  ['{{ """a"}}""" }}', 'a"}}'],
  ["{{ nodes.plan.output.steps[0].title }} by {{ nodes.text.output }}", "one by said"],
  ['{{ nodes["text"].output }}', "said"],
  ["{{ item.id + index }}", 9],
  ["{{ has(input.nothing) ? input.nothing : null }}", null],
  ["{{ input.n > 2 ? 'many' : 0 }}", "many"],
  [{ deep: [1, "{{ input.n }}", { at: "{{ index }}" }] }, { deep: [1, 3, { at: 2 }] }],
  // On a thread of its own.
  ["{{ input.tags.map(t, t + '!') }} {{ input.n }}", '["a!","b!"] 3'],
  [
    ["{{ input.long.size() }}", "{{ input.tags.exists(t, t == 'b') }}"],
    [8_000, true],
  ],
];

describe("a template", () => {
  it.each(texts)("%j", async (template, value) => {
    expect(await evaluated(template)).toEqual(value);
  });

  it("says which of its expressions has no value, and where it stands", async () => {
    const compiled = await compileConfig(toolNode, { tool: "t", arguments: { q: ["{{ input.n }}", "{{ input.m }}"] } });
    expect(() => compiled.evaluate(values, "ada")).toThrow(
      'The expression "input.m" in arguments.q[1] is not valid: it has no value here: No such key: m.',
    );
    const beside = await compileConfig(anything, { it: "{{ input.tags.map(t, t.m) }}" });
    await expect(beside.evaluate(values, "ada")).rejects.toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("in it is not valid"),
    });
  });

  it("that is not closed, or holds no expression, is refused when it is compiled", async () => {
    await expect(compileConfig(anything, { it: "{{ input" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(compileConfig(anything, { it: "{{ }}" })).rejects.toThrow("it is empty");
    await expect(compileConfig(anything, { it: '{{ "a }}' })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(compileConfig(toolNode, { arguments: {} })).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  it("names the nodes whose outputs it reads, and reads no others", async () => {
    const compiled = await compileConfig(anything, {
      a: "{{ nodes.x.output }} {{ nodes['y'].output }}",
      b: ["{{ nodes.x.status }}"],
      c: 1,
    });
    expect(compiled.nodes).toEqual(["x", "y"]);
    const nodes = {
      x: result(1),
      y: result(2),
      get z(): never {
        throw new Error("read");
      },
    };
    expect(await compiled.evaluate({ input: null, nodes }, "ada")).toEqual({ a: "1 2", b: ["SUCCEEDED"], c: 1 });
  });
});

describe("what a kind makes of its settings", () => {
  it("stays what it is where it is no JSON", async () => {
    const at = new Date(0);
    const kind = { config: z.object({ at: z.string() }).transform(({ at: text }) => ({ at, text })) };
    const compiled = await compileConfig(kind, { at: "{{ input.n }}" });
    expect(compiled.evaluate(values, "ada")).toEqual({ at, text: 3 });
    const bare = await compileConfig({ config: z.object({}).transform(() => "{{ input.n }}") }, {});
    expect(bare.evaluate(values, "ada")).toBe(3);
  });
});

describe("the members of a config that are expressions", () => {
  it("are evaluated as a whole", async () => {
    const compiled = await compileConfig(transformNode, { expression: "{'n': input.n}" });
    expect(compiled.evaluate(values, "ada")).toEqual({ expression: { n: 3 } });
  });
});

describe("a condition", () => {
  it("is true or false", () => {
    expect(compileCondition("input.n > 2 && nodes.text.output == 'said'").evaluate(values, "ada")).toBe(true);
    expect(compileCondition("nodes.text.output == 'said'").nodes).toEqual(["text"]);
    expect(() => compileCondition("input.n").evaluate(values, "ada")).toThrow(
      'The condition "input.n" is neither true nor false, but a number.',
    );
    expect(() => compileCondition("input.none").evaluate(values, "ada")).toThrow("but null");
  });

  it("may need a thread", async () => {
    await expect(compileCondition("input.tags.exists(t, t == 'a')").evaluate(values, "ada")).resolves.toBe(true);
    await expect(compileCondition("input.tags.map(t, t)").evaluate(values, "ada")).rejects.toThrow("but a list");
  });
});

describe("an expression", () => {
  it("gives a value that is larger than what is evaluated at once, where it only names it", () => {
    expect(compileExpression("input.long").evaluate(values, "ada")).toBe(values.input.long);
    expect(() => compileExpression("input.tags.a").evaluate(values, "ada")).toThrow("No such key: a");
    expect(() => compileExpression("nothing").evaluate(values, "ada")).toThrow("Unknown variable: nothing");
    expect(() => compileExpression("input.a").evaluate({ input: { a: "x".repeat(1_100_000) }, nodes: {} }, "ada")).toThrow(
      "larger than 1 MiB",
    );
  });
});

import { describe, expect, it } from "vitest";
import { createTypeChecker, type ValueType } from "#weftline";
import { valueTypeOf } from "../../../../src/plugins/workflows/definition/cel-types.ts";

const open = (members: Readonly<Record<string, ValueType>>, others: ValueType = "dyn"): ValueType => ({ members, others });
const text = { type: "string" };

const schemas: readonly (readonly [schema: unknown, type: ValueType])[] = [
  [undefined, "dyn"],
  [true, "dyn"],
  [{}, "dyn"],
  [text, "string"],
  [{ type: "integer" }, "int"],
  [{ type: "number" }, "double"],
  [{ type: ["integer", "number"] }, "double"],
  [{ type: "boolean" }, "bool"],
  [{ type: "null" }, "null"],
  [{ type: ["string", "null"] }, "string"],
  [{ type: ["string", "integer"] }, "dyn"],
  [{ enum: ["a", "b", null] }, "string"],
  [{ enum: ["a", 1] }, "dyn"],
  [{ const: 1 }, "int"],
  [{ anyOf: [text, { type: "null" }] }, "string"],
  [{ oneOf: [text, { type: "integer" }] }, "dyn"],
  [{ allOf: [text] }, "dyn"],
  [{ type: "array" }, { items: "dyn" }],
  [{ type: "array", items: text }, { items: "string" }],
  [{ type: "array", prefixItems: [text], items: text }, { items: "dyn" }],
  [{ type: "object" }, open({})],
  [{ type: "object", properties: { a: text } }, open({ a: "string" })],
  [{ type: "object", additionalProperties: text }, open({}, "string")],
  [{ type: "object", properties: { a: text }, additionalProperties: false }, { members: { a: "string" } }],
  [{ type: "object", properties: { a: text }, unevaluatedProperties: false }, { members: { a: "string" } }],
  [{ type: "object", properties: { a: text }, additionalProperties: false, patternProperties: { "^x": text } }, open({ a: "string" })],
  [{ type: "object", properties: { a: text }, unevaluatedProperties: false, anyOf: [{ properties: { b: text } }] }, open({ a: "string" })],
  [{ $ref: "#/$defs/a", $defs: { a: text } }, "string"],
  [{ $ref: "#/$defs/a~1b", $defs: { "a/b": { type: "integer" } } }, "int"],
  [{ $ref: "#/$defs/none" }, "dyn"],
  [{ $ref: "https://example.com/schema" }, "dyn"],
];

describe("the type of what a JSON Schema allows", () => {
  it.each(schemas)("%j", (schema, type) => {
    expect(valueTypeOf(schema)).toEqual(type);
  });

  it("ends somewhere, however the schema refers to itself and however large it is", () => {
    const tree = { type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } }, additionalProperties: false };
    const type = valueTypeOf(tree);
    expect(JSON.stringify(type).length).toBeLessThan(200_000);
    const { check } = createTypeChecker();
    expect(() => check("tree.left.middle", { tree: type })).toThrow('there is no "middle", only left, right');
    expect(check("tree.left.right == null", { tree: type })).toBe("bool");
  });
});

const variables: Readonly<Record<string, ValueType>> = {
  text: "string",
  number: "double",
  list: { items: { members: { title: "string", note: "string" } } },
  closed: { members: { a: "string", deep: { members: { n: "int" } } } },
  half: open({ n: "int" }),
  any: "dyn",
};

describe("an expression over typed variables", () => {
  const { check } = createTypeChecker();

  it.each<readonly [source: string, type: ValueType]>([
    ["text + 'x'", "string"],
    ["number + 1", "double"],
    ["number == 1 || 1 == number || number in [1, 2]", "bool"],
    ["number % 2 == 0", "bool"],
    ["text == null || list == null || closed == null || half != null", "bool"],
    ["closed.deep.n", "int"],
    ["closed['deep']['n']", "int"],
    ["half.n", "int"],
    ["half.other.more", "dyn"],
    ["any.what[0].ever", "dyn"],
    ["has(half.n) && has(closed.deep.n)", "bool"],
    ["size(closed) > 1 && 'a' in closed && closed.exists(k, k == 'a')", "bool"],
    ["closed == {'a': 'x'}", "bool"],
    ["list.map(l, l.title)", { items: "string" }],
    ["list.filter(l, l.note != '')[0].title", "string"],
    ["[1].map(text, text + 1)", { items: "int" }],
    ["number > 1 ? text : null", "dyn"],
    ["number > 1 ? (number > 2 ? 1 : 'a') : closed", "dyn"],
    ["{'a': text, 'b': {'c': 1}}", { members: { a: "string", b: { members: { c: "int" } } } }],
    ["{text: 1}", open({}, "int")],
    ["timestamp(text)", "string"],
  ])("%s", (source, type) => {
    expect(check(source, variables)).toEqual(type);
  });

  it.each<readonly [source: string, problem: string]>([
    ["text + 1", "no such overload: string + int"],
    ["closed.b", '"closed.b": there is no "b", only a, deep'],
    ["closed.deep.m + 1", '"closed.deep.m": there is no "m", only n'],
    ["has(closed.b.c)", '"closed.b": there is no "b"'],
    ["half.n + 'a'", "no such overload: int + string"],
    ["list.map(l, l.titel)", "No such key: titel"],
    ["text.title", "Cannot index type 'string'"],
    ["list['a']", "List index must be int, got 'string'"],
    ["nothing", "Unknown variable: nothing"],
    ["size(closed) > 'a'", "no such overload: int > string"],
    ["text ? 1 : 'a'", "Ternary condition must be bool, got 'string'"],
    ["closed.exists(k, k == 1)", "no such overload"],
  ])("%s is refused", (source, problem) => {
    expect(() => check(source, variables)).toThrow(problem);
  });
});

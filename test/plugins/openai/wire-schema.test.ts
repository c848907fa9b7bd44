import { expect, it } from "vitest";
import { wireSchema } from "../../../src/plugins/openai/contract.ts";

const circle = {
  $ref: "#/$defs/node",
  $defs: { node: { type: "object", properties: { name: {} }, anyOf: [{ $ref: "#" }, { $ref: "#/$defs/node" }] } },
};
const ordinary = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { a: { type: "string", minLength: 1 }, b: { type: "array", items: { enum: [1, 2] } }, c: { type: "object", properties: {} } },
  required: ["a"],
  additionalProperties: false,
};

it.each<{ what: string; of: unknown; is: unknown }>([
  { what: "an object without properties", of: { type: "object" }, is: { type: "object", properties: {} } },
  { what: "a schema without a type", of: { properties: { a: {} } }, is: { properties: { a: {} }, type: "object" } },
  { what: "an empty one", of: {}, is: { type: "object", properties: {} } },
  { what: "the one that takes anything", of: true, is: { type: "object", properties: {} } },
  { what: "one that takes null, too", of: { type: ["object", "null"] }, is: { type: "object", properties: {} } },
  { what: "an ordinary one", of: ordinary, is: ordinary },
  {
    what: "a choice at the root",
    of: {
      type: "object",
      anyOf: [
        { properties: { kind: { const: "a" }, x: { type: "number" } }, required: ["kind", "x"] },
        { properties: { kind: { const: "b" } }, required: ["kind"] },
      ],
    },
    is: {
      type: "object",
      properties: { kind: { anyOf: [{ const: "a" }, { const: "b" }] }, x: { type: "number" } },
      required: ["kind"],
    },
  },
  {
    what: "all of several at the root",
    of: { allOf: [{ required: ["a"], properties: { a: {} } }, { oneOf: [{ required: ["b"] }] }], enum: [{}], not: {} },
    is: { type: "object", properties: { a: {} }, required: ["a", "b"] },
  },
  {
    what: "a reference at the root",
    of: { $ref: "#/definitions/a~1b", definitions: { "a/b": { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } } },
    is: {
      definitions: { "a/b": { type: "object", properties: { n: { type: "integer" } }, required: ["n"] } },
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
    },
  },
  { what: "a circle", of: circle, is: { $defs: circle.$defs, type: "object", properties: { name: {} } } },
  {
    what: "what is within",
    of: {
      type: "object",
      properties: {
        any: true,
        none: false,
        list: { type: "array" },
        pair: { items: [{ type: "string" }, true] },
        more: { type: "object" },
      },
      additionalProperties: true,
    },
    is: {
      type: "object",
      properties: {
        any: {},
        none: { not: {} },
        list: { type: "array", items: {} },
        pair: { items: { anyOf: [{ type: "string" }, {}] } },
        more: { type: "object", properties: {} },
      },
      additionalProperties: true,
    },
  },
  {
    what: "properties with names of prototypes",
    of: JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":true}}'),
    is: JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"},"constructor":{}}}'),
  },
])("a tool's parameters are sent as an object with properties: $what", ({ of, is }) => {
  expect(JSON.parse(JSON.stringify(wireSchema(of)))).toEqual(is);
  expect(wireSchema(of)).toMatchObject({ type: "object", properties: expect.anything() });
});

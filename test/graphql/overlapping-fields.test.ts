import { OverlappingFieldsCanBeMergedRule, buildSchema, parse, validate, type ValidationRule } from "graphql";
import { describe, expect, it } from "vitest";
import { OverlappingFieldsRule } from "../../src/core/graphql/overlapping-fields.ts";

const schema = buildSchema(`
  interface Animal { name: String, friend: Animal, friends(first: Int): [Animal!]!, age: Int }
  type Dog implements Animal { name: String, friend: Animal, friends(first: Int): [Animal!]!, age: Int, barks: Boolean, volume: Int!, code: String }
  type Cat implements Animal { name: String, friend: Animal, friends(first: Int): [Animal!]!, age: Int, purrs: Boolean, volume: Int, code: Int }
  union Pet = Dog | Cat
  input Filter { a: Int, b: Int }
  type Query { animal(id: ID, filter: Filter): Animal, pet: Pet, dog: Dog, cat: Cat }
`);

const mergeable = [
  "{ dog { name name } }",
  "{ dog { name } dog { name age } }",
  '{ animal(id: "1", filter: { a: 1 }) { name } animal(filter: { a: 1 }, id: "1") { age } }',
  "{ pet { ... on Dog { x: barks } ... on Cat { x: purrs } } }",
  "{ pet { ... on Dog { friends(first: 1) { name } } ... on Cat { friends(first: 2) { name } } } }",
  "{ pet { ...D ...D } } fragment D on Dog { name friend { ...E } } fragment E on Animal { name }",
  "{ pet { __typename ... on Dog { __typename } } }",
  "query A { dog { x: name } } query B { dog { x: age } }",
];
const conflicting = [
  "{ dog { x: name x: age } }",
  '{ animal(id: "1") { name } animal(id: "2") { name } }',
  "{ animal { friends(first: 1) { name } friends { name } } }",
  "{ dog { friend { x: name } } dog { friend { x: age } } }",
  "{ pet { ... on Dog { volume } ... on Cat { volume } } }",
  "{ pet { ... on Dog { code } ... on Cat { code } } }",
  "{ pet { ... on Dog { x: friend { y: name } } ... on Cat { x: friend { y: age } } } }",
  "{ animal { x: name ... on Dog { x: code } } }",
  "{ animal { ...A ...B } } fragment A on Animal { x: name } fragment B on Dog { ...C } fragment C on Dog { x: code }",
  "query ($a: ID, $b: ID) { animal(id: $a) { name } animal(id: $b) { name } }",
  "{ pet { ... on Dog { x: friends { name } } ... on Cat { x: friend { name } } } }",
  "{ dog { x: __typename x: name } }",
];

const errorsBy = (rule: ValidationRule, document: string): number => validate(schema, parse(document), [rule]).length;

describe("fields of one name", () => {
  it.each(mergeable)("are taken as one where they can be: %s", (document) => {
    expect(errorsBy(OverlappingFieldsCanBeMergedRule, document)).toBe(0);
    expect(errorsBy(OverlappingFieldsRule, document)).toBe(0);
  });

  it.each(conflicting)("are refused where they contradict each other: %s", (document) => {
    expect(errorsBy(OverlappingFieldsCanBeMergedRule, document)).toBeGreaterThan(0);
    expect(errorsBy(OverlappingFieldsRule, document)).toBeGreaterThan(0);
  });

  it("are compared in a time that grows as the document does", () => {
    const many = parse(`{ ${"animal { name } ".repeat(480)} }`);
    const doubling = Array.from(
      { length: 60 },
      (_, at) => `fragment F${at} on Animal { a: friend { ...F${at + 1} } b: friend { ...F${at + 1} } }`,
    );
    const deep = parse(`{ animal { ...F0 } } ${doubling.join(" ")} fragment F60 on Animal { name }`);
    const started = process.cpuUsage();
    expect(validate(schema, many, [OverlappingFieldsRule])).toEqual([]);
    expect(validate(schema, deep, [OverlappingFieldsRule])).toEqual([]);
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000);
  });

  it("are given up where fragments combine them without end", () => {
    const parts = Array.from(
      { length: 40 },
      (_, at) =>
        `fragment F${at} on Animal { a: friend { ...F${(at * 7 + 1) % 40} ...F${(at * 3 + 2) % 40} } b: friend { ...F${(at + 5) % 40} ...F${(at * 11 + 3) % 40} } }`,
    );
    const errors = validate(
      schema,
      parse(`{ animal { ${Array.from({ length: 40 }, (_, at) => `...F${at}`).join(" ")} } } ${parts.join(" ")}`),
      [OverlappingFieldsRule],
    );
    expect(errors.length).toBeLessThanOrEqual(1);
  });
});

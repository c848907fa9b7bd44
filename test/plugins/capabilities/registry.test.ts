import { describe, expect, it } from "vitest";
import { createPatterns, type Contribution, type SkillDefinition, type ToolDefinition } from "../../../src/core/index.ts";
import { Skill, Tool } from "../../../src/plugins/capabilities/contract.ts";
import { createSchemaChecker, type JsonSchema } from "../../../src/plugins/capabilities/json-schema.ts";
import { createDirectory, createToolRegistry } from "../../../src/plugins/capabilities/registry.ts";
import { missingTools, verifyCapabilities, type Definitions } from "../../../src/plugins/capabilities/verify.ts";

function tool(name: string, rest: Partial<ToolDefinition> = {}): ToolDefinition {
  return {
    name,
    description: name,
    inputSchema: { type: "object" },
    sideEffects: "NONE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 1_000,
    execute: () => null,
    ...rest,
  };
}

function skill(name: string, tools: readonly string[]): SkillDefinition {
  return { name, description: name, instructions: `Do ${name}.`, tools };
}

function contributed(
  tools: readonly ToolDefinition[],
  skills: readonly SkillDefinition[] = [],
  keys: Readonly<Record<string, string>> = {},
): Definitions {
  const put = <T extends { readonly name: string }>(values: readonly T[]): Map<string, Contribution<T>> =>
    new Map(
      values.map((value) => [keys[value.name] ?? value.name, { point: "p", key: keys[value.name] ?? value.name, value, plugin: "maker" }]),
    );
  return { tools: put(tools), skills: put(skills), sources: new Map() };
}

const checker = createSchemaChecker(createPatterns());
const draft = (version: number): string => `http://json-schema.org/draft-0${version}/schema#`;

describe("the registry", () => {
  const { tools, skills } = contributed([tool("a.one"), tool("b.two"), tool("c.three")], [skill("research", ["b.two", "gone", "a.one"])]);
  const parts = {
    tools: { get: (name: string) => tools.get(name), names: () => [...tools.keys()], settled: () => undefined },
    skills,
    ofTenants: new Map(),
  };
  const registry = createToolRegistry(parts, checker, {
    judge: () => ({ ask: false }),
    approvers: () => undefined,
    policyProblems: async () => [],
  });

  it("unpacks skills, keeps the order of the names, gives each tool once and leaves out what is unknown", () => {
    expect(registry.resolve(["c.three", "research", "a.one", "nothing"]).map(({ name }) => name)).toEqual(["c.three", "b.two", "a.one"]);
  });

  it("finds tools, not skills", () => {
    expect(registry.find("a.one")?.name).toBe("a.one");
    expect(registry.find("research")).toBeUndefined();
  });

  it("lists tools and skills by name, each with its plugin", () => {
    const directory = createDirectory(parts);
    expect(directory.list().map(({ id, kind, plugin }) => `${kind} ${id} ${plugin}`)).toEqual([
      "TOOL a.one maker",
      "TOOL b.two maker",
      "TOOL c.three maker",
      "SKILL research maker",
    ]);
    expect(directory.find("a.one")).toBeInstanceOf(Tool);
    expect(directory.find("research")).toBeInstanceOf(Skill);
    expect(directory.find("nothing")).toBeUndefined();
  });

  it("names every problem of the arguments and where it is, and converts nothing", async () => {
    const inputSchema: JsonSchema = {
      type: "object",
      properties: {
        count: { type: "integer" },
        name: {},
        at: { type: "string", format: "date-time" },
        list: { type: "array", items: { type: "object", required: ["a/b"] } },
      },
      required: ["count", "name"],
      additionalProperties: false,
    };
    const args = { count: "3", at: "no date", list: [{}, { "a/b": 1 }], more: 1 };
    const problems = await registry.check(tool("x", { inputSchema }), args);
    expect(problems.map(({ path, message }) => `${path.join(".")}: ${message}`).toSorted()).toEqual([
      "count: must be integer",
      "list.0.a/b: must have required property 'a/b'",
      "more: must NOT have additional properties",
      "name: must have required property 'name'",
    ]);
    expect(args).toEqual({ count: "3", at: "no date", list: [{}, { "a/b": 1 }], more: 1 });
    expect(await registry.check(tool("x", { inputSchema }), { count: 3, name: "n" })).toEqual([]);
  });
});

describe("schemas", () => {
  it("follow the draft that they name", () => {
    const draft7 = {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "array",
      items: [{ type: "string" }],
      additionalItems: false,
    };
    const latest = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "array",
      prefixItems: [{ type: "string" }],
      items: false,
    };
    const between = { ...draft7, $schema: "https://json-schema.org/draft/2019-09/schema" };
    for (const schema of [draft7, between, latest]) {
      expect(checker.check(schema, ["a"])).toEqual([]);
      expect(checker.check(schema, ["a", "b"])).toHaveLength(1);
      expect(checker.check(schema, [1])).toHaveLength(1);
    }
  });

  it.each<[string, JsonSchema, unknown, unknown]>([
    ["draft-04, exclusive", { $schema: draft(4), minimum: 0, exclusiveMinimum: true }, 1, 0],
    ["draft-04, inclusive", { $schema: draft(4), maximum: 0, exclusiveMaximum: false }, 0, 1],
    [
      "draft-04, ids",
      { $schema: draft(4), id: "https://a.example/s", properties: { a: { id: "#x", type: "string" } } },
      { a: "" },
      { a: 1 },
    ],
    ["draft-06", { $schema: draft(6), contains: { const: 1 } }, [1], [2]],
    ["OpenAPI, exclusive", { properties: { n: { minimum: 0, exclusiveMinimum: true } } }, { n: 1 }, { n: 0 }],
    ["nullable with a type", { type: "string", nullable: true }, null, 1],
    ["nullable with types", { type: ["string", "number"], nullable: true }, null, true],
    ["nullable with an enum", { type: "string", enum: ["a"], nullable: true }, null, "b"],
    ["nullable without a type", { nullable: true, enum: ["a"] }, null, "b"],
    [
      "nullable beside a reference",
      { properties: { a: { $ref: "#/$defs/a", nullable: true } }, $defs: { a: { type: "string" } } },
      { a: null },
      { a: 1 },
    ],
    ["nullable beside an alternative", { anyOf: [{ type: "string" }], nullable: true }, null, 1],
    ["not nullable", { type: "string", nullable: false }, "", null],
    ["a property named nullable", { properties: { nullable: { type: "string" }, id: { type: "string" } } }, { nullable: "" }, { id: 1 }],
    ["tuples without a dialect", { items: [{ type: "string" }], additionalItems: false }, ["a"], [1]],
    ["dependencies without a dialect", { dependencies: { a: ["b"] } }, { a: 1, b: 2 }, { a: 1 }],
    ["ids without a dialect", { properties: { a: { id: "a", type: "string" } } }, { a: "" }, { a: 1 }],
    ["no Unicode pattern", { pattern: "^https\\:\\/\\/" }, "https://a", "http://a"],
    ["no Unicode pattern of names", { patternProperties: { "^x\\-": { type: "string" } } }, { "x-": "" }, { "x-": 1 }],
  ])("are taken in any dialect: %s", (_, schema, fits, other) => {
    expect(checker.problemOf(schema)).toBeUndefined();
    expect(checker.check(schema, fits)).toEqual([]);
    expect(checker.check(schema, other)).not.toEqual([]);
  });

  it("of a dialect that is not known here are refused by its name, not guessed at", () => {
    for (const $schema of [draft(3), "https://example.com/draft-07/schema", 7]) {
      expect(checker.problemOf({ $schema, type: "object" })).toMatch(/^its \$schema is none of 2020-12, /);
    }
  });

  it("of third parties are checked as far as they can be", () => {
    const good = { type: "string" };
    const tolerated = (schema: JsonSchema): readonly string[] => checker.tolerate(schema);
    const misspelt = {
      type: "object",
      properties: { good, bad: { type: "strng" }, odd: { pattern: "(" }, far: { $ref: "https://a.example" } },
    };
    expect(tolerated(misspelt)).toEqual([
      expect.stringMatching(/^"bad" is not checked: /),
      expect.stringMatching(/^"odd" is not checked: /),
      expect.stringMatching(/^"far" is not checked: /),
    ]);
    expect(checker.check(misspelt, { good: "", bad: 1, odd: 1, far: 1 })).toEqual([]);
    expect(checker.check(misspelt, { good: 1 })).toHaveLength(1);
    const whole = { type: "object", properties: { good }, allOf: [{ type: "strng" }] };
    expect(tolerated(whole)).toEqual([expect.stringMatching(/^it is not checked: /)]);
    expect(checker.check(whole, { good: 1 })).toEqual([]);
    expect(checker.check(whole, [])).toHaveLength(1);
    const foreign = { $schema: draft(3), type: "object", properties: { good } };
    expect(tolerated(foreign)).toEqual([expect.stringMatching(/is read as 2020-12$/)]);
    expect(checker.check(foreign, { good: 1 })).toHaveLength(1);
    expect(tolerated({ type: "object", properties: { good } })).toEqual([]);
    const deep = JSON.parse(`${'{"not":'.repeat(9_000)}{}${"}".repeat(9_000)}`) as JsonSchema;
    expect(tolerated(deep)).toEqual([expect.stringMatching(/^it is not checked: /)]);
  });

  it("say what a value may be", () => {
    const messageOf = (schema: JsonSchema, value: unknown): string | undefined => checker.check(schema, value)[0]?.message;
    expect(messageOf({ enum: ["red", "blue", 3] }, "green")).toBe('must be one of "red", "blue", 3');
    expect(messageOf({ const: { a: 1 } }, 2)).toBe('must be {"a":1}');
    expect(messageOf({ type: ["string", "null"] }, 2)).toBe("must be string,null");
    expect(messageOf({ enum: Array.from({ length: 500 }, (_, n) => n) }, "x")?.length).toBeLessThan(350);
  });

  it("may have the same $id, and unknown formats and keywords", () => {
    const one = {
      $id: "https://example.com/s",
      type: "object",
      properties: { a: { $ref: "#/$defs/a" } },
      $defs: { a: { type: "string", format: "made-up" } },
      "x-ui": "wide",
    };
    const other = { ...one, $defs: { a: { type: "number" } } };
    expect(checker.check(one, { a: "text" })).toEqual([]);
    expect(checker.check(other, { a: "text" })).toHaveLength(1);
    expect(checker.check(one, { a: "text" })).toEqual([]);
  });

  it("that are themselves wrong refuse every value and say why", () => {
    const broken = { type: "objekt" };
    expect(checker.problemOf(broken)).toMatch(/type/);
    expect(checker.check(broken, {})[0]?.message).toMatch(/^The schema is not valid:/);
    expect(checker.problemOf({ $ref: "https://elsewhere.example/schema" })).toMatch(/resolve reference/);
    expect(checker.problemOf(null)).toBe("a JSON Schema is an object");
    expect(checker.problemOf({ type: "object" })).toBeUndefined();
  });

  it("are compiled once as long as they are the same object", () => {
    const started = process.cpuUsage();
    const schema = { type: "object", properties: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`p${n}`, { type: "string" }])) };
    checker.check(schema, {});
    const { user: first } = process.cpuUsage(started);
    const again = process.cpuUsage();
    for (let n = 0; n < 20; n++) checker.check(schema, {});
    expect(process.cpuUsage(again).user).toBeLessThan(first * 10);
  });
});

describe("what is contributed", () => {
  it.each([
    { what: "a name with a space", parts: contributed([tool("a b")]), problem: "its name is not 1 to 64 letters" },
    { what: "a name that is too long", parts: contributed([tool("x".repeat(65))]), problem: "its name is not 1 to 64 letters" },
    { what: "another name than its key", parts: contributed([tool("a")], [], { a: "b" }), problem: 'names itself "a"' },
    {
      what: "a schema that is none",
      parts: contributed([tool("a", { inputSchema: { type: "objekt" } })]),
      problem: "its inputSchema is not valid",
    },
    {
      what: "a result schema that is none",
      parts: contributed([tool("a", { outputSchema: { minimum: "x" } })]),
      problem: "its outputSchema is not valid",
    },
    {
      what: "arguments that are no object",
      parts: contributed([tool("a", { inputSchema: { type: "string" } })]),
      problem: 'has to say type: "object"',
    },
    { what: "no time to run", parts: contributed([tool("a", { timeoutMs: 0 })]), problem: "timeoutMs" },
    ...["always", "ALWYS", true, {}, { when: 1 }, undefined].map((approval) => ({
      what: `the approval ${JSON.stringify(approval)}`,
      parts: contributed([tool("a", { approval } as never)]),
      problem: "its approval is",
    })),
    ...["none", "SOME", null].map((sideEffects) => ({
      what: `the side effects ${JSON.stringify(sideEffects)}`,
      parts: contributed([tool("a", { sideEffects } as never)]),
      problem: "its sideEffects is",
    })),
    {
      what: "a skill with the name of a tool",
      parts: contributed([tool("a")], [skill("a", [])]),
      problem: 'a tool of "maker" has the same name',
    },
  ])("is refused with $what, naming the plugin", ({ parts, problem }) => {
    expect(() => verifyCapabilities(parts, checker)).toThrow(
      expect.objectContaining({
        code: "CAPABILITY_INVALID",
        message: expect.stringContaining(problem),
        details: expect.objectContaining({ plugin: "maker" }),
      }),
    );
  });

  it("is refused for all its problems at once", () => {
    expect(() => verifyCapabilities(contributed([tool("a b"), tool("c", { timeoutMs: -1 })]), checker)).toThrow(/"a b".*"c"/);
  });

  it("may name tools that are not there, which is said", () => {
    const parts = contributed([tool("a")], [skill("s", ["a", "gone"])]);
    expect(() => verifyCapabilities(parts, checker)).not.toThrow();
    expect(missingTools(parts, (name) => parts.tools.has(name))).toEqual(["s → gone"]);
  });
});

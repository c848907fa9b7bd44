import { buildSchema, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { limitsOf } from "../../src/core/graphql/limits.ts";
import { Sizes, checkSize, sizeOf, type OperationSize } from "../../src/core/graphql/size.ts";
import { ada, serve, take } from "./fixture.ts";

const schema = buildSchema(`
  interface Node { id: ID! }
  type Query { threads(first: Int, last: Int): Threads  nodes(ids: [ID!]!): [Node]  me: Thread }
  type Threads { nodes: [Thread!]! }
  type Thread implements Node { id: ID! title: String parent: Thread left: Thread right: Thread runs(first: Int): Runs }
  type Runs { nodes: [Thread!]! }
`);
const sized = (query: string, variables: Record<string, unknown> = {}, operationName?: string): OperationSize =>
  sizeOf({ schema, document: parse(query), variables, operationName });

describe("the size of an operation", () => {
  it("counts a page by what was asked for, by a variable, or by the default", () => {
    expect(sized("{ threads(first: 5) { nodes { id } } }")).toMatchObject({ depth: 3, cost: 1 + 5 * 2 });
    expect(sized("query ($n: Int) { threads(last: $n) { nodes { id } } }", { n: 50 }).cost).toBe(1 + 50 * 2);
    expect(sized("{ threads { nodes { id } } }").cost).toBe(1 + 20 * 2);
    expect(sized("{ threads(first: 100) { nodes { runs(first: 100) { nodes { id title } } } } }").cost).toBeGreaterThan(30_000);
  });

  it("takes a variable that was left out for its default, and one that is null for none", () => {
    const query = "query ($n: Int = 100) { threads(first: $n) { nodes { runs(first: $n) { nodes { id } } } } }";
    expect(sized(query).cost).toBe(1 + 100 * (1 + 1 + 100 * 2));
    expect(sized(query, { n: 2 }).cost).toBe(1 + 2 * (1 + 1 + 2 * 2));
    expect(sized(query, { n: null }).cost).toBe(sized(query.replace(" = 100", "")).cost);
    expect(sized("query ($ids: [ID!]! = [1, 2, 3]) { nodes(ids: $ids) { id } }").cost).toBe(4);
    expect(sized("query ($constructor: Int) { threads(first: $constructor) { nodes { id } } }").cost).toBe(1 + 20 * 2);
  });

  it("is counted once a document, and anew only for variables that it depends on", () => {
    const sizes = new Sizes();
    const document = parse(
      "query A($n: Int, $other: Int) { threads(first: $n) { nodes { parent { id } runs(first: $other) { nodes { id } } } } }",
    );
    const of = (variables: Record<string, unknown>): OperationSize => sizes.of({ schema, document, variables, operationName: "A" });
    expect(of({ n: 5, other: 1 })).toBe(of({ n: 5, other: 1, third: 7 }));
    expect(of({ n: 5 })).not.toBe(of({ n: 5, other: 1 }));
    expect(of({ n: 50, other: 1 }).cost).toBeGreaterThan(of({ n: 5, other: 1 }).cost);
    for (let n = 1; n < 1_000; n++) expect(of({ n, other: 1 }).page).toBe(n === 1 ? 1 : n);
  });

  it("counts how often the graph is asked about itself, whatever that is called", () => {
    expect(sized('{ a: __schema { __typename } ...F } fragment F on Query { b: __type(name: "A") { name } }').introspections).toBe(2);
  });

  it("counts lists of ids by their length", () => {
    expect(sized('{ nodes(ids: ["a", "b", "c"]) { id } }').cost).toBe(4);
    expect(sized("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: ["a", "b"] }).cost).toBe(3);
  });

  it("counts only the operation that runs", () => {
    const query = "query A { me { id } } query B { threads(first: 100) { nodes { id } } }";
    expect(sized(query, {}, "A").cost).toBe(2);
    expect(sized(query, {}, "B").cost).toBe(201);
  });

  it("sees through fragments that double at every level", () => {
    const levels = 40;
    const fragments = Array.from(
      { length: levels },
      (_, at) => `fragment F${at} on Thread { left { ...F${at + 1} } right { ...F${at + 1} } }`,
    );
    const { cost, depth } = sized(`{ me { ...F0 } } ${fragments.join(" ")} fragment F${levels} on Thread { id }`);
    expect(cost).toBeGreaterThan(2 ** levels);
    expect(depth).toBe(levels + 2);
  });

  it("is refused above the limits", () => {
    const limits = limitsOf({ pageSize: 50 }, "credentials");
    const allowed = { depth: limits.depth, cost: limits.cost, page: 50, introspections: 2, sizedBy: [] };
    expect(() => checkSize(allowed, limits)).not.toThrow();
    for (const more of [{ depth: 21 }, { cost: 100_001 }, { page: 51 }, { introspections: 3 }])
      expect(() => checkSize({ ...allowed, ...more }, limits)).toThrow(expect.objectContaining({ code: "OPERATION_LIMIT" }));
  });
});

describe("the limits of a host", () => {
  it("are wider where one viewer is alone on the machine, and are what was set anywhere", () => {
    const [alone, shared] = [limitsOf({ cost: 7 }, "open"), limitsOf({ cost: 7 }, "credentials")];
    expect([alone.cost, shared.cost]).toEqual([7, 7]);
    expect(alone.requestsPerSecond).toBe(Infinity);
    expect(shared.requestsPerSecond).toBeLessThan(1_000);
    expect(limitsOf({}, "nobody")).toEqual(limitsOf({}, "credentials"));
  });

  it("refuse to boot with a limit that is none", async () => {
    for (const limits of [{ cost: 0 }, { cost: -1 }, { cost: Number.NaN }, { cost: "9" }, { bodyBytes: 1 }, { pageSize: 101 }])
      await expect(serve({ server: { limits: limits as never } })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("limits on every transport", () => {
  it("refuse a document of too many tokens before it is parsed to its end", async () => {
    await using app = await serve();
    const deep = `${"{ viewer ".repeat(50_000)}${"}".repeat(50_000)}`;
    const response = await app.post({ query: deep }, { accept: "application/graphql-response+json" });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("GRAPHQL_PARSE_FAILED");
    const { errors } = await app.platform.execute({ query: `{ probeEcho(text: ${"[".repeat(500_000)}) }`, viewer: ada });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "GRAPHQL_PARSE_FAILED" });
    const client = app.client();
    await expect(take(client, `{ ${"__typename ".repeat(5_000)} }`)).rejects.toMatchObject([
      { extensions: { code: "GRAPHQL_PARSE_FAILED" } },
    ]);
    await client.dispose();
  });

  it("refuse an operation that would resolve too much", async () => {
    await using app = await serve({ server: { limits: { cost: 3, depth: 2 } } });
    const wide = "{ viewer { id name tenant } }";
    const response = await app.post({ query: wide });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: "OPERATION_LIMIT" } }] });
    const client = app.client();
    expect(await take(client, wide)).toMatchObject([{ errors: [{ extensions: { code: "OPERATION_LIMIT" } }] }]);
    await client.dispose();
    expect((await app.platform.execute({ query: "{ viewer { id name } }", viewer: ada })).data).toBeDefined();
    const { errors } = await app.platform.execute({ query: "{ plugins { contributes { point } } }", viewer: ada });
    expect(errors?.[0]?.extensions).toMatchObject({ code: "OPERATION_LIMIT" });
  });

  it("leave room for what tools ask a graph about itself", async () => {
    const { getIntrospectionQuery } = await import("graphql");
    await using app = await serve();
    const query = getIntrospectionQuery({ descriptions: true, specifiedByUrl: true, inputValueDeprecation: true, oneOf: true });
    const { data, errors } = await app.platform.execute({ query, viewer: ada });
    expect(errors).toBeUndefined();
    expect(data).toHaveProperty("__schema");
  });
});

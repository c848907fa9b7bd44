import { buildSchema, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { checkSize, defaultLimits, sizeOf, type OperationSize } from "../../src/core/graphql/limits.ts";
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
    expect(sized("{ threads(first: 5) { nodes { id } } }")).toEqual({ depth: 3, cost: 1 + 5 * 2 });
    expect(sized("query ($n: Int) { threads(last: $n) { nodes { id } } }", { n: 50 }).cost).toBe(1 + 50 * 2);
    expect(sized("{ threads { nodes { id } } }").cost).toBe(1 + 20 * 2);
    expect(sized("{ threads(first: 100) { nodes { runs(first: 100) { nodes { id title } } } } }").cost).toBeGreaterThan(30_000);
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

  it("sees through fragments that double at every level, in an instant", () => {
    const levels = 40;
    const fragments = Array.from(
      { length: levels },
      (_, at) => `fragment F${at} on Thread { left { ...F${at + 1} } right { ...F${at + 1} } }`,
    );
    const start = performance.now();
    const { cost, depth } = sized(`{ me { ...F0 } } ${fragments.join(" ")} fragment F${levels} on Thread { id }`);
    expect(cost).toBeGreaterThan(2 ** levels);
    expect(depth).toBe(levels + 2);
    expect(performance.now() - start).toBeLessThan(200);
  });

  it("is refused above the limits", () => {
    expect(() => checkSize({ depth: defaultLimits.depth, cost: defaultLimits.cost }, defaultLimits)).not.toThrow();
    for (const size of [
      { depth: defaultLimits.depth + 1, cost: 1 },
      { depth: 1, cost: defaultLimits.cost + 1 },
    ]) {
      expect(() => checkSize(size, defaultLimits)).toThrow(expect.objectContaining({ code: "OPERATION_LIMIT" }));
    }
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

import {
  buildClientSchema,
  getIntrospectionQuery,
  isInterfaceType,
  isObjectType,
  type GraphQLObjectType,
  type IntrospectionQuery,
} from "graphql";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { ask } from "./story.ts";

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string; readonly name: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const url = inject("url");
const count = 101;

async function page(args: Record<string, unknown>): Promise<Page> {
  const query = `query ($first: Int, $after: String, $last: Int, $before: String) {
    agents(search: "Walked", first: $first, after: $after, last: $last, before: $before) {
      edges { cursor node { id name } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  return (await ask<{ agents: Page }>(url, query, args)).agents;
}

const idsOf = ({ edges }: Page): string[] => edges.map(({ node }) => node.id);

describe("lists, as Relay walks them", () => {
  let newestFirst: string[];
  beforeAll(async () => {
    const made: string[] = [];
    for (let at = 0; at < count; at++) {
      const { createAgent } = await ask<{ createAgent: { agent: { id: string } } }>(
        url,
        "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }",
        { input: { name: `Walked ${at}`, framework: "openai" } },
      );
      made.push(createAgent.agent.id);
    }
    newestFirst = made.toReversed();
  });

  it("gives all of 101 rows once, forward", async () => {
    const pages: Page[] = [];
    for (let after: string | null = null; pages.at(-1)?.pageInfo.hasNextPage ?? true; after = pages.at(-1)?.pageInfo.endCursor ?? null)
      pages.push(await page({ first: 10, after }));
    expect(pages.flatMap(idsOf)).toEqual(newestFirst);
    expect(pages.map(({ edges }) => edges.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 1]);
    for (const { edges, pageInfo } of pages)
      expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([edges[0]?.cursor, edges.at(-1)?.cursor]);
  });

  it("gives all of 101 rows once, backward, each page in the order of the list", async () => {
    const pages: Page[] = [];
    for (let before: string | null = null; pages[0]?.pageInfo.hasPreviousPage ?? true; before = pages[0]?.pageInfo.startCursor ?? null)
      pages.unshift(await page({ last: 10, before }));
    expect(pages.flatMap(idsOf)).toEqual(newestFirst);
    expect(pages.map(({ edges }) => edges.length)).toEqual([1, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
  });

  it("gives what stands behind any cursor and before it", async () => {
    const all = [...(await page({ first: 100 })).edges, ...(await page({ last: 1 })).edges];
    const middle = all[50]?.cursor;
    expect(idsOf(await page({ first: 3, after: middle }))).toEqual(newestFirst.slice(51, 54));
    expect(idsOf(await page({ last: 3, before: middle }))).toEqual(newestFirst.slice(47, 50));
    const none = await page({ first: 3, after: all.at(-1)?.cursor });
    expect([none.edges, none.pageInfo]).toMatchObject([[], { hasNextPage: false, startCursor: null, endCursor: null }]);
  });

  it("refuses a negative size, one that is too large, and a cursor that it did not give", async () => {
    for (const args of [{ first: -1 }, { last: -1 }, { first: 101 }, { first: 1, after: "nonsense" }])
      await expect(page(args), JSON.stringify(args)).rejects.toThrow("INVALID");
  });

  it("finds each object again by its id", async () => {
    const [first = "", second = ""] = newestFirst;
    expect(await ask(url, "query ($id: ID!) { node(id: $id) { __typename id } }", { id: first })).toEqual({
      node: { __typename: "Agent", id: first },
    });
    const unknown = `${Buffer.from("Agent:00000000-0000-7000-8000-000000000000").toString("base64")}`;
    for (const id of [unknown, "nonsense", ""])
      expect(await ask(url, "query ($id: ID!) { node(id: $id) { id } }", { id })).toEqual({ node: null });
    expect(
      await ask(url, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: [second, unknown, first, "nonsense", second] }),
    ).toEqual({
      nodes: [{ id: second }, null, { id: first }, null, { id: second }],
    });
  });
});

describe("the graph, as Relay's specification reads it", () => {
  let objects: GraphQLObjectType[];
  let typeOf: (type: string, field: string) => string | undefined;
  beforeAll(async () => {
    const schema = buildClientSchema(await ask<IntrospectionQuery>(url, getIntrospectionQuery()));
    objects = Object.values(schema.getTypeMap()).filter(isObjectType);
    typeOf = (name, field) => {
      const type = schema.getType(name);
      return isObjectType(type) || isInterfaceType(type) ? type.getFields()[field]?.type.toString() : undefined;
    };
  });

  it("has an interface Node and a root field that finds each", () => {
    expect(typeOf("Node", "id")).toBe("ID!");
    expect(typeOf("Query", "node")).toBe("Node");
    expect(typeOf("Query", "nodes")).toBe("[Node]!");
    expect(objects.filter((type) => type.getInterfaces().some(({ name }) => name === "Node")).length).toBeGreaterThan(10);
  });

  it("has edges and a page's info in every connection, and a cursor and a node in every edge", () => {
    const connections = objects.filter(({ name }) => name.endsWith("Connection"));
    expect(connections.length).toBeGreaterThan(4);
    for (const { name } of connections) {
      const edge = name.replace(/Connection$/, "Edge");
      expect([name, typeOf(name, "pageInfo"), typeOf(name, "edges"), typeOf(edge, "cursor")]).toEqual([
        name,
        "PageInfo!",
        `[${edge}!]!`,
        "String!",
      ]);
      expect(typeOf(edge, "node"), edge).toBeDefined();
    }
    expect(["hasNextPage", "hasPreviousPage", "startCursor", "endCursor"].map((field) => typeOf("PageInfo", field))).toEqual([
      "Boolean!",
      "Boolean!",
      "String",
      "String",
    ]);
  });

  it("takes first and after, or last and before, wherever it answers a connection", () => {
    const fields = objects.flatMap((type) => Object.values(type.getFields()).map((field) => ({ type, field })));
    const pages = fields.filter(({ field }) => /Connection!?$/.test(field.type.toString()));
    expect(pages.length).toBeGreaterThan(6);
    for (const { type, field } of pages) {
      const args = Object.fromEntries(field.args.map((arg) => [arg.name, arg.type.toString()]));
      const forward = args["first"] === "Int" && args["after"] === "String";
      const backward = args["last"] === "Int" && args["before"] === "String";
      expect(forward || backward, `${type.name}.${field.name} ${JSON.stringify(args)}`).toBe(true);
    }
  });
});

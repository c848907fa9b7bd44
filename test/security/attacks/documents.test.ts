import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getIntrospectionQuery, parse } from "graphql";
import { sizeOf } from "../../../src/core/graphql/size.ts";
import { serve, type Served } from "../../graphql/fixture.ts";
import { raw } from "../../graphql/raw-socket.ts";
import { ask, codesOf, ways } from "./ways.ts";

let app: Served;
beforeAll(async () => {
  app = await serve({ mode: "production", server: { limits: { cost: 1_000, pageSize: 50 } } });
});
afterAll(() => app[Symbol.asyncDispose]());

const aliased = (count: number, field: string): string => Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(" ");

describe.each(ways)("over %s, a document", (way) => {
  const refused = async (query: string, code: string, variables?: Record<string, unknown>): Promise<string> => {
    const answer = await ask(app, way, { query, ...(variables ? { variables } : {}) });
    expect(answer.data ?? null).toBeNull();
    expect(codesOf(answer)).toContain(code);
    return answer.text;
  };

  it("of too many tokens is not parsed to its end", async () => {
    expect(await refused(`{ ${aliased(5_000, "__typename")} }`, "GRAPHQL_PARSE_FAILED")).toMatch(/tokens/);
  });

  it("that nests 50,000 deep is refused, be it fields, lists, objects or types", async () => {
    await refused(`${"{ viewer ".repeat(50_000)}${"}".repeat(50_000)}`, "GRAPHQL_PARSE_FAILED");
    await refused(`{ probeEcho(text: ${"[".repeat(50_000)}${"]".repeat(50_000)}) }`, "GRAPHQL_PARSE_FAILED");
    await refused(`{ probeEcho(text: ${"{a:".repeat(50_000)}1${"}".repeat(50_000)}) }`, "GRAPHQL_PARSE_FAILED");
    await refused(`query ($a: ${"[".repeat(50_000)}Int${"]".repeat(50_000)}) { viewer { id } }`, "GRAPHQL_PARSE_FAILED");
  });

  it("that nests deeper than allowed is refused before it runs", async () => {
    const deep = `{ run(id: "x") ${"{ root ".repeat(25)} { id } ${"}".repeat(25)} }`;
    expect(await refused(deep, "OPERATION_LIMIT")).toMatch(/20 are allowed/);
  });

  it("whose fragments go in circles is refused", async () => {
    await refused("{ viewer { ...A } } fragment A on Viewer { ...B } fragment B on Viewer { ...A }", "GRAPHQL_VALIDATION_FAILED");
    await refused("{ viewer { ...A } } fragment A on Viewer { id ...A }", "GRAPHQL_VALIDATION_FAILED");
  });

  it("whose fragments all spread each other is refused, and quickly", async () => {
    const spreads = Array.from({ length: 24 }, (_, at) => `...F${at}`).join(" ");
    const circle = Array.from({ length: 24 }, (_, at) => `fragment F${at} on Viewer { id ${spreads} }`).join(" ");
    await refused(`{ viewer { ...F0 } } ${circle}`, "GRAPHQL_VALIDATION_FAILED");
    const long = Array.from({ length: 120 }, (_, at) => `fragment F${at} on Run { root { ...F${(at + 1) % 120} } ...F${(at + 7) % 120} }`);
    await refused(`{ run(id: "x") { ...F0 } } ${long.join(" ")}`, "GRAPHQL_VALIDATION_FAILED");
  });

  it("that asks for all of the schema again and again is refused, and once is answered", async () => {
    const all = getIntrospectionQuery();
    const [types] = /types \{\s*\.\.\.FullType\s*\}/.exec(all) ?? [];
    if (!types) return expect.fail("the query of graphql has changed");
    expect(sizeOf({ schema: app.platform.schema, document: parse(all), variables: {} }).introspections).toBe(1);
    const many = all.replace(types, aliased(20, types));
    expect(sizeOf({ schema: app.platform.schema, document: parse(many), variables: {} }).introspections).toBeGreaterThan(15);
  });

  it("whose fragments double at every level is refused", async () => {
    const levels = 15;
    const doubling = Array.from(
      { length: levels },
      (_, at) => `fragment F${at} on Run { a: root { ...F${at + 1} } b: root { ...F${at + 1} } }`,
    );
    await refused(`{ run(id: "x") { ...F0 } } ${doubling.join(" ")} fragment F${levels} on Run { id }`, "OPERATION_LIMIT");
  });

  it("with hundreds of aliases is as dear as it is broad", async () => {
    const expensive = `{ ${aliased(20, "runs(first: 50) { nodes { id } }")} }`;
    expect(await refused(expensive, "OPERATION_LIMIT")).toMatch(/1000 are allowed/);
  });

  it("is as dear as its variables make it, and the defaults of those left out", async () => {
    const pages = "runs(first: $n) { nodes { steps(first: $n) { nodes { id } } } }";
    await refused(`query ($n: Int) { ${pages} }`, "OPERATION_LIMIT", { n: 50 });
    await refused(`query ($n: Int = 50) { ${pages} }`, "OPERATION_LIMIT");
    await refused(`query ($ids: [ID!]!) { nodes(ids: $ids) { id } }`, "OPERATION_LIMIT", { ids: Array(1_000).fill("x") });
    const small = await ask(app, way, { query: `query ($n: Int = 50) { ${pages} }`, variables: { n: 2 } });
    expect(small.errors).toEqual([]);
  });

  it("that asks for a huge page is refused", async () => {
    expect(await refused("{ runs(first: 51) { nodes { id } } }", "OPERATION_LIMIT")).toMatch(/page of 51; 50 are allowed/);
    await refused("query ($n: Int) { runs(last: $n) { nodes { id } } }", "OPERATION_LIMIT", { n: 100 });
    await refused("query ($n: Int) { runs(first: $n) { nodes { id } } }", "OPERATION_LIMIT", { n: 2_147_483_647 });
    const zero = await ask(app, way, { query: "{ runs(first: 2147483647) { totalCount } }" });
    expect(codesOf(zero)).toEqual(["OPERATION_LIMIT"]);
  });

  it("is not told what a wrong name was meant to be", async () => {
    for (const wrong of ["{ viewerr { id } }", "{ viewer { nme } }", '{ probeEcho(txt: "a") }', "{ viewer { ... on Viewr { id } } }"]) {
      const { text, errors } = await ask(app, way, { query: wrong });
      expect(errors.length).toBeGreaterThan(0);
      expect(text).not.toMatch(/did you mean/i);
    }
  });

  it("learns nothing of the schema where introspection is off", async () => {
    for (const query of [
      "{ __schema { types { name } } }",
      '{ __type(name: "Viewer") { fields { name } } }',
      "{ ...F } fragment F on Query { a: __schema { __typename } }",
    ])
      await refused(query, "GRAPHQL_VALIDATION_FAILED");
    expect((await ask(app, way, { query: "{ __typename }" })).data).toEqual({ __typename: "Query" });
  });

  it("gets few of its errors told", async () => {
    const { errors } = await ask(app, way, { query: `{ ${aliased(200, "nothing")} }` });
    expect(errors.length).toBeLessThanOrEqual(6);
  });

  it("gets a bug's code and request id, and nothing else of it", async () => {
    const { text, errors } = await ask(app, way, { query: "{ probeBug }" });
    expect(text).not.toMatch(/hunter2|secret/);
    expect(errors).toMatchObject([
      { message: "Something went wrong here.", extensions: { code: "INTERNAL", requestId: expect.any(String) } },
    ]);
    expect(Object.keys(errors[0]?.extensions ?? {}).toSorted()).toEqual(["code", "fix", "requestId"]);
  });
});

describe("introspection that is on", () => {
  it("answers what tools ask, and not the same a hundred times in one operation", async () => {
    await using own = await serve();
    for (const way of ways) {
      expect((await ask(own, way, { query: "{ __schema { types { name } } }" })).errors).toEqual([]);
      const repeated = `{ ${aliased(100, "__schema { types { name fields { name } } }")} }`;
      expect(codesOf(await ask(own, way, { query: repeated }))).toEqual(["OPERATION_LIMIT"]);
      const circular = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
      expect(codesOf(await ask(own, way, { query: circular }))).toEqual(["GRAPHQL_VALIDATION_FAILED"]);
    }
  });
});

describe("a subscription", () => {
  it("that is too dear is refused when it begins", async () => {
    await using own = await serve({ server: { limits: { cost: 2, depth: 1 } } });
    for (const way of ["event stream", "socket"] as const) {
      expect(codesOf(await ask(own, way, { query: "subscription { changes { kind } }" }))).toEqual(["OPERATION_LIMIT"]);
      expect(
        codesOf(await ask(own, way, { query: "subscription { a: probeFeed ...F } fragment F on Subscription { changes { kind } }" })),
      ).toEqual(["GRAPHQL_VALIDATION_FAILED"]);
    }
    expect(own.probe.opened).toBe(0);
  });
});

describe("several operations in one request", () => {
  it("are refused as a list, also over a socket", async () => {
    const batch = [{ query: "{ viewer { id } }" }, { query: "{ viewer { id } }" }];
    const response = await app.post(batch);
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('"viewer"');
    const { closed, socket } = await raw(app.socket());
    socket.send(JSON.stringify([{ id: "1", type: "subscribe", payload: batch[0] }]));
    expect(await closed).toMatchObject({ code: 4400 });
    const second = await raw(app.socket());
    second.send({ id: "1", type: "subscribe", payload: batch });
    expect(await second.closed).toMatchObject({ code: 4400 });
  });
});

import { getNamedType, isObjectType, buildClientSchema, getIntrospectionQuery, type GraphQLError, type IntrospectionQuery } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { ada, bob, changesNothing, eve, settle, shippedPlatform, type Belongings } from "../world.ts";

let app: TestPlatform;
let own: Belongings;

beforeAll(async () => {
  app = await shippedPlatform();
  own = await settle(app, ada);
  for (const viewer of [bob, eve]) await settle(app, viewer);
});
afterAll(() => app.close());

/** Each list, inside what stands around it. */
const lists: Readonly<Record<string, (list: string) => string>> = {
  "Query.agents": (list) => list,
  "Query.threads": (list) => list,
  "Query.runs": (list) => list,
  "Query.toolCallAudits": (list) => list,
  "Query.interrupts": (list) => list,
  "Query.capabilities": (list) => list,
  "Query.exampleNotes": (list) => list,
  "Agent.versions": (list) => `agent(ref: { id: "${own.agent}" }) { ${list} }`,
  "Agent.runs": (list) => `agent(ref: { id: "${own.agent}" }) { ${list} }`,
  "Thread.messages": (list) => `thread(id: "${own.thread}") { ${list} }`,
  "Thread.runs": (list) => `thread(id: "${own.thread}") { ${list} }`,
  "Run.steps": (list) => `run(id: "${own.run}") { ${list} }`,
  "Run.children": (list) => `run(id: "${own.run}") { ${list} }`,
  "Run.checkpoints": (list) => `run(id: "${own.keptRun}") { ${list} }`,
  "Run.interrupts": (list) => `run(id: "${own.waitingRun}") { ${list} }`,
};

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const garbage = [
  "",
  " ",
  "garbage",
  "☃",
  "x".repeat(10_000),
  encoded({}),
  encoded([]),
  encoded(["a"]),
  encoded(["a", "b"]),
  encoded(["a", "b", "c"]),
  encoded([null]),
  encoded([null, null]),
  encoded([{}]),
  encoded([{}, {}]),
  encoded([[1], [2]]),
  encoded([{ $gt: 1 }, { $ne: null }]),
  encoded([true, false]),
  encoded([1e300, 1e300]),
  encoded(["a\u0000b"]),
  encoded(["a\u0000b", "a\u0000b"]),
];

interface Answer {
  readonly data: unknown;
  readonly errors: readonly GraphQLError[];
}

async function ask(query: string): Promise<Answer> {
  const { data, errors = [] } = await app.platform.execute({ query, viewer: ada });
  return { data, errors };
}

/** The one error of an answer: typed, telling what to do, with the list null. */
async function refusal(query: string): Promise<{ readonly code: unknown; readonly message: string }> {
  const { data, errors } = await ask(query);
  const [error] = errors;
  if (!error || errors.length > 1)
    return { code: `${errors.length} errors`, message: JSON.stringify({ query: query.slice(0, 200), data, errors }).slice(0, 1_000) };
  expect(error.extensions).toMatchObject({ fix: expect.stringMatching(/\w/), requestId: expect.any(String) });
  return { code: error.extensions["code"], message: error.message };
}

async function cursorsOf(name: string): Promise<string[]> {
  const { data } = await ask(`{ ${lists[name]?.(`${name.split(".")[1]} { edges { cursor } }`)} }`);
  return [...JSON.stringify(data).matchAll(/"cursor":"([^"]+)"/g)].map((match) => match[1] ?? "");
}

describe("a list", () => {
  it("is tried here wherever there is one", async () => {
    const schema = buildClientSchema(await app.graphql<IntrospectionQuery>(getIntrospectionQuery()));
    const found = Object.values(schema.getTypeMap()).flatMap((type) =>
      isObjectType(type)
        ? Object.values(type.getFields()).flatMap((field) =>
            getNamedType(field.type).name.endsWith("Connection") ? [`${type.name}.${field.name}`] : [],
          )
        : [],
    );
    expect(found.toSorted()).toEqual(Object.keys(lists).toSorted());
  });
});

describe.each(Object.keys(lists))("%s", (name) => {
  const [, field = ""] = name.split(".");
  const query = (args: string): string => `{ ${lists[name]?.(`${field}(${args}) { edges { cursor } pageInfo { endCursor } }`)} }`;
  const backwards = ["Query.agents", "Query.threads", "Query.runs", "Query.interrupts", "Query.exampleNotes", "Thread.messages"].includes(
    name,
  );

  it("refuses pages of more than 100 or less than none, and both directions at once", async () => {
    const sizes = ["first: 101", "first: -1", ...(backwards ? ["last: 101", "last: -1", "first: 1, last: 1", "first: 0, last: 0"] : [])];
    await changesNothing(app, async () => {
      for (const size of sizes)
        expect([size, await refusal(query(size))]).toMatchObject([size, { code: "INVALID_INPUT", message: /holds 0 to 100|not both/ }]);
    });
    expect((await ask(query("first: 0"))).errors).toEqual([]);
    expect((await ask(query("first: 100"))).errors).toEqual([]);
    expect(await refusal(query("first: 2000000000"))).toMatchObject({ code: expect.stringMatching(/^(INVALID_INPUT|OPERATION_LIMIT)$/) });
  });

  it("refuses cursors that are none of it", async () => {
    const foreign = (await Promise.all(Object.keys(lists).map(cursorsOf))).flat();
    const mine = await cursorsOf(name);
    for (const cursor of garbage) {
      for (const arg of ["after", ...(backwards ? ["before"] : [])]) {
        expect([cursor.slice(0, 80), await refusal(query(`${arg}: ${JSON.stringify(cursor)}`))]).toMatchObject([
          cursor.slice(0, 80),
          { code: "INVALID_CURSOR" },
        ]);
      }
    }
    // A cursor of another list of the same shape is a place in this one too, or none of it: never a failure.
    for (const cursor of [...foreign, encoded([1, "' or 1=1 --"]), encoded([-1])]) {
      const { errors } = await ask(query(`after: "${cursor}"`));
      expect([[], ["INVALID_CURSOR"]]).toContainEqual(errors.map(({ extensions }) => extensions["code"]));
    }
    for (const cursor of mine) expect((await ask(query(`after: "${cursor}"`))).errors).toEqual([]);
  });
});

describe("a search", () => {
  it.each(["agents", "threads"])("in %s has at most 200 characters, and takes every sign for itself", async (field) => {
    for (const text of ["x".repeat(201), "%_".repeat(30_000)]) {
      expect(await refusal(`{ ${field}(search: ${JSON.stringify(text)}) { totalCount } }`)).toMatchObject({
        code: "INVALID_INPUT",
        message: /200/,
      });
    }
    for (const text of ["x".repeat(200), "%", "_", "!", "'", "\\"]) {
      expect(await ask(`{ ${field}(search: ${JSON.stringify(text)}) { totalCount } }`)).toEqual({
        data: { [field]: { totalCount: 0 } },
        errors: [],
      });
    }
  });
});

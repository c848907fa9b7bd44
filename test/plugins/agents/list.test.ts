import { afterAll, beforeAll, expect, test } from "vitest";
import { ada, agentsPlatform, bob, made, mutations, stranger } from "./fixture.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>>;
beforeAll(async () => {
  app = await agentsPlatform();
  const graph = mutations(app);
  for (const [name, description] of people) {
    made(await graph.create({ name, description, framework: "paper", activate: name !== "Édith" }));
  }
  made(await graph.archive({ name: "Bruno" }));
});
afterAll(() => app.close());

const people = [
  ["Anna", "Sells tickets"],
  ["Bruno", "Sells HATS"],
  ["Carla", null],
  ["Édith", "Writes 100% of the songs"],
  ["Fritz_1", "Repairs clocks"],
] as const;

interface Listed {
  agents: {
    nodes: { name: string }[];
    totalCount: number;
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
  };
}

async function list(variables: Record<string, unknown> = {}, viewer = bob): Promise<Listed["agents"]> {
  const query = `query ($status: [AgentStatus!], $search: String, $first: Int, $after: String, $last: Int, $before: String) {
    agents(status: $status, search: $search, first: $first, after: $after, last: $last, before: $before) {
      nodes { name } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  return (await app.graphql<Listed>(query, variables, viewer)).agents;
}

const names = async (variables: Record<string, unknown>, viewer = bob): Promise<string[]> =>
  (await list(variables, viewer)).nodes.map(({ name }) => name);
const newestFirst = people.map(([name]) => name).toReversed();

test("members see all agents of their tenant, newest first; others none", async () => {
  expect(await names({})).toEqual(newestFirst);
  expect(await list({}, stranger)).toMatchObject({ nodes: [], totalCount: 0 });
});

test("a list is paged forwards and backwards without gap or repeat", async () => {
  const forwards: string[] = [];
  let page = await list({ first: 2 });
  forwards.push(...page.nodes.map(({ name }) => name));
  expect(page).toMatchObject({ totalCount: 5, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
  while (page.pageInfo.hasNextPage) {
    page = await list({ first: 2, after: page.pageInfo.endCursor });
    forwards.push(...page.nodes.map(({ name }) => name));
  }
  expect(forwards).toEqual(newestFirst);

  page = await list({ last: 2 });
  const backwards = page.nodes.map(({ name }) => name);
  while (page.pageInfo.hasPreviousPage) {
    page = await list({ last: 2, before: page.pageInfo.startCursor });
    backwards.unshift(...page.nodes.map(({ name }) => name));
  }
  expect(backwards).toEqual(newestFirst);
});

test.each([
  ["sells", ["Bruno", "Anna"]],
  ["hats", ["Bruno"]],
  ["CARL", ["Carla"]],
  ["éDITH", ["Édith"]],
  ["E\u0301dith", ["Édith"]],
  ["100%", ["Édith"]],
  ["fritz_", ["Fritz_1"]],
  ["a_n", []],
  ["%", ["Édith"]],
  ["!", []],
  ["  tickets ", ["Anna"]],
  ["", newestFirst],
])("the search for %j finds %j", async (search, found) => {
  expect(await names({ search })).toEqual(found);
  expect((await list({ search, first: 0 })).totalCount).toBe(found.length);
});

test("a list shows the statuses asked for", async () => {
  expect(await names({ status: ["ARCHIVED"] })).toEqual(["Bruno"]);
  expect(await names({ status: ["DRAFT", "ARCHIVED"], search: "s" })).toEqual(["Édith", "Bruno"]);
  expect(await names({ status: [] })).toEqual([]);
});

test("a page that is too large, a foreign cursor and an endless search are refused", async () => {
  await expect(list({ first: 101 })).rejects.toThrow("0 to 100");
  await expect(list({ after: "bm9uc2Vuc2U" })).rejects.toThrow("cursor");
  await expect(list({ search: "x".repeat(201) }, ada)).rejects.toThrow("200 characters");
});

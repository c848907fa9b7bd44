import { afterAll, beforeAll, expect, test } from "vitest";
import { ada, bob, counts, made, mutations, root, stranger, transform, workflowsPlatform } from "./fixture.ts";

let app: Awaited<ReturnType<typeof workflowsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await workflowsPlatform();
  graph = mutations(app);
});
afterAll(() => app.close());

let count = 0;
const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
const create = async (more: object = {}) =>
  made(await graph.create({ name: `Flow ${++count}`, description: "First.", inputSchema: schema, nodes: [transform("a", "1")], ...more }));

const versionsOf = async (id: string) =>
  (
    await app.graphql<{
      node: { versions: { nodes: { id: string; version: number; inputSchema: unknown; nodes: { config: unknown }[] }[] } };
    }>(
      `query ($id: ID!) { node(id: $id) { ... on Workflow { versions { nodes { id version inputSchema nodes { config } dependencies { to } } } } } }`,
      { id },
      bob,
    )
  ).node.versions.nodes;

test("other nodes or another input schema make a version; what was there before stays as it was", async () => {
  const { id } = await create();
  const workflow = { id };
  expect(made(await graph.update({ workflow, nodes: [transform("a", "2")] }))).toMatchObject({ version: 2, inputSchema: schema });
  expect(made(await graph.update({ workflow, inputSchema: null }))).toMatchObject({ version: 3, inputSchema: null, nodes: [{ key: "a" }] });
  expect((await versionsOf(id)).map(({ version, inputSchema, nodes }) => [version, inputSchema, nodes[0]?.config])).toEqual([
    [3, null, { expression: "2" }],
    [2, schema, { expression: "2" }],
    [1, schema, { expression: "1" }],
  ]);
});

test("a name, a description and being archived make no version; what is left out stays and null clears", async () => {
  const { id, name } = await create();
  const workflow = { id };
  expect(made(await graph.update({ workflow, description: "Second." }))).toMatchObject({ name, description: "Second.", version: 1 });
  expect(made(await graph.update({ workflow, name: ` ${name} again ` }))).toMatchObject({ name: `${name} again`, description: "Second." });
  expect(made(await graph.update({ workflow, description: null }))).toMatchObject({ description: null, version: 1 });
  const same = { workflow, nodes: [transform("a", "1")], inputSchema: schema, archived: false };
  const before = await counts(app);
  const changed = `{ workflow(ref: { id: "${id}" }) { updatedAt } }`;
  const stamp = await app.graphql(changed, {}, ada);
  expect(made(await graph.update(same))).toMatchObject({ version: 1 });
  expect(await app.graphql(changed, {}, ada)).toEqual(stamp);
  expect(await counts(app)).toEqual(before);
});

test.each([
  ["a name", { name: null }, ["input", "name"]],
  ["nodes", { nodes: null }, ["input", "nodes"]],
  ["being archived", { archived: null }, ["input", "archived"]],
])("%s cannot be cleared", async (_, change, path) => {
  const { id } = await create();
  expect(await graph.update({ workflow: { id }, ...change })).toMatchObject({ __typename: "InvalidInputError", path });
});

test("an update is checked as a whole: all problems, nothing written", async () => {
  const { id } = await create({ nodes: [transform("a", "input.n + 1")] });
  const before = await counts(app);
  const refused = await graph.update({
    workflow: { id },
    name: "",
    description: "d".repeat(2_001),
    inputSchema: { type: "object", properties: { n: { type: "string" } }, required: ["n"] },
  });
  expect(refused.issues?.map(({ path }) => path.join("."))).toEqual(["input.name", "input.description", "input.nodes.0.config.expression"]);
  expect(await counts(app)).toEqual(before);
});

test("an update of a version that changed meanwhile is refused where it says which version it means", async () => {
  const { id } = await create();
  made(await graph.update({ workflow: { id }, nodes: [transform("a", "2")], expectedVersion: 1 }));
  expect(await graph.update({ workflow: { id }, nodes: [transform("a", "3")], expectedVersion: 1 })).toMatchObject({
    __typename: "ConflictError",
    code: "VERSION_CONFLICT",
    path: ["input", "expectedVersion"],
  });
  expect(await versionsOf(id)).toHaveLength(2);
});

test("of updates at the same time none is lost: each that names a version wins alone, the others follow one another", async () => {
  const { id } = await create();
  const workflow = { id };
  const racing = await Promise.all([2, 3, 4].map((n) => graph.update({ workflow, nodes: [transform("a", `${n}`)], expectedVersion: 1 })));
  expect(racing.map(({ __typename, code }) => code ?? __typename).toSorted()).toEqual([
    "UpdateWorkflowPayload",
    "VERSION_CONFLICT",
    "VERSION_CONFLICT",
  ]);
  const apart = await Promise.all([
    graph.update({ workflow, nodes: [transform("b", "1")] }),
    graph.update({ workflow, inputSchema: { type: "array" } }),
  ]);
  expect(apart.map((each) => made(each).version).toSorted()).toEqual([3, 4]);
  const [newest] = await versionsOf(id);
  expect(newest).toMatchObject({ version: 4, inputSchema: { type: "array" }, nodes: [{ config: { expression: "1" } }] });
});

test("an old version is restored as a new one, where what it names is still there", async () => {
  const { id } = await create();
  made(await graph.update({ workflow: { id }, nodes: [transform("b", "2")], inputSchema: null, name: `Renamed ${count}` }));
  const restored = made(await graph.restore({ id }, 1));
  expect(restored).toMatchObject({ version: 3, name: `Renamed ${count}`, inputSchema: schema, nodes: [{ key: "a" }] });
  expect(await graph.restore({ id }, 9)).toMatchObject({ __typename: "NotFoundError", path: ["version"] });

  const { id: sub } = await create({ name: "Called" });
  const parent = await create({ nodes: [{ key: "sub", kind: "workflow", config: { workflow: "Called", input: { n: 1 } } }] });
  made(await graph.update({ workflow: { id: parent.id }, nodes: [transform("a", "1")] }));
  made(await graph.update({ workflow: { id: sub }, name: "Called otherwise" }));
  expect(await graph.restore({ id: parent.id }, 1)).toMatchObject({ code: "INVALID_INPUT", path: expect.arrayContaining(["version"]) });
  expect(await versionsOf(parent.id)).toHaveLength(2);
});

test("only its owner and admins change a workflow; another tenant finds none", async () => {
  const { id, name } = await create();
  const workflow = { id };
  const attempts = [
    (viewer: typeof bob) => graph.update({ workflow, description: "Mine." }, viewer),
    (viewer: typeof bob) => graph.update({ workflow, nodes: [transform("a", "9")] }, viewer),
    (viewer: typeof bob) => graph.archive({ name }, viewer),
    (viewer: typeof bob) => graph.restore(workflow, 1, viewer),
  ];
  for (const attempt of attempts) {
    expect(await attempt(bob)).toMatchObject({ __typename: "ForbiddenError", code: "FORBIDDEN" });
    expect(await attempt(stranger)).toMatchObject({ __typename: "NotFoundError" });
  }
  expect(await versionsOf(id)).toHaveLength(1);
  const changed = made(await graph.update({ workflow, nodes: [transform("a", "2")] }, root));
  expect(changed).toMatchObject({ version: 2, archived: false, owner: { name: "ada" } });
  const versions = await versionsOf(id);
  expect(await app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: versions[0]?.id }, stranger)).toEqual({ node: null });
});

test("an archived workflow keeps its name, and is brought back", async () => {
  const { id, name } = await create();
  expect(made(await graph.archive({ name }))).toMatchObject({ archived: true, version: 1 });
  expect(made(await graph.archive({ id }))).toMatchObject({ archived: true });
  expect(await graph.create({ name, nodes: [transform("a", "1")] })).toMatchObject({ code: "CONFLICT" });
  expect(made(await graph.update({ workflow: { id }, archived: false }))).toMatchObject({ archived: false, version: 1 });
});

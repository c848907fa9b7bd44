import { afterAll, beforeAll, expect, test } from "vitest";
import { definePlugin, runTargets } from "#weftline";
import { workflowEditor } from "../../../../src/plugins/workflows/service/service.ts";
import { ada, bob, made, mutations, stranger, transform, workflowsPlatform } from "./fixture.ts";

/** What a run does is not looked at here: it reads its version and ends, where nothing else runs workflows. */
const program = definePlugin({
  id: "program",
  requires: { editor: workflowEditor },
  setup: ({ deps, contribute, contributions }) => {
    if (contributions(runTargets).has("Workflow")) return {};
    contribute(runTargets, "Workflow", {
      ...deps.editor.target,
      program: async (run) => {
        const { nodes } = await deps.editor.definitionOf(run);
        return { capabilities: [], run: () => nodes.map(({ key }) => key) };
      },
    });
    return {};
  },
});

let app: Awaited<ReturnType<typeof workflowsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await workflowsPlatform({ more: [program()] });
  graph = mutations(app);
});
afterAll(() => app.close());

const schema = { type: "object", properties: { topic: { type: "string" } }, required: ["topic"] };
const start = async (input: object, viewer = ada) =>
  (
    await app.graphql<{ startRun: Record<string, unknown> }>(
      `mutation ($input: StartRunInput!) { startRun(input: $input) { __typename
        ... on StartRunPayload { run { id targetVersion workflowVersion { version nodes { key } } target { __typename name } } }
        ... on UserError { code path fix } ... on InvalidInputError { issues { path message } } } }`,
      { input },
      viewer,
    )
  ).startRun;

test("a run pins the newest version and keeps to it; members find the workflow's runs as their own", async () => {
  const { id, name } = made(await graph.create({ name: "Pinned", inputSchema: schema, nodes: [transform("a", "1")] }));
  const target = { workflow: { name } };
  expect(await start({ target, input: { topic: "looms" } }, bob)).toMatchObject({
    run: { targetVersion: 1, workflowVersion: { version: 1, nodes: [{ key: "a" }] }, target: { __typename: "Workflow", name } },
  });
  made(await graph.update({ workflow: { id }, nodes: [transform("b", "2")] }));
  expect(await start({ target: { workflow: { id } }, input: { topic: "looms" } }, bob)).toMatchObject({ run: { targetVersion: 2 } });
  const runs = `query ($id: ID!) { node(id: $id) { ... on Workflow { runs { totalCount nodes { targetVersion } } } }
    runs(filter: { workflow: $id }) { totalCount } }`;
  expect(await app.graphql(runs, { id }, bob)).toEqual({
    node: { runs: { totalCount: 2, nodes: [{ targetVersion: 2 }, { targetVersion: 1 }] } },
    runs: { totalCount: 2 },
  });
  expect(await app.graphql(runs, { id }, ada)).toMatchObject({ node: { runs: { totalCount: 0 } }, runs: { totalCount: 0 } });
});

test("an input that does not fit, words, and an archived or foreign workflow are refused before there is a run", async () => {
  const { id, name } = made(await graph.create({ name: "Checked", inputSchema: schema, nodes: [transform("a", "1")] }));
  const target = { workflow: { id } };
  const refused = await start({ target, input: { topic: 3 }, text: "Hello." });
  expect(refused).toMatchObject({
    code: "INVALID_INPUT",
    issues: [
      { path: ["input", "text"], message: expect.any(String) },
      { path: ["input", "input", "topic"], message: expect.any(String) },
    ],
  });
  expect(await start({ target })).toMatchObject({ code: "INVALID_INPUT" });
  expect(await start({ target, input: { topic: "looms" } }, stranger)).toMatchObject({ code: "NOT_FOUND" });
  made(await graph.archive({ name }));
  expect(await start({ target, input: { topic: "looms" } })).toMatchObject({
    __typename: "ConflictError",
    code: "WORKFLOW_ARCHIVED",
    path: ["input", "target", "workflow"],
  });
  expect(await app.graphql("query ($id: ID!) { runs(filter: { workflow: $id }) { totalCount } }", { id }, ada)).toEqual({
    runs: { totalCount: 0 },
  });
});

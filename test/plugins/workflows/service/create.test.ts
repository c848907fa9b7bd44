import { afterAll, beforeAll, expect, test } from "vitest";
import { globalId } from "#weftline";
import { ada, bob, counts, made, mutations, stranger, transform, workflowsPlatform } from "./fixture.ts";

let app: Awaited<ReturnType<typeof workflowsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await workflowsPlatform();
  graph = mutations(app);
});
afterAll(() => app.close());

const one = { nodes: [transform("a", "1")] };

test("a workflow is made with what was given and defaults for the rest", async () => {
  const inputSchema = { type: "object", properties: { topic: { type: "string" }, rows: { type: "integer" } }, required: ["topic", "rows"] };
  const workflow = made(
    await graph.create({
      name: "  Weave  ",
      description: "Weaves.",
      inputSchema,
      nodes: [
        transform("warp", "input.topic", { retry: { attempts: 3 }, timeout: "PT1M30S", undo: "unwind" }),
        {
          key: "many",
          kind: "branch",
          name: "Many rows?",
          dependsOn: ["warp"],
          config: { cases: [{ when: "input.rows > 9", to: "big" }], else: "small" },
        },
        transform("big", '"big " + nodes.warp.output', { dependsOn: ["many"], onError: "ROUTE", errorNode: "rescue" }),
        transform("small", '"small"', { dependsOn: ["many"], when: "input.rows > 1" }),
        transform("end", "true", { dependsOn: ["big", "small"], join: "COUNT", joinCount: 1, onError: "CONTINUE" }),
        transform("rescue", '"rescued"', { retry: { attempts: 2, delay: "PT0.5S", factor: 1, jitter: false } }),
        transform("unwind", "null"),
      ],
    }),
  );
  const plain = { retry: null, timeout: null, join: "ALL", joinCount: null, onError: "FAIL", errorNode: null, undo: null, when: null };
  const node = (key: string, expression: string, more: object) => ({
    ...plain,
    key,
    name: key,
    kind: "transform",
    dependsOn: [],
    config: { expression },
    ...more,
  });
  expect(workflow).toEqual({
    id: expect.any(String),
    name: "Weave",
    description: "Weaves.",
    version: 1,
    archived: false,
    origin: null,
    inputSchema,
    owner: { name: "ada", self: true, kind: "USER" },
    nodes: [
      node("warp", "input.topic", { retry: { attempts: 3, delay: "PT1S", factor: 2, jitter: true }, timeout: "PT1M30S", undo: "unwind" }),
      {
        ...plain,
        key: "many",
        kind: "branch",
        name: "Many rows?",
        dependsOn: ["warp"],
        config: { cases: [{ when: "input.rows > 9", to: "big" }], else: "small" },
      },
      node("big", '"big " + nodes.warp.output', { dependsOn: ["many"], onError: "ROUTE", errorNode: "rescue" }),
      node("small", '"small"', { dependsOn: ["many"], when: "input.rows > 1" }),
      node("end", "true", { dependsOn: ["big", "small"], join: "COUNT", joinCount: 1, onError: "CONTINUE" }),
      node("rescue", '"rescued"', { retry: { attempts: 2, delay: "PT0.5S", factor: 1, jitter: false } }),
      node("unwind", "null", {}),
    ],
    dependencies: [
      { from: "warp", to: "many", label: null },
      { from: "many", to: "big", label: "input.rows > 9" },
      { from: "many", to: "small", label: "else" },
      { from: "big", to: "end", label: null },
      { from: "small", to: "end", label: null },
      { from: "warp", to: "unwind", label: "undo" },
      { from: "big", to: "rescue", label: "error" },
    ],
  });
});

test("a name is taken once in a tenant, and free in another", async () => {
  made(await graph.create({ name: "Twin", ...one }));
  const taken = { __typename: "ConflictError", code: "CONFLICT", path: ["input", "name"] };
  expect(await graph.create({ name: " Twin ", ...one }, bob)).toMatchObject(taken);
  expect(made(await graph.create({ name: "Twin", ...one }, stranger)).name).toBe("Twin");
});

const validate = async (input: object) =>
  (
    await app.graphql<{ issues: { path: string[]; message: string }[] }>(
      "query ($input: CreateWorkflowInput!) { issues: validateWorkflow(input: $input) { path message } }",
      { input },
      ada,
    )
  ).issues;

test("all that is wrong is said at once with its paths, by validateWorkflow and by createWorkflow, and nothing is written", async () => {
  const wrong = {
    name: "  ",
    description: "d".repeat(2_001),
    inputSchema: { type: "objekt" },
    idempotencyKey: "wrong",
    nodes: [
      transform("a", "nodes.b.output", { dependsOn: ["b"] }),
      transform("b", "1 +", { dependsOn: ["a"] }),
      transform("c", "1", { dependsOn: ["gone"], joinCount: 2 }),
      transform("c", "1"),
      { key: "1st", kind: "transform", config: {} },
      { key: "odd", kind: "spin", config: {} },
      { key: "helper", kind: "agent", config: { agent: "nobody", text: "Hi" } },
      { key: "call", kind: "tool", config: { tool: "no.tool", arguments: {} } },
      { key: "sub", kind: "workflow", config: { workflow: "Nowhere" } },
      { key: "long", kind: "wait", config: { duration: "P100Y" } },
      transform("lost", "nodes.nothing.output"),
      transform("retried", "1", { retry: { attempts: 99, delay: "PT2H" }, timeout: "PT0S" }),
    ],
  };
  const before = await counts(app);
  const issues = await validate(wrong);
  const paths = issues.map(({ path }) => path.join("."));
  for (const path of [
    "input.name",
    "input.description",
    "input.inputSchema",
    "input.nodes.2.dependsOn.0",
    "input.nodes.2.joinCount",
    "input.nodes.3.key",
    "input.nodes.4.key",
    "input.nodes.5.kind",
    "input.nodes.6.config.agent",
    "input.nodes.7.config.tool",
    "input.nodes.8.config.workflow",
    "input.nodes.9.config.duration",
    "input.nodes.10.config.expression",
    "input.nodes.11.retry.attempts",
    "input.nodes.11.retry.delay",
    "input.nodes.11.timeout",
  ])
    expect(paths).toContain(path);
  expect(paths.some((path) => /^input\.nodes\.[01]\.dependsOn/.test(path))).toBe(true);
  for (const { message } of issues) expect(message).toMatch(/\S/);
  const refused = await graph.create(wrong);
  expect(refused).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT", path: ["input", "name"] });
  expect(refused.issues).toEqual(issues);
  expect(await counts(app)).toEqual(before);
  expect(await validate({ name: "Twin", ...one })).toEqual([]);
});

test("the same key gives the first workflow, another body a conflict, another viewer a workflow of their own", async () => {
  const input = { name: "Once", ...one, idempotencyKey: "k1" };
  const first = made(await graph.create(input));
  const before = await counts(app);
  expect(made(await graph.create(input)).id).toBe(first.id);
  expect(await graph.create({ ...input, name: "Twice" })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
  expect(await counts(app)).toEqual(before);
  expect(made(await graph.create({ ...input, name: "Hers" }, bob)).id).not.toBe(first.id);
});

test("the same key gives the first workflow also where what it names is gone by then", async () => {
  const sub = made(await graph.create({ name: "Sub", ...one }));
  const input = { name: "Parent", nodes: [{ key: "sub", kind: "workflow", config: { workflow: "Sub" } }], idempotencyKey: "k2" };
  const first = made(await graph.create(input));
  made(await graph.update({ workflow: { id: sub.id }, name: "Renamed" }));
  expect(made(await graph.create(input)).id).toBe(first.id);
  expect(await graph.create({ ...input, name: "Parent 2", idempotencyKey: "k3" })).toMatchObject({ code: "INVALID_INPUT" });
});

test("a workflow is found by name and by id; another tenant finds nothing", async () => {
  const { id } = made(await graph.create({ name: "Known", ...one }));
  const query = `query ($ref: WorkflowRef!, $id: ID!) { workflow(ref: $ref) { name } node(id: $id) { ... on Workflow { name } } }`;
  for (const ref of [{ name: "Known" }, { id }]) {
    expect(await app.graphql(query, { ref, id }, bob)).toEqual({ workflow: { name: "Known" }, node: { name: "Known" } });
    expect(await app.graphql(query, { ref, id }, stranger)).toEqual({ workflow: null, node: null });
  }
  for (const ref of [{ name: "Unknown" }, { id: "nonsense" }, { id: globalId("Thread", "1") }])
    expect(await app.graphql(`query ($ref: WorkflowRef!) { workflow(ref: $ref) { name } }`, { ref }, ada)).toEqual({ workflow: null });
});

test("the list is searched, leaves out archived ones, and is paged", async () => {
  for (const name of ["List A", "List B", "List C"]) made(await graph.create({ name, description: "Für Käufer_1", ...one }));
  made(await graph.archive({ name: "List B" }));
  const list = async (args: string) =>
    (
      await app.graphql<{ workflows: { nodes: { name: string }[]; totalCount: number; pageInfo: { endCursor: string } } }>(
        `{ workflows(${args}) { nodes { name } totalCount pageInfo { endCursor } } }`,
        {},
        bob,
      )
    ).workflows;
  const names = async (args: string) => (await list(args)).nodes.map(({ name }) => name);
  expect(await names('search: "KÄUFER_"')).toEqual(["List C", "List A"]);
  expect(await names('search: "list", archived: true')).toEqual(["List B"]);
  expect(await names('search: "list", archived: null')).toEqual(["List C", "List B", "List A"]);
  expect(await names('search: "k%1"')).toEqual([]);
  const first = await list('search: "list", first: 1');
  expect(first).toMatchObject({ nodes: [{ name: "List C" }], totalCount: 2 });
  expect(await names(`search: "list", first: 1, after: "${first.pageInfo.endCursor}"`)).toEqual(["List A"]);
});

test("a workflow may have 1,000 nodes, and no more", async () => {
  const nodes = Array.from({ length: 1_000 }, (_, at) =>
    transform(`n${at}`, at === 0 ? "0" : `nodes.n${at - 1}.output + 1`, at === 0 ? {} : { dependsOn: [`n${at - 1}`] }),
  );
  const result = await app.graphql<{ result: unknown }>(
    `mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) {
      __typename ... on CreateWorkflowPayload { workflow { version nodes { key } dependencies { from } } } ... on UserError { message } } }`,
    { input: { name: "Long", nodes } },
    ada,
  );
  const { workflow } = result.result as { workflow: { version: number; nodes: unknown[]; dependencies: unknown[] } };
  expect([workflow.version, workflow.nodes.length, workflow.dependencies.length]).toEqual([1, 1_000, 999]);
  const more = await graph.create({ name: "Longer", nodes: [...nodes, transform("last", "1")] });
  expect(more).toMatchObject({ code: "INVALID_INPUT", path: ["input", "nodes"] });
});

test("changes tells of a new workflow, and of a changed one with its version", async () => {
  const heard = await app.subscribe<{ changes: Record<string, unknown> }>(
    `subscription { changes(typeNames: ["Workflow"]) { kind typeName nodeId version } }`,
    {},
    bob,
  );
  expect((await heard.next()).value?.changes["kind"]).toBe("RESYNC");
  const { id } = made(await graph.create({ name: "Heard", ...one }));
  expect((await heard.next()).value).toEqual({ changes: { kind: "CREATED", typeName: "Workflow", nodeId: id, version: 1 } });
  made(await graph.update({ workflow: { id }, nodes: [transform("a", "2")] }));
  expect((await heard.next()).value).toEqual({ changes: { kind: "UPDATED", typeName: "Workflow", nodeId: id, version: 2 } });
  await heard.return?.();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { globalId } from "#weftline";
import { ada, agentsPlatform, bob, counts, made, mutations, stranger } from "./fixture.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await agentsPlatform();
  graph = mutations(app);
});
afterAll(() => app.close());

test("an agent is made with what was given and defaults for the rest", async () => {
  const agent = made(await graph.create({ name: "  Plain  ", framework: "paper" }));
  expect(agent).toMatchObject({
    name: "Plain",
    description: null,
    status: "ACTIVE",
    frameworkId: "paper",
    model: null,
    instructions: null,
    options: {},
    outputSchema: null,
    version: 1,
    memory: { recall: false, scopes: [], limit: 5 },
    capabilities: [],
    missingCapabilities: [],
    owner: { name: "ada", self: true },
    template: null,
  });

  const full = {
    description: "Does it all.",
    model: "lab/rat",
    instructions: "Be kind.",
    options: { temperature: 0.5 },
    outputSchema: { type: "object", properties: { answer: { type: "string" } } },
  };
  const second = made(
    await graph.create({
      ...full,
      name: "Full",
      framework: "paper",
      capabilities: ["time.now", "no.such", "time.now"],
      memory: { recall: true, scopes: ["USER", "AGENT"] },
      activate: false,
    }),
  );
  expect(second).toMatchObject({
    ...full,
    status: "DRAFT",
    capabilities: [{ name: "time.now", kind: "TOOL" }],
    missingCapabilities: ["no.such"],
    memory: { recall: true, scopes: ["USER", "AGENT"], limit: 5 },
  });
});

test("a name is taken once in a tenant, and free in another", async () => {
  made(await graph.create({ name: "Twin", framework: "paper" }));
  expect(await graph.create({ name: " Twin ", framework: "paper" }, bob)).toMatchObject({
    __typename: "ConflictError",
    code: "CONFLICT",
    path: ["input", "name"],
  });
  expect(made(await graph.create({ name: "Twin", framework: "paper" }, stranger)).name).toBe("Twin");
});

test.each([
  ["a blank name", { name: "   " }, ["input", "name"]],
  ["a name that is too long", { name: "n".repeat(101) }, ["input", "name"]],
  ["a name of two lines", { name: "a\nb" }, ["input", "name"]],
  ["a description that is too long", { description: "d".repeat(2_001) }, ["input", "description"]],
  ["an unknown framework", { framework: "wood" }, ["input", "framework"]],
  ["a wrong option", { options: { temperature: 3 } }, ["input", "options", "temperature"]],
  ["a wrong option further down", { options: { style: { loud: "very" } } }, ["input", "options", "style", "loud"]],
  ["options that are no object", { options: ["temperature"] }, ["input", "options"]],
  ["an unknown binding", { model: "nowhere/gpt" }, ["input", "model"]],
  ["a blank model", { model: " " }, ["input", "model"]],
  ["instructions that are too long", { instructions: "i".repeat(100_001) }, ["input", "instructions"]],
  ["a blank capability", { capabilities: ["time.now", ""] }, ["input", "capabilities", "1"]],
  ["an output schema that is none", { outputSchema: { type: "objekt" } }, ["input", "outputSchema"]],
  ["an output schema that is no object", { outputSchema: "string" }, ["input", "outputSchema"]],
  ["an output schema that points nowhere", { outputSchema: { $ref: "#/$defs/gone" } }, ["input", "outputSchema"]],
  ["a limit of nothing", { memory: { limit: 0 } }, ["input", "memory", "limit"]],
])("%s is refused and nothing is written", async (_, wrong, path) => {
  const before = await counts(app);
  const result = await graph.create({ name: "Wrong", framework: "paper", idempotencyKey: "wrong", ...wrong });
  expect(result).toMatchObject({ __typename: "InvalidInputError", path });
  expect(result.issues).toEqual([{ path, message: expect.stringMatching(/\S/) }]);
  expect(await counts(app)).toEqual(before);
});

test("an unknown framework is answered with those that there are", async () => {
  const result = await graph.create({ name: "Wrong", framework: "wood" });
  expect(result).toMatchObject({ code: "FRAMEWORK_UNKNOWN", message: expect.stringContaining("paper, stone") });
});

test("all that is wrong is said at once", async () => {
  const result = await graph.create({
    name: "",
    framework: "paper",
    model: "nowhere/x",
    options: { temperature: -1 },
    memory: { limit: 1_000 },
  });
  expect(result.issues?.map((issue) => issue.path.join("."))).toEqual([
    "input.name",
    "input.model",
    "input.options.temperature",
    "input.memory.limit",
  ]);
});

test("the same key gives the first agent, another body a conflict, another viewer an agent of their own", async () => {
  const input = { name: "Once", framework: "paper", options: { temperature: 1, style: { loud: true } }, idempotencyKey: "k1" };
  const first = made(await graph.create(input));
  const before = await counts(app);
  expect(made(await graph.create({ ...input, options: { style: { loud: true }, temperature: 1 } })).id).toBe(first.id);
  expect(await graph.create({ ...input, name: "Twice" })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
  expect(await counts(app)).toEqual(before);
  expect(made(await graph.create({ ...input, name: "Hers" }, bob)).id).not.toBe(first.id);
});

test("an agent is found by name and by id; another tenant finds nothing", async () => {
  const { id } = made(await graph.create({ name: "Known", framework: "paper" }));
  const query = `query ($ref: AgentRef!, $id: ID!) { agent(ref: $ref) { name } node(id: $id) { ... on Agent { name } } }`;
  for (const ref of [{ name: "Known" }, { id }]) {
    expect(await app.graphql(query, { ref, id }, bob)).toEqual({ agent: { name: "Known" }, node: { name: "Known" } });
    expect(await app.graphql(query, { ref, id }, stranger)).toEqual({ agent: null, node: null });
  }
  for (const ref of [{ name: "Unknown" }, { id: "nonsense" }, { id: globalId("Thread", "1") }]) {
    expect(await app.graphql(`query ($ref: AgentRef!) { agent(ref: $ref) { name } }`, { ref }, ada)).toEqual({ agent: null });
  }
});

test("changes tells of a new agent, and of a changed one with its version", async () => {
  const heard = await app.subscribe<{ changes: Record<string, unknown> }>(
    `subscription { changes(typeNames: ["Agent"]) { kind typeName nodeId version } }`,
    {},
    bob,
  );
  expect((await heard.next()).value?.changes["kind"]).toBe("RESYNC");
  const { id } = made(await graph.create({ name: "Heard", framework: "paper" }));
  expect((await heard.next()).value).toEqual({ changes: { kind: "CREATED", typeName: "Agent", nodeId: id, version: 1 } });
  made(await graph.update({ agent: { id }, instructions: "Louder." }));
  expect((await heard.next()).value).toEqual({ changes: { kind: "UPDATED", typeName: "Agent", nodeId: id, version: 2 } });
  await heard.return?.();
});

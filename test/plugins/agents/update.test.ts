import { afterAll, beforeAll, expect, test } from "vitest";
import { globalId } from "#weftline";
import { ada, agentsPlatform, bob, counts, made, mutations, root, stranger, type AgentData } from "./fixture.ts";

let app: Awaited<ReturnType<typeof agentsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await agentsPlatform();
  graph = mutations(app);
});
afterAll(() => app.close());

let count = 0;
const fresh = async (more: Record<string, unknown> = {}): Promise<AgentData> =>
  made(await graph.create({ name: `Agent ${++count}`, framework: "paper", ...more }));

interface VersionData {
  version: number;
  note: string | null;
  definition: Record<string, unknown>;
}

const versionsOf = async (id: string): Promise<VersionData[]> =>
  (
    await app.graphql<{ agent: { versions: { nodes: VersionData[] } } }>(
      `query ($id: ID!) { agent(ref: { id: $id }) { versions { nodes { version note definition } } } }`,
      { id },
      ada,
    )
  ).agent.versions.nodes;

test("what is left out stays and null clears", async () => {
  const { id } = await fresh({
    description: "Old.",
    model: "lab/rat",
    instructions: "Old.",
    capabilities: ["time.now"],
    options: { temperature: 0.3 },
    outputSchema: { type: "object" },
    memory: { recall: true, scopes: ["USER"], limit: 9 },
  });
  const changed = made(await graph.update({ agent: { id }, instructions: "New.", memory: { limit: 3, scopes: null } }));
  expect(changed).toMatchObject({
    description: "Old.",
    model: "lab/rat",
    instructions: "New.",
    capabilities: [{ name: "time.now" }],
    options: { temperature: 0.3 },
    outputSchema: { type: "object" },
    memory: { recall: true, scopes: [], limit: 3 },
    version: 2,
  });
  const nothing = {
    description: null,
    model: null,
    instructions: null,
    capabilities: null,
    options: null,
    outputSchema: null,
    memory: null,
  };
  expect(made(await graph.update({ agent: { id }, ...nothing }))).toMatchObject({
    description: null,
    model: null,
    instructions: null,
    capabilities: [],
    options: {},
    outputSchema: null,
    memory: { recall: false, scopes: [], limit: 5 },
    version: 3,
  });
  expect(await graph.update({ agent: { id }, name: null })).toMatchObject({ __typename: "InvalidInputError", path: ["input", "name"] });
  expect(await graph.update({ agent: { id }, framework: null })).toMatchObject({
    __typename: "InvalidInputError",
    path: ["input", "framework"],
  });
});

test("each change of the definition is a version; a name, a description and nothing at all are none", async () => {
  const { id } = await fresh({ instructions: "One." });
  made(await graph.update({ agent: { id }, instructions: "Two.", note: "Clearer." }));
  expect(made(await graph.update({ agent: { id }, name: "Renamed", description: "Described." }))).toMatchObject({
    name: "Renamed",
    description: "Described.",
    version: 2,
  });
  expect(made(await graph.update({ agent: { id }, instructions: "Two." })).version).toBe(2);
  expect(made(await graph.update({ agent: { id }, note: "Checked." })).version).toBe(3);
  const definition = {
    framework: "paper",
    model: null,
    instructions: "Two.",
    capabilities: [],
    toolPolicies: [],
    options: {},
    outputSchema: null,
    memory: { recall: false, scopes: [], limit: 5 },
  };
  expect(await versionsOf(id)).toEqual([
    { version: 3, note: "Checked.", definition },
    { version: 2, note: "Clearer.", definition },
    { version: 1, note: null, definition: { ...definition, instructions: "One." } },
  ]);
});

test("an old version is restored as a new one that equals it", async () => {
  const { id } = await fresh({ instructions: "One.", options: { temperature: 0.1 } });
  made(await graph.update({ agent: { id }, instructions: "Two.", options: {} }));
  expect(made(await graph.restore({ id }, 1))).toMatchObject({ version: 3, instructions: "One.", options: { temperature: 0.1 } });
  const [restored, , first] = await versionsOf(id);
  expect(restored).toEqual({ ...first, version: 3, note: "Restored from version 1." });
  expect(await graph.restore({ id }, 9)).toMatchObject({ __typename: "NotFoundError", path: ["version"] });
});

test("versions are nodes that members of the tenant see, and nobody else", async () => {
  const { id } = await fresh();
  const { agent } = await app.graphql<{ agent: { versions: { nodes: { id: string }[]; totalCount: number } } }>(
    `query ($id: ID!) { agent(ref: { id: $id }) { versions(first: 1) { totalCount nodes { id } } } }`,
    { id },
    bob,
  );
  expect(agent.versions.totalCount).toBe(1);
  const query = `query ($id: ID!) { node(id: $id) { ... on AgentVersion { version } } }`;
  const variables = { id: agent.versions.nodes[0]?.id };
  expect(await app.graphql(query, variables, bob)).toEqual({ node: { version: 1 } });
  expect(await app.graphql(query, variables, stranger)).toEqual({ node: null });
});

test("an update for another version than the newest is refused", async () => {
  const { id } = await fresh();
  expect(made(await graph.update({ agent: { id }, instructions: "Two.", expectedVersion: 1 })).version).toBe(2);
  expect(await graph.update({ agent: { id }, instructions: "Lost.", expectedVersion: 1 })).toMatchObject({
    __typename: "ConflictError",
    code: "VERSION_CONFLICT",
    path: ["input", "expectedVersion"],
  });
  expect((await versionsOf(id))[0]?.definition["instructions"]).toBe("Two.");
});

test("of two updates at the same time for one version, one wins", async () => {
  const { id } = await fresh();
  const both = await Promise.all(
    ["Left.", "Right."].map((instructions) => graph.update({ agent: { id }, instructions, expectedVersion: 1 })),
  );
  expect(both.map((outcome) => outcome.code ?? "OK").toSorted()).toEqual(["OK", "VERSION_CONFLICT"]);
});

test("another member reads an agent and may not change it; an admin may; to another tenant it does not exist", async () => {
  const { id } = await fresh();
  const before = await counts(app);
  const attempts = (viewer: typeof ada) => [
    graph.update({ agent: { id }, instructions: "Mine." }, viewer),
    graph.restore({ id }, 1, viewer),
    graph.start({ id }, viewer),
    graph.stop({ id }, "DRAIN", viewer),
    graph.archive({ id }, viewer),
  ];
  for (const outcome of await Promise.all(attempts(bob)))
    expect(outcome).toMatchObject({ __typename: "ForbiddenError", code: "FORBIDDEN" });
  for (const outcome of await Promise.all(attempts(stranger)))
    expect(outcome).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" });
  expect(await counts(app)).toEqual(before);
  expect(await app.graphql(`query ($id: ID!) { agent(ref: { id: $id }) { version status owner { name self } } }`, { id }, bob)).toEqual({
    agent: { version: 1, status: "ACTIVE", owner: { name: "ada", self: false } },
  });
  expect(made(await graph.update({ agent: { id }, instructions: "Admin's." }, root))).toMatchObject({ version: 2, owner: { name: "ada" } });
});

test("a taken name, a wrong id and a wrong value change nothing", async () => {
  const { name } = await fresh();
  const { id } = await fresh({ options: { temperature: 0.3 } });
  const before = await counts(app);
  expect(await graph.update({ agent: { id }, name, instructions: "New." })).toMatchObject({
    __typename: "ConflictError",
    path: ["input", "name"],
  });
  expect(await graph.update({ agent: { id: "nonsense" } })).toMatchObject({ code: "INVALID_ID", path: ["input", "agent", "id"] });
  expect(await graph.update({ agent: { id: globalId("Run", "1") } })).toMatchObject({ code: "INVALID_ID", path: ["input", "agent", "id"] });
  expect(await graph.start({ id: "nonsense" })).toMatchObject({ code: "INVALID_ID", path: ["agent", "id"] });
  expect(await graph.update({ agent: { name: "Nobody" } })).toMatchObject({ __typename: "NotFoundError", path: ["input", "agent"] });
  const wrong = { name: "x".repeat(101), note: "n".repeat(2_001), options: { temperature: 7 } };
  expect((await graph.update({ agent: { id }, ...wrong })).issues?.map(({ path }) => path.at(-1))).toEqual(["name", "note", "temperature"]);
  expect(await counts(app)).toEqual(before);
  expect((await versionsOf(id))[0]?.definition).toMatchObject({ instructions: null, options: { temperature: 0.3 } });
});

test("a mutation reads what the one before it wrote", async () => {
  const { id } = await fresh();
  const change = (alias: string, text: string): string =>
    `${alias}: updateAgent(input: { agent: { id: "${id}" }, instructions: "${text}" }) {
      ... on UpdateAgentPayload { agent { version instructions } } }`;
  expect(await app.graphql(`mutation { ${change("a", "A.")} ${change("b", "B.")} }`, {}, ada)).toEqual({
    a: { agent: { version: 2, instructions: "A." } },
    b: { agent: { version: 3, instructions: "B." } },
  });
});

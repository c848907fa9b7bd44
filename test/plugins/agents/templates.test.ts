import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { contribution, definePlugin } from "#weftline";
import { defineTemplate, templates } from "#plugins/agents";
import { ada, agentsPlatform, bob, counts, made, mutations, script } from "./fixture.ts";

const parameters = z.strictObject({ animal: z.string(), legs: z.int().default(4) });
const zoo = definePlugin({
  id: "zoo",
  contributes: [
    contribution(
      templates,
      "animal",
      defineTemplate({
        name: "animal",
        description: "Speaks as an animal.",
        framework: "stone",
        parameters,
        parametersSchema: z.toJSONSchema(parameters, { io: "input" }),
        build: ({ animal, legs }) => ({
          instructions: `You are a ${animal} with ${legs} legs.`,
          memory: { recall: true, scopes: ["USER"], limit: 2 },
        }),
      }),
    ),
    contribution(
      templates,
      "broken",
      defineTemplate({
        name: "broken",
        description: "Makes what is not valid.",
        framework: "stone",
        parameters: z.object({}),
        parametersSchema: {},
        build: () => ({ options: { temperature: 99 } }),
      }),
    ),
  ],
});

let app: Awaited<ReturnType<typeof agentsPlatform>>;
let graph: ReturnType<typeof mutations>;
beforeAll(async () => {
  app = await agentsPlatform(script(), zoo());
  graph = mutations(app);
});
afterAll(() => app.close());

interface TemplateData {
  id: string;
  name: string;
  description: string;
  plugin: string;
  frameworkId: string;
  parametersSchema: Record<string, unknown>;
}

const listed = async (): Promise<TemplateData[]> =>
  (
    await app.graphql<{ agentTemplates: TemplateData[] }>(
      `{ agentTemplates { id name description plugin frameworkId parametersSchema } }`,
      {},
      bob,
    )
  ).agentTemplates;

test("templates of all plugins are listed by name, each a node with the schema of its parameters", async () => {
  const all = await listed();
  expect(all.map(({ name, plugin, frameworkId }) => [name, plugin, frameworkId])).toEqual([
    ["analyst", "agents", "paper"],
    ["animal", "zoo", "stone"],
    ["assistant", "agents", "paper"],
    ["broken", "zoo", "stone"],
    ["research-team", "agents", "paper"],
    ["supervisor", "agents", "paper"],
    ["support", "agents", "paper"],
  ]);
  const support = all.find(({ name }) => name === "support");
  const valid = new Ajv2020({ strict: false }).compile(support?.parametersSchema ?? {});
  expect(valid({ company: "Acme", escalationContact: "ops@acme.example" })).toBe(true);
  expect(valid({ company: "Acme" })).toBe(false);
  expect(await app.graphql(`query ($id: ID!) { node(id: $id) { ... on AgentTemplate { name } } }`, { id: support?.id }, bob)).toEqual({
    node: { name: "support" },
  });
});

test("a template makes an agent by its name and by its id, and the agent remembers it", async () => {
  const byName = made(await graph.createFromTemplate({ template: "animal", name: "Cat", parameters: { animal: "cat" } }));
  expect(byName).toMatchObject({
    name: "Cat",
    status: "ACTIVE",
    frameworkId: "stone",
    instructions: "You are a cat with 4 legs.",
    memory: { recall: true, scopes: ["USER"], limit: 2 },
    template: { name: "animal" },
    version: 1,
  });
  const id = (await listed()).find(({ name }) => name === "animal")?.id;
  const byId = made(await graph.createFromTemplate({ template: id, name: "Ant", parameters: { animal: "ant", legs: 6 }, activate: false }));
  expect(byId).toMatchObject({ status: "DRAFT", instructions: "You are a ant with 6 legs." });
});

test.each([
  ["assistant", {}, { instructions: expect.stringContaining("language of the user"), capabilities: [] }],
  [
    "assistant",
    { tone: "formal", language: "Português (Brasil)", expertise: "tax law" },
    { instructions: expect.stringMatching(/tax law[^]*Português \(Brasil\)/) },
  ],
  [
    "analyst",
    { decimals: 0, currency: "EUR" },
    { instructions: expect.stringMatching(/to 0 decimals[^]*EUR/), capabilities: [{ name: "time.now" }, { name: "math.evaluate" }] },
  ],
  [
    "support",
    { company: "Acme", escalationContact: "ops@acme.example", tone: "plain" },
    { instructions: expect.stringMatching(/Acme[^]*ops@acme\.example/), capabilities: [{ name: "time.now" }, { name: "message.send" }] },
  ],
])("the shipped template %s with %j makes an agent that lacks nothing", async (template, given, expected) => {
  const agent = made(
    await graph.createFromTemplate({ template, name: `From ${template} ${JSON.stringify(given)}`.slice(0, 100), parameters: given }),
  );
  expect(agent).toMatchObject({ ...expected, missingCapabilities: [], template: { name: template } });
});

test.each([
  ["a missing parameter", "support", { company: "Acme" }, [["input", "parameters", "escalationContact"]]],
  ["an unknown parameter", "assistant", { mood: "good" }, [["input", "parameters"]]],
  ["a wrong value", "assistant", { tone: "rude" }, [["input", "parameters", "tone"]]],
  [
    "two wrong values",
    "analyst",
    { decimals: -1, currency: "euro" },
    [
      ["input", "parameters", "decimals"],
      ["input", "parameters", "currency"],
    ],
  ],
  ["parameters that are no object", "assistant", "formal", [["input", "parameters"]]],
])("%s is refused and nothing is written", async (_, template, given, paths) => {
  const before = await counts(app);
  const result = await graph.createFromTemplate({ template, name: "Refused", parameters: given, idempotencyKey: "refused" });
  expect(result).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT" });
  expect(result.issues?.map(({ path }) => path)).toEqual(paths);
  expect(await counts(app)).toEqual(before);
});

test("an unknown template, a blank name and a template that builds what is not valid are refused", async () => {
  const before = await counts(app);
  expect(await graph.createFromTemplate({ template: "robot", name: "X" })).toMatchObject({
    __typename: "NotFoundError",
    path: ["input", "template"],
    message: expect.stringContaining("analyst, animal, assistant"),
  });
  expect(await graph.createFromTemplate({ template: "assistant", name: " " })).toMatchObject({
    __typename: "InvalidInputError",
    path: ["input", "name"],
  });
  expect(await graph.createFromTemplate({ template: "broken", name: "X" })).toMatchObject({
    __typename: "InvalidInputError",
    path: ["input", "template", "options", "temperature"],
  });
  expect(await counts(app)).toEqual(before);
});

test("the same key makes one agent", async () => {
  const input = { template: "assistant", name: "Once", idempotencyKey: "t1" };
  const { id } = made(await graph.createFromTemplate(input));
  expect(made(await graph.createFromTemplate(input)).id).toBe(id);
  expect(await graph.createFromTemplate({ ...input, parameters: { tone: "formal" } })).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
});

test("a restored agent of a template keeps its template", async () => {
  made(await graph.createFromTemplate({ template: "assistant", name: "Kept" }, ada));
  made(await graph.update({ agent: { name: "Kept" }, instructions: "Other." }));
  expect(made(await graph.restore({ name: "Kept" }, 1)).template).toEqual({ name: "assistant" });
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin, skills } from "../../../src/core/index.ts";
import { agents, capabilities, crewai, example, langchain, langgraph, models, openai } from "../../../src/plugins/index.ts";
import { modelBindings } from "../../../src/plugins/models/contract.ts";
import { createSimulatedFetch } from "../../../src/plugins/simulated/wire/fetch.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { finished, shop, tool } from "./play.ts";

/** What models were asked, as it went over the wire. */
const asked: string[] = [];

/** A model that answers anything, over the wire protocol of the real ones. */
const ear = definePlugin({
  id: "ear",
  setup: ({ contribute }) => {
    const answer = createSimulatedFetch({ tokensPerSecond: 0, answer: () => ({ text: "Heard.", toolCalls: [], finish: "stop" }) });
    contribute(modelBindings, "ear", {
      provider: "ear",
      provenance: "SIMULATED",
      api: "chat",
      baseURL: "http://ear.invalid/v1",
      apiKey: () => "none",
      fetch: async (input, init) => {
        const request = new Request(input, init);
        asked.push(await request.clone().text());
        return answer(request);
      },
      timeoutMs: 10_000,
      models: ["default"],
      otherModels: "allowed",
      defaultModel: "default",
    });
    return {};
  },
});

const skill = (name: string, instructions: string, tools: readonly string[]) =>
  contribution(skills, name, { name, description: `Of ${name}.`, instructions, tools });
const craft = definePlugin({
  id: "craft",
  contributes: [
    skill("craft.joinery", "Measure twice, cut once.", ["shop.saw", "shop.plane"]),
    skill("craft.finish", "Sand with the grain.", ["shop.saw", "shop.gone"]),
  ],
});

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({
    plugins: [
      models({ default: "ear", bindings: {} }),
      ear(),
      capabilities(),
      agents(),
      example(),
      openai(),
      langchain(),
      langgraph(),
      crewai({ engine: "typescript" }),
      shop(tool("shop.saw"), tool("shop.plane")),
      craft(),
    ],
  });
});
afterAll(() => app.close());

async function create(name: string, framework: string, names: readonly string[]): Promise<void> {
  const { createAgent } = await app.graphql<{ createAgent: { __typename: string } }>(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ... on UserError { message } } }",
    { input: { name, framework, instructions: "You are a joiner.", capabilities: names } },
  );
  expect(createAgent).toEqual({ __typename: "CreateAgentPayload" });
}

/** The one thing that the model was asked in a run of the agent. */
async function wireOf(agent: string): Promise<{ readonly system: string; readonly tools: string }> {
  asked.length = 0;
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
    'mutation ($agent: String!) { startRun(input: { target: { agent: { name: $agent } }, text: "Hello." }) { ... on StartRunPayload { run { id } } } }',
    { agent },
  );
  expect(await finished(app, startRun.run.id)).toMatchObject({ status: "SUCCEEDED", text: "Heard." });
  expect(asked).toHaveLength(1);
  const { messages, tools = [] } = JSON.parse(asked[0] ?? "") as { messages: { role: string; content: unknown }[]; tools?: unknown[] };
  const system = messages.filter(({ role }) => role === "system" || role === "developer").map(({ content }) => JSON.stringify(content));
  return { system: system.join("\n"), tools: JSON.stringify(tools) };
}

describe("a skill", () => {
  it.each(["openai", "langchain", "langgraph", "crewai"])(
    "is told to the model after the agent's own instructions, with its tools, by %s",
    async (framework) => {
      await create(`joiner of ${framework}`, framework, ["craft.joinery", "craft.finish", "shop.saw"]);
      const { system, tools } = await wireOf(`joiner of ${framework}`);
      const places = ["You are a joiner.", "Measure twice, cut once.", "Sand with the grain."].map((words) => system.indexOf(words));
      expect(places[0]).toBeGreaterThanOrEqual(0);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(tools.match(/shop.saw"/g)).toHaveLength(1);
      expect(tools).toMatch(/shop.plane"/);
      expect(tools).not.toContain("gone");
    },
  );

  it("whose tool is not there shows that in its agents", async () => {
    await create("lacking", "openai", ["craft.finish", "craft.finish", "craft.none"]);
    const { agent } = await app.graphql<{ agent: unknown }>(
      '{ agent(ref: { name: "lacking" }) { missingCapabilities health { status detail } capabilities { name ... on Skill { tools { name } } } } }',
    );
    expect(agent).toMatchObject({
      missingCapabilities: ["shop.gone", "craft.none"],
      health: { detail: expect.stringContaining("shop.gone, craft.none") },
      capabilities: [{ name: "craft.finish", tools: [{ name: "shop.saw" }] }],
    });
  });

  it("ships with the example to copy", async () => {
    await create("reader", "openai", ["example.notebook"]);
    const { system, tools } = await wireOf("reader");
    expect(system).toContain("The user keeps notes.");
    expect(tools).toMatch(/example.notes"/);
  });
});

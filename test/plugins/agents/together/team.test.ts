import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents } from "../../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../../src/plugins/capabilities/index.ts";
import { models } from "../../../../src/plugins/models/index.ts";
import { simulated } from "../../../../src/plugins/simulated/index.ts";
import { testPlatform, type TestPlatform } from "../../../../src/testing/index.ts";
import { frameworks } from "../../../conformance/frameworks.ts";
import { ada, made, mutations } from "../fixture.ts";
import { finished, started, treeOf, until } from "./fixture.ts";

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({
    plugins: [
      models({ bindings: { openai: {} } }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      ...[...frameworks.values()].map((factory) => factory()),
    ],
  });
});
afterAll(() => app.close());

const frameworkOf = async (name: string): Promise<unknown> =>
  (await app.graphql<{ agent: unknown }>("query ($name: String!) { agent(ref: { name: $name }) { frameworkId status } }", { name }, ada))
    .agent;

describe.each([...frameworks.keys()])("on %s", (framework) => {
  it("a research team is made of one template, and its members answer with no key", async () => {
    const researcher = `Finder on ${framework}`;
    const critic = `Critic on ${framework}`;
    const name = `Team on ${framework}`;
    const parameters = { subject: "weaving", researcher, critic, framework };
    const lead = made(await mutations(app).createFromTemplate({ template: "research-team", name, parameters }));
    expect(lead).toMatchObject({ frameworkId: framework, missingCapabilities: [], template: { name: "research-team" } });
    for (const member of [researcher, critic]) expect(await frameworkOf(member)).toEqual({ frameworkId: framework, status: "ACTIVE" });

    const { id } = await started(app, { name });
    const run = await until(app, id, finished);
    expect(run, JSON.stringify(run.failure)).toMatchObject({ status: "SUCCEEDED" });
    const { steps } = await treeOf(app, id);
    expect(steps.nodes.map(({ name: tool, childRun }) => [tool, childRun?.targetName, childRun?.status])).toEqual([
      [`agent.${researcher}`, researcher, "SUCCEEDED"],
      [`agent.${critic}`, critic, "SUCCEEDED"],
    ]);
    for (const member of [researcher, critic]) expect(run.text).toContain(member);
  });

  it("a supervisor asks each of its members", async () => {
    const members = [`Red on ${framework}`, `Blue on ${framework}`];
    for (const name of members) made(await mutations(app).create({ name, framework }));
    const name = `Boss on ${framework}`;
    made(await mutations(app).createFromTemplate({ template: "supervisor", name, parameters: { members, framework } }));
    const { id } = await started(app, { name });
    expect(await until(app, id, finished)).toMatchObject({ status: "SUCCEEDED" });
    const { steps } = await treeOf(app, id);
    expect(steps.nodes.map(({ childRun }) => childRun?.targetName)).toEqual(members);
  });
});

it("members that are there already stay as they are, and wrong parameters make nothing", async () => {
  const mine = made(await mutations(app).create({ name: "Mine", framework: "openai", instructions: "I am mine." }));
  made(
    await mutations(app).createFromTemplate({
      template: "research-team",
      name: "Mixed",
      parameters: { researcher: "Mine", critic: "New" },
    }),
  );
  expect(made(await mutations(app).update({ agent: { name: "Mine" } }))).toMatchObject({
    id: mine.id,
    version: 1,
    instructions: "I am mine.",
  });
  expect(await frameworkOf("New")).toMatchObject({ frameworkId: "openai" });

  const same = { template: "research-team", name: "Same", parameters: { researcher: "X", critic: "X" } };
  expect(await mutations(app).createFromTemplate(same)).toMatchObject({ __typename: "InvalidInputError" });
  const odd = { template: "research-team", name: "Odd", parameters: { researcher: "Y", framework: "nowhere" } };
  expect(await mutations(app).createFromTemplate(odd)).toMatchObject({ code: "FRAMEWORK_UNKNOWN" });
  for (const name of ["Same", "Odd", "X", "Y"]) expect(await frameworkOf(name)).toBeNull();
});

it("a lead is no member of its own team, members are named as all agents are, and each is a member once", async () => {
  const refused: readonly (readonly [name: string, template: string, parameters: object])[] = [
    ["Researcher", "research-team", {}],
    [" Head ", "research-team", { critic: "Head" }],
    ["Head", "supervisor", { members: ["Other", "Head"] }],
    ["Head", "research-team", { researcher: "two\nlines" }],
  ];
  for (const [name, template, parameters] of refused)
    expect(await mutations(app).createFromTemplate({ template, name, parameters })).toMatchObject({ __typename: "InvalidInputError" });
  for (const name of ["Researcher", "Head", "Critic", "two\nlines"]) expect(await frameworkOf(name)).toBeNull();
  const parameters = { members: ["Mine", "New", " Mine "] };
  const twice = made(await mutations(app).createFromTemplate({ template: "supervisor", name: "Head", parameters }));
  expect(twice.description).toBe("Leads Mine, New.");
});

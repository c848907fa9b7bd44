import { expect, it, vi } from "vitest";
import { testViewer } from "../../src/testing/index.ts";
import { testModel } from "../plugins/crewai/model.ts";
import { Theatre } from "../plugins/crewai/play.ts";
import { pythonCrewai } from "./python.ts";

const create = "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }";
const start =
  "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }";

it("a viewer with many runs does not keep Python from another", async () => {
  const letGo: (() => void)[] = [];
  await using provider = await testModel(() => new Promise((said) => letGo.push(() => said("Said."))));
  await using theatre = await Theatre.open(pythonCrewai({ maxWorkers: 1 }), provider.baseURL);
  for (const name of ["greedy", "ada"]) {
    const agents = { a: { role: name, goal: "Speak", backstory: "Loud." } };
    const crew = { agents, tasks: [{ description: "Speak.", expected_output: "A word.", agent: "a" }] };
    await theatre.app.graphql(create, { input: { name, framework: "crewai", options: { crew } } }, testViewer(name));
  }
  const begin = (name: string) => theatre.app.graphql(start, { input: { target: { agent: { name } }, text: "Go." } }, testViewer(name));
  const asked = (): string[] => provider.asked.map(({ role }) => role);

  for (let each = 0; each < 3; each++) await begin("greedy");
  await vi.waitFor(() => expect(asked()).toEqual(["greedy"]), { timeout: 60_000 });
  await begin("ada");
  for (const turn of [2, 3, 4]) {
    // The run that came last waits for its place by then.
    await new Promise((resolve) => setTimeout(resolve, 300));
    letGo.shift()?.();
    await vi.waitFor(() => expect(asked()).toHaveLength(turn), { timeout: 60_000 });
  }
  expect(asked()).toEqual(["greedy", "ada", "greedy", "greedy"]);
  letGo.shift()?.();
});

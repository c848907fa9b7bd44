import { expect, it } from "vitest";
import { agents, auth, capabilities, models, simulated } from "../../src/plugins/index.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { frameworks } from "./frameworks.ts";

interface Answer {
  readonly result: { readonly __typename: string; readonly message?: string; readonly run?: { readonly id: string } };
}

it("an agent moves between frameworks by one field: its options, tools and schema go with it, and each answers", async () => {
  await using app = await testPlatform({
    plugins: [
      auth(),
      models(),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      agents(),
      [...frameworks.values()].map((make) => make()),
    ],
  });
  const mutate = async (mutation: string, input: object): Promise<Answer["result"]> => {
    const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}`;
    const payload = mutation === "startRun" ? `... on StartRunPayload { run { id } }` : "";
    const query = `mutation ($input: ${type}Input!) { result: ${mutation}(input: $input) { __typename ${payload} ... on UserError { message } } }`;
    return (await app.graphql<Answer>(query, { input })).result;
  };
  const [first = "", ...others] = frameworks.keys();
  const options = { maxSteps: 8, temperature: 0.5, maxOutputTokens: 500 };
  const made = { name: "Mover", framework: first, instructions: "Be brief.", capabilities: ["math.evaluate"], options };
  expect(await mutate("createAgent", made)).toMatchObject({ __typename: "CreateAgentPayload" });
  expect(others.length).toBeGreaterThan(2);
  for (const framework of [first, ...others, first]) {
    expect(await mutate("updateAgent", { agent: { name: "Mover" }, framework })).toEqual({ __typename: "UpdateAgentPayload" });
    const started = await mutate("startRun", { target: { agent: { name: "Mover" } }, text: "What does math.evaluate say to 17 * 23?" });
    const query = "query ($id: ID!) { run(id: $id) { status text failure { code message } } }";
    let run = { status: "QUEUED", text: null as string | null };
    while (!["SUCCEEDED", "FAILED"].includes(run.status)) {
      run = (await app.graphql<{ run: typeof run }>(query, { id: started.run?.id })).run;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([framework, run]).toMatchObject([framework, { status: "SUCCEEDED", text: expect.stringContaining("391") }]);
  }
});

import { expect, it } from "vitest";
import { contribution, definePlugin, tools } from "#weftline";
import { budget, decide, until } from "./desk.ts";
import { ada, agent, play, world } from "./world.ts";

const careful = definePlugin({
  id: "careful",
  contributes: [
    contribution(tools, "careful.pay", {
      name: "careful.pay",
      description: "Pays.",
      inputSchema: { type: "object" },
      sideEffects: "EXTERNAL",
      approval: "ALWAYS",
      idempotent: false,
      timeoutMs: 5_000,
      execute: () => "paid",
    }),
  ],
});

it("a budget that is used up refuses whatever asks for new work, and a decision that would, so that it can be made later", async () => {
  await using here = await world({ more: [careful()] });
  await agent(here, { name: "Mole", model: "own/mole" });
  const ask = async (query: string, variables: Record<string, unknown>): Promise<Record<string, unknown>> =>
    (await here.app.graphql<{ result: Record<string, unknown> }>(query, variables, ada)).result;
  const failure = "__typename ... on BudgetExceededError { code path budget { scope } }";
  const { thread } = (await ask(
    `mutation { result: createThread(input: { title: "Talk", agent: { name: "Mole" } }) { ... on CreateThreadPayload { thread { id } } ... on UserError { message } } }`,
    {},
  )) as { thread: { id: string } };
  const send = `mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ${failure} ... on SendMessagePayload { run { id } } } }`;
  const sent = (await ask(send, { input: { thread: thread.id, text: "Hello." } })) as { run: { id: string } };
  expect((await until(here, sent.run.id, ["SUCCEEDED", "FAILED"])).status).toBe("SUCCEEDED");
  const alone = await play(here, { target: { agent: { name: "Mole" } } });
  const { thread: talk } = await here.app.graphql<{ thread: { messages: { nodes: { id: string }[] } } }>(
    `query ($id: ID!) { thread(id: $id) { messages(last: 1) { nodes { id } } } }`,
    { id: thread.id },
    ada,
  );
  const call = `mutation { result: callTool(name: "careful.pay", arguments: {}) { ${failure} ... on CallToolPayload { run { id } } } }`;
  const called = (await ask(call, {})) as { run: { id: string } };
  await until(here, called.run.id, ["WAITING"]);
  const { interrupts } = await here.app.graphql<{ interrupts: { nodes: { id: string; argumentsHash: string }[] } }>(
    "{ interrupts { nodes { id argumentsHash } } }",
    {},
    ada,
  );
  const [question] = interrupts.nodes;

  const { id } = await budget(here, { tokenLimit: 10 });
  const refused = { __typename: "BudgetExceededError", code: "BUDGET_EXCEEDED", budget: { scope: "TENANT" } };
  const approve = `mutation ($input: DecideInterruptInput!) { result: decideInterrupt(input: $input) { ${failure} } }`;
  const decision = { input: { interrupt: question?.id, kind: "APPROVE", argumentsHash: question?.argumentsHash } };
  expect(await ask(send, { input: { thread: thread.id, text: "More." } })).toMatchObject(refused);
  expect(await ask(call, {})).toMatchObject(refused);
  expect(await ask(approve, decision)).toMatchObject(refused);
  expect(await ask(`mutation ($run: ID!) { result: retryRun(input: { run: $run }) { ${failure} } }`, { run: alone.id })).toMatchObject(
    refused,
  );
  expect(
    await ask(`mutation ($m: ID!) { result: regenerateMessage(message: $m) { ${failure} } }`, { m: talk.messages.nodes[0]?.id }),
  ).toMatchObject(refused);
  expect(here.provider.seen).toHaveLength(2);

  await budget(here, { id, tokenLimit: 1_000_000 });
  expect(await ask(approve, decision)).toMatchObject({ __typename: "DecideInterruptPayload" });
  expect((await until(here, called.run.id, ["SUCCEEDED", "FAILED"])).status).toBe("SUCCEEDED");
  expect(await decide(here, question?.id ?? "", "REJECT", ada)).toMatchObject({ __typename: "ConflictError" });
});

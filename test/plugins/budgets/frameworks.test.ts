import { describe, expect, it } from "vitest";
import { crewai } from "../../../src/plugins/crewai/index.ts";
import { langchain } from "../../../src/plugins/langchain/index.ts";
import { langgraph } from "../../../src/plugins/langgraph/index.ts";
import { webhooks } from "../../../src/plugins/webhooks/index.ts";
import { budget, ended, go, localId, read, until } from "./desk.ts";
import { agent, play, world } from "./world.ts";

const crew = {
  name: "pair",
  agents: {
    writer: { role: "Writer", goal: "Write.", backstory: "You write.", llm: "own/mole" },
    editor: { role: "Editor", goal: "Edit.", backstory: "You edit.", llm: "openai/gpt-4.1" },
  },
  tasks: [
    { name: "write", description: "Write a word.", expected_output: "A word.", agent: "writer" },
    { name: "edit", description: "Edit the word.", expected_output: "A word.", agent: "editor" },
  ],
};

const frameworks = [
  { framework: "openai", options: {}, calls: 1 },
  { framework: "langchain", options: {}, calls: 1 },
  { framework: "langgraph", options: {}, calls: 1 },
  { framework: "crewai", options: { engine: "typescript" }, calls: 1 },
  { framework: "crewai", options: { engine: "typescript", crew }, calls: 2 },
] as const;

describe.each(["own/mole", "openai/gpt-4.1"])("a budget over %s", (model) => {
  it.each(frameworks)("holds what $framework asks before it does ($calls), and settles it", async ({ framework, options, calls }) => {
    await using here = await world({ more: [langchain(), langgraph(), crewai()] });
    await agent(here, { name: "One", framework, model, options });
    const { id } = await budget(here, { maxCost: { amount: "1" } });
    const run = await play(here, { target: { agent: { name: "One" } } });
    expect(run, JSON.stringify(run)).toMatchObject({ status: "SUCCEEDED" });
    expect(here.provider.seen).toHaveLength(calls);
    // Each went out with the cap of the budget, since the agent has none.
    for (const { body } of here.provider.seen) expect(body["max_tokens"] ?? body["max_output_tokens"]).toBe(16_384);
    const spent = (await read(here, id))?.spent;
    expect(spent).toMatchObject({ modelCalls: calls, inputTokens: 11 * calls, outputTokens: 7 * calls, cost: run.usage.cost });
    expect(await read(here, id)).toMatchObject({ reserved: { modelCalls: 0, cost: null } });
    expect(await here.app.platform.database.read.get("select count(*) as n from budgets_call")).toEqual({ n: 0 });

    await budget(here, { id, tokenLimit: 18 * calls + 20, maxCost: null });
    const refused = await go(here, "One");
    expect(await until(here, refused.run?.id ?? "", ended)).toMatchObject({ status: "FAILED", failure: { code: "BUDGET_EXCEEDED" } });
    expect(here.provider.seen).toHaveLength(calls);

    await budget(here, { id, tokenLimit: 18 * calls + 20, maxCost: null, onExceed: "PAUSE" });
    const paused = await go(here, "One");
    expect((await until(here, paused.run?.id ?? "", ["WAITING", ...ended])).status).toBe("WAITING");
    await budget(here, { id, tokenLimit: 10_000_000, maxCost: null, onExceed: "PAUSE" });
    expect(await until(here, paused.run?.id ?? "", ended)).toMatchObject({ status: "SUCCEEDED" });
    expect(here.provider.seen).toHaveLength(2 * calls);
  });
});

describe("a webhook", () => {
  it("hears of a run that a budget failed, and of one that asks for more", async () => {
    await using here = await world({ more: [webhooks()] });
    await agent(here, { name: "Mole", model: "own/mole" });
    const made = await here.app.graphql(
      `mutation { createWebhook(input: { name: "told", url: "https://example.com/", events: [BUDGET_EXCEEDED] }) { __typename ... on UserError { message } } }`,
      {},
      { tenantId: "test", actorId: "ada", name: "ada", roles: [] },
    );
    expect(made).toMatchObject({ createWebhook: { __typename: "CreateWebhookPayload" } });
    const { id } = await budget(here, { tokenLimit: 10 });
    const { run } = await go(here, "Mole");
    await until(here, run?.id ?? "", ended);
    await budget(here, { id, tokenLimit: 10, onExceed: "PAUSE" });
    const asking = await go(here, "Mole");
    await until(here, asking.run?.id ?? "", ["WAITING"]);
    const told = await here.app.platform.database.read.all<{ event: string; body: string }>(
      "select event, body from webhooks_delivery order by created_at",
    );
    expect(told.map(({ event }) => event)).toEqual(["BUDGET_EXCEEDED", "BUDGET_EXCEEDED"]);
    expect(told.map(({ body }) => (JSON.parse(body) as { data: { run: string } }).data.run).map(localId)).toEqual(
      [run?.id, asking.run?.id].map((each) => localId(each ?? "")),
    );
  });
});

import { describe, expect, it } from "vitest";
import { sumUsage } from "../../../src/core/runs/metering/fold.ts";
import { ada, agent, bob, look, play, root, stranger, usageFields, world, type Usage, type World } from "./world.ts";

// gpt-4.1 is 2, 0.50 (cached) and 8 dollars a million tokens; an answer is 8 + 3 cached tokens read and 7 written.
const oneCall = { amount: "0.0000735", currency: "USD", priceSource: "genai-prices" };

async function usage({ app }: World, args = "", viewer = ada): Promise<Usage> {
  return (await app.graphql<{ usage: Usage }>(`{ usage${args} ${usageFields} }`, {}, viewer)).usage;
}

interface ByKey {
  readonly key: string;
  readonly name: string | null;
  readonly node: { readonly __typename: string } | null;
  readonly usage: Usage;
}

async function usageBy({ app }: World, args: string, viewer = ada): Promise<ByKey[]> {
  const query = `{ usageBy(${args}) { nodes { key name node { __typename } usage ${usageFields} } } }`;
  return (await app.graphql<{ usageBy: { nodes: ByKey[] } }>(query, {}, viewer)).usageBy.nodes;
}

describe("what a run cost", () => {
  it("is exact by the packaged table, null where no price is known, configured where it is one's own, and nothing where it was simulated", async () => {
    await using here = await world();
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    await agent(here, { name: "Unknown", model: "lab/rat" });
    await agent(here, { name: "Own", model: "own/mole" });
    await agent(here, { name: "Pretend", model: "simulated/simulated" });
    const cost = async (name: string): Promise<Usage> => (await play(here, { target: { agent: { name } } })).usage;
    expect(await cost("Listed")).toMatchObject({ modelCalls: 1, unpricedCalls: 0, cost: oneCall });
    expect(await cost("Unknown")).toMatchObject({ modelCalls: 1, unpricedCalls: 1, cost: null });
    expect(await cost("Own")).toMatchObject({ unpricedCalls: 0, cost: { amount: "0.000027", priceSource: "configuration" } });
    expect(await cost("Pretend")).toMatchObject({ unpricedCalls: 0, cost: { amount: "0", currency: "USD", priceSource: "simulated" } });
    expect(await usage(here)).toMatchObject({
      modelCalls: 4,
      unpricedCalls: 1,
      cost: { amount: "0.0001005", priceSource: "configuration, genai-prices" },
    });
  });

  it("is told by its events and its steps, too", async () => {
    await using here = await world();
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    const run = await play(here, { target: { agent: { name: "Listed" } } });
    const query = `query ($id: ID!) { run(id: $id) { steps { nodes { usage { cost { amount } } } } events(first: 100) {
      ... on UsageRecordedEvent { usage { unpricedCalls cost { amount priceSource } } } ... on RunStatusEvent { totalUsage { cost { amount } } } } } }`;
    const { run: told } = await here.app.graphql<{ run: { steps: { nodes: unknown[] }; events: Record<string, unknown>[] } }>(
      query,
      { id: run.id },
      ada,
    );
    expect(told.steps.nodes).toEqual([{ usage: { cost: { amount: oneCall.amount } } }]);
    expect(told.events.filter((event) => event["usage"] ?? event["totalUsage"])).toEqual([
      { usage: { unpricedCalls: 0, cost: { amount: oneCall.amount, priceSource: "genai-prices" } } },
      { totalUsage: { cost: { amount: oneCall.amount } } },
    ]);
  });

  it("is not made of counts that nobody can believe", async () => {
    const huge = { prompt_tokens: 5_000_000_000, completion_tokens: 7, total_tokens: 5_000_000_007 };
    await using here = await world({
      behave: (response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
        response.write(
          `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta: { content: "Hm." }, finish_reason: "stop" }] })}\n\n`,
        );
        response.end(`data: ${JSON.stringify({ ...chunk, choices: [], usage: huge })}\n\ndata: [DONE]\n\n`);
      },
    });
    await agent(here, { name: "Own", model: "own/mole" });
    expect((await play(here, { target: { agent: { name: "Own" } } })).usage).toMatchObject({ unpricedCalls: 1, cost: null });
  });
});

describe("the sums of usage", () => {
  it("are by agent, model, thread and actor, the same before and after they were folded, and end at the viewer's own", async () => {
    await using here = await world();
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    await agent(here, { name: "Own", model: "own/mole" });
    for (const name of ["Listed", "Listed", "Own"]) await play(here, { target: { agent: { name } } });
    await play(here, { target: { agent: { name: "Listed" } } }, bob);
    const seen = async (): Promise<unknown> => ({
      mine: await usage(here),
      bobs: await usage(here, "", bob),
      all: await usage(here, "(scope: TENANT)", root),
      hour: await usage(here, `(since: "${new Date(Date.now() - 3_600_000).toISOString()}")`),
      before: await usage(here, `(until: "${new Date(Date.now() - 3_600_000).toISOString()}")`),
      agents: await usageBy(here, "by: AGENT"),
      models: await usageBy(here, "by: MODEL, scope: TENANT", root),
      actors: await usageBy(here, "by: ACTOR, scope: TENANT", root),
      ofOwner: await usage(here, `(filter: { trigger: [API] })`),
    });
    const before = await seen();
    expect(before).toMatchObject({
      mine: { modelCalls: 3, cost: { amount: "0.000174" } },
      bobs: { modelCalls: 1, cost: oneCall },
      all: { modelCalls: 4, cost: { amount: "0.0002475" } },
      hour: { modelCalls: 3 },
      before: { modelCalls: 0, cost: null },
      agents: [
        { name: "Listed", node: { __typename: "Agent" }, usage: { modelCalls: 2, cost: { amount: "0.000147" } } },
        { name: "Own", usage: { modelCalls: 1 } },
      ],
      models: [
        { key: "openai/gpt-4.1", name: "openai/gpt-4.1", node: null, usage: { modelCalls: 3 } },
        { key: "own/mole", usage: { modelCalls: 1 } },
      ],
      actors: [
        { name: "ada", node: { __typename: "Actor" }, usage: { modelCalls: 3 } },
        { name: "bob", usage: { modelCalls: 1 } },
      ],
      ofOwner: { modelCalls: 3, cost: { amount: "0.000174" } },
    });
    await sumUsage(here.app.platform.database);
    expect(await here.app.platform.database.read.get("select count(*) as n from runs_usage where summed = 0")).toEqual({ n: 0 });
    expect(await seen()).toEqual(before);
    expect(await usage(here, "(scope: TENANT)", stranger)).toMatchObject({ modelCalls: 0 });
    await expect(usage(here, "(scope: TENANT)", bob)).rejects.toThrow(/Only admins/);
    await expect(usageBy(here, "by: ACTOR, scope: TENANT", bob)).rejects.toThrow(/Only admins/);
  });

  it("count a workflow's agents to the workflow, and are paged", async () => {
    await using here = await world();
    for (const name of ["One", "Two"]) await agent(here, { name, model: "openai/gpt-4.1" });
    const nodes = ["One", "Two"].map((name, at) => ({ key: `n${at}`, kind: "agent", config: { agent: { name }, text: "Go." } }));
    const { result } = await here.app.graphql<{ result: Record<string, unknown> }>(
      `mutation ($input: CreateWorkflowInput!) { result: createWorkflow(input: $input) { __typename ... on UserError { code message }
        ... on InvalidInputError { issues { path message } } } }`,
      { input: { name: "Both", nodes } },
      ada,
    );
    expect(result, JSON.stringify(result)).toMatchObject({ __typename: "CreateWorkflowPayload" });
    expect((await play(here, { target: { workflow: { name: "Both" } }, text: undefined, input: {} })).status).toBe("SUCCEEDED");
    expect(await usageBy(here, "by: WORKFLOW")).toMatchObject([
      { name: "Both", node: { __typename: "Workflow" }, usage: { modelCalls: 2 } },
    ]);
    const first = "{ usageBy(by: AGENT, first: 1) { totalCount nodes { name } pageInfo { hasNextPage endCursor } } }";
    const { usageBy: page } = await here.app.graphql<{ usageBy: { pageInfo: { endCursor: string } } }>(first, {}, ada);
    expect(page).toMatchObject({ totalCount: 2, pageInfo: { hasNextPage: true } });
    const rest = `{ usageBy(by: AGENT, first: 5, after: "${page.pageInfo.endCursor}") { nodes { name } pageInfo { hasNextPage } } }`;
    expect(await here.app.graphql(rest, {}, ada)).toMatchObject({ usageBy: { nodes: [{}], pageInfo: { hasNextPage: false } } });
  });

  it("keep the amounts of a thread that was deleted, without its links", async () => {
    await using here = await world();
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    const made = await here.app.graphql<{ result: { thread: { id: string } } }>(
      `mutation { result: createThread(input: { title: "Secret" }) { ... on CreateThreadPayload { thread { id } } } }`,
      {},
      ada,
    );
    const thread = made.result.thread.id;
    const run = await play(here, { target: { agent: { name: "Listed" } }, thread });
    expect(await usageBy(here, "by: THREAD")).toMatchObject([{ key: thread, name: "Secret", usage: { modelCalls: 1 } }]);
    await sumUsage(here.app.platform.database);
    await here.app.graphql(`mutation ($t: ID!) { deleteThread(thread: $t) { __typename } }`, { t: thread }, ada);
    expect(await usage(here)).toMatchObject({ modelCalls: 1, cost: oneCall });
    expect(await usageBy(here, "by: THREAD")).toEqual([]);
    const rows = await here.app.platform.database.read.all("select * from runs_usage");
    const local = Buffer.from(run.id, "base64url").toString().split(":").at(-1) ?? run.id;
    expect(JSON.stringify(rows)).not.toContain(local);
    const threadId = Buffer.from(thread, "base64url").toString().split(":").at(-1) ?? thread;
    expect(JSON.stringify([rows, await here.app.platform.database.read.all("select * from runs_usage_sum")])).not.toContain(threadId);
    expect(await look(here, run.id)).toBeNull();
  });
});

describe("runSeries", () => {
  it("counts runs by when they were asked for, with empty buckets and their usage", async () => {
    await using here = await world();
    await agent(here, { name: "Listed", model: "openai/gpt-4.1" });
    for (let at = 0; at < 3; at++) await play(here, { target: { agent: { name: "Listed" } } });
    const since = new Date(Date.now() - 3 * 3_600_000).toISOString();
    const series = async (args: string, viewer = ada): Promise<Record<string, unknown>[]> => {
      const query = `{ runSeries(${args}) { from runs succeeded failed p50Ms p95Ms usage ${usageFields} } }`;
      return (await here.app.graphql<{ runSeries: Record<string, unknown>[] }>(query, {}, viewer)).runSeries;
    };
    for (const folded of ["no", "yes"]) {
      if (folded === "yes") await sumUsage(here.app.platform.database);
      const hours = await series(`since: "${since}", bucket: "PT1H"`);
      expect(hours).toHaveLength(4);
      expect(hours[0]).toMatchObject({ runs: 0, p50Ms: null, usage: { modelCalls: 0, cost: null } });
      expect(hours.at(-1)).toMatchObject({ runs: 3, succeeded: 3, failed: 0, usage: { modelCalls: 3, cost: { amount: "0.0002205" } } });
      expect(hours.at(-1)?.["p50Ms"]).toEqual(expect.any(Number));
      const minutes = await series(`since: "${since}", bucket: "PT10M", filter: { rootOnly: true }`);
      expect(minutes.reduce((sum, { runs }) => sum + Number(runs), 0)).toBe(3);
      expect(minutes.reduce((sum, each) => sum + (each["usage"] as Usage).modelCalls, 0)).toBe(3);
    }
    expect((await series(`since: "${since}", bucket: "PT1H"`, bob)).every(({ runs }) => runs === 0)).toBe(true);
    expect((await series(`since: "${since}", bucket: "PT1H", scope: TENANT`, root)).at(-1)).toMatchObject({ runs: 3 });
    await expect(series(`since: "${since}", bucket: "PT1S"`)).rejects.toThrow(/At most 500/);
    await expect(series(`since: "${since}", bucket: "PT0S"`)).rejects.toThrow(/At least a second/);
    await expect(series(`since: "${since}", bucket: "PT1H", scope: TENANT`, bob)).rejects.toThrow(/Only admins/);
  });
});

import { afterEach, describe, expect, it } from "vitest";
import { beginStream, namedEvent, plainAnswers, providerServer, type Behaviour } from "../../src/testing/index.ts";
import { dataFolder, startServer, type Server } from "./server.ts";

/** An answer of 16 tokens to 11, after a while: with gpt-4.1 it costs 150 millionths of a dollar. */
const answers: Behaviour = async (response) => {
  await new Promise((resolve) => setTimeout(resolve, 150));
  const { begin, text } = plainAnswers.responses;
  const usage = { input_tokens: 11, output_tokens: 16, total_tokens: 27 };
  const end = { id: "resp_1", object: "response", status: "completed", model: "gpt-4.1", output: [], usage };
  beginStream(response);
  response.end(begin + text("Paper.") + namedEvent({ type: "response.completed", response: end }));
};

interface Seen {
  readonly budgets: {
    readonly nodes: readonly {
      readonly spent: {
        readonly modelCalls: number;
        readonly estimated: boolean;
        readonly cost: { readonly amount: string; readonly priceSource: string } | null;
      };
      readonly reserved: { readonly modelCalls: number; readonly cost: unknown };
    }[];
  };
  readonly runs: { readonly nodes: readonly { readonly status: string }[] };
  readonly usage: { readonly modelCalls: number; readonly cost: { readonly amount: string } | null };
}

const look = (server: Server): Promise<Seen> =>
  server.graphql<Seen>(`{ budgets { nodes { spent { modelCalls estimated cost { amount priceSource } } reserved { modelCalls cost { amount } } } }
    runs(first: 100) { nodes { status } } usage { modelCalls cost { amount } } }`);

const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

describe("a server that is killed while 50 runs spend a budget worth ten calls", () => {
  const open: Server[] = [];
  const data = dataFolder();
  afterEach(async () => {
    for (const server of open.splice(0)) await server.kill();
    data.remove();
  });

  it("asks its provider ten times at most, before and after, and has nothing reserved in the end", async () => {
    await using provider = await providerServer(answers);
    const boot = async (): Promise<Server> => {
      const env = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: provider.baseURL };
      const server = await startServer(data.folder, { env });
      open.push(server);
      return server;
    };
    const first = await boot();
    await first.graphql(
      `mutation ($agent: CreateAgentInput!, $budget: SetBudgetInput!) { createAgent(input: $agent) { __typename } setBudget(input: $budget) { __typename } }`,
      {
        agent: { name: "Spender", framework: "openai", model: "openai/gpt-4.1", options: { maxOutputTokens: 16, api: "responses" } },
        budget: { scope: "TENANT", maxCost: { amount: "0.0015" }, onExceed: "DENY" },
      },
    );
    const start = `mutation { startRun(input: { target: { agent: { name: "Spender" } }, text: "Go." }) { __typename ... on UserError { code message } } }`;
    const started = Array.from({ length: 50 }, () => first.graphql(start).catch(() => undefined));
    await expect.poll(() => provider.seen.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(1);
    await first.kill();
    await Promise.all(started);
    const before = provider.seen.length;

    const second = await boot();
    // What was under way is spent at once, and nothing of it is reserved any more.
    await expect
      .poll(async () => (await look(second)).runs.nodes.every(({ status }) => ended.includes(status)), { timeout: 30_000 })
      .toBe(true);
    const { budgets, usage } = await look(second);
    expect(budgets.nodes[0]?.reserved).toEqual({ modelCalls: 0, cost: null });
    expect(budgets.nodes[0]?.spent.estimated).toBe(true);
    expect(budgets.nodes[0]?.spent.cost?.priceSource).toContain("reserved");
    expect(Number(budgets.nodes[0]?.spent.cost?.amount)).toBeLessThanOrEqual(0.0015);
    expect(usage.modelCalls).toBe(budgets.nodes[0]?.spent.modelCalls);
    expect(Number(usage.cost?.amount)).toBeCloseTo(Number(budgets.nodes[0]?.spent.cost?.amount), 9);
    expect(provider.seen.length).toBeGreaterThanOrEqual(before);
    expect(provider.seen.length).toBeLessThanOrEqual(10);
  });
});

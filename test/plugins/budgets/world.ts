import { expect } from "vitest";
import type { Viewer } from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { budgets } from "../../../src/plugins/budgets/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { chat } from "../../../src/plugins/chat/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { workflows } from "../../../src/plugins/workflows/index.ts";
import {
  beginStream,
  plainAnswers,
  providerServer,
  testPlatform,
  testViewer,
  type Behaviour,
  type ProviderServer,
  type TestPlatform,
  type TestPlatformOptions,
} from "../../../src/testing/index.ts";

export const ada = testViewer("ada");
export const bob = testViewer("bob");
export const root = testViewer("root", { roles: ["admin"] });
export const stranger = testViewer("eve", { tenantId: "elsewhere", roles: ["admin"] });

/** Answers one word over whichever of OpenAI's APIs is asked: 11 tokens read, 3 of them cached, and 7 written. */
export const answers: Behaviour = (response, { path }) => {
  const { begin, text, end, done } = plainAnswers[path.endsWith("/responses") ? "responses" : "chat"];
  beginStream(response);
  response.end(begin + text("Paper.") + end + done);
};

export interface World extends AsyncDisposable {
  readonly app: TestPlatform;
  readonly provider: ProviderServer;
}

export interface WorldOptions {
  readonly behave?: Behaviour;
  readonly config?: Parameters<typeof budgets>[0];
  readonly more?: TestPlatformOptions["plugins"];
}

/** A platform with budgets, whose bindings are all answered by one server of the test: `openai` has prices, `lab` has none. */
export async function world({ behave = answers, config = {}, more = [] }: WorldOptions = {}): Promise<World> {
  const provider = await providerServer(behave);
  const { baseURL } = provider;
  const app = await testPlatform({
    plugins: [
      models({
        bindings: {
          openai: { apiKey: "sk-test", baseURL, api: "responses", models: ["gpt-4.1", "gpt-4.1-mini"] },
          lab: { baseURL, models: ["rat"] },
          own: { baseURL, models: ["mole"] },
        },
      }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      agents(),
      workflows(),
      chat(),
      budgets({ prices: { "own/*": { input: "1", output: "2.5", cachedInput: "0.5" } }, ...config }),
      more,
    ],
  });
  return {
    app,
    provider,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await provider[Symbol.asyncDispose]();
    },
  };
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly modelCalls: number;
  readonly unpricedCalls: number;
  readonly cost: { readonly amount: string; readonly currency: string; readonly priceSource: string } | null;
}

export const usageFields = "{ inputTokens outputTokens modelCalls unpricedCalls cost { amount currency priceSource } }";

/** Makes an agent as a viewer. @returns its id */
export async function agent({ app }: World, input: Record<string, unknown>, viewer: Viewer = ada): Promise<string> {
  const query = `mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) {
    ... on CreateAgentPayload { agent { id } } ... on UserError { code message } } }`;
  const { result } = await app.graphql<{ result: { agent?: { id: string } } }>(query, { input: { framework: "openai", ...input } }, viewer);
  expect(result, JSON.stringify(result)).toHaveProperty("agent");
  return result.agent?.id ?? "";
}

export interface Run {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly usage: Usage;
  readonly failure: { readonly code: string; readonly message: string; readonly fix?: string | null } | null;
}

export type Started = { readonly __typename: string; readonly run?: { readonly id: string } } & Record<string, unknown>;

/** Starts a run. @returns what the mutation said */
export async function start({ app }: World, input: Record<string, unknown>, viewer: Viewer = ada): Promise<Started> {
  const query = `mutation ($input: StartRunInput!) { result: startRun(input: $input) {
    __typename ... on StartRunPayload { run { id } } ... on UserError { code message path } } }`;
  return (await app.graphql<{ result: Started }>(query, { input }, viewer)).result;
}

export async function look({ app }: World, id: string, viewer: Viewer = ada): Promise<Run> {
  const query = `query ($id: ID!) { run(id: $id) { id status text usage ${usageFields} failure { code message } } }`;
  return (await app.graphql<{ run: Run }>(query, { id }, viewer)).run;
}

const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

/** Starts a run and sees it to its end. */
export async function play(here: World, input: Record<string, unknown>, viewer: Viewer = ada): Promise<Run> {
  const started = await start(here, { text: "Go.", ...input }, viewer);
  expect(started, JSON.stringify(started)).toHaveProperty("run");
  for (let tries = 0; tries < 1_000; tries++) {
    const run = await look(here, started.run?.id ?? "", viewer);
    if (ended.includes(run.status)) return run;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("It does not end.");
}

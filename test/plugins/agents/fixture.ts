import { z } from "zod";
import {
  definePlugin,
  runtimes,
  type AgentRuntime,
  type RuntimeFeatures,
  type RuntimeStatus,
  type RunEventBody,
  type Viewer,
} from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";

export const options = z.strictObject({
  temperature: z.number().min(0).max(2).default(1),
  style: z.strictObject({ loud: z.boolean() }).optional(),
});

/** How the framework of a test behaves; changed while it runs. */
export interface Script {
  status: RuntimeStatus;
  features: RuntimeFeatures;
  /** What a turn does; says one message by default. */
  turn: AgentRuntime["stream"];
}

const all: RuntimeFeatures = {
  streaming: true,
  tools: true,
  interrupts: true,
  resume: true,
  steps: true,
  state: true,
  structuredOutput: true,
  usage: true,
};

async function* say(): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: "m" };
  yield { kind: "message.delta", message: "m", part: 0, channel: "TEXT", text: "Paper." };
  yield { kind: "usage.recorded", provider: "paper", model: "a4", inputTokens: 10, outputTokens: 5 };
  yield { kind: "message.finished", message: "m", status: "COMPLETE" };
}

export function script(part: Partial<Script> = {}): Script {
  return { status: { mode: "LIVE" }, features: all, turn: say, ...part };
}

/** A framework as a third party would bring it. */
export function framework(id: string, play: Script = script()) {
  const runtime: AgentRuntime = {
    id,
    get features() {
      return play.features;
    },
    options,
    optionsSchema: z.toJSONSchema(options, { io: "input" }),
    status: () => play.status,
    models: () => [],
    stream: (request, ctx) => play.turn(request, ctx),
  };
  return definePlugin({
    id,
    kind: "FRAMEWORK",
    setup: ({ contribute }) => {
      contribute(runtimes, id, runtime);
      return {};
    },
  })();
}

/** Frameworks `paper` and `stone`, models with a key and without, and all that agents need. */
export function agentsPlatform(
  play: Script = script(),
  more: Parameters<typeof testPlatform>[0]["plugins"] = [],
  dataDir?: string,
): Promise<TestPlatform> {
  return testPlatform({
    ...(dataDir === undefined ? {} : { dataDir }),
    plugins: [
      models({ bindings: { openai: {}, lab: { baseURL: "http://127.0.0.1:1/v1", models: ["rat"] } }, default: "lab" }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      framework("paper", play),
      framework("stone"),
      agents({ templateFramework: "paper" }),
      more,
    ],
  });
}

export const ada = testViewer("ada");
export const bob = testViewer("bob");
export const root = testViewer("root", { roles: ["admin"] });
export const stranger = testViewer("eve", { tenantId: "elsewhere" });

export const agentFields = `id name description status frameworkId model instructions options outputSchema version missingCapabilities
  memory { recall scopes limit } capabilities { name kind } owner { name self } template { name }`;

export interface AgentData {
  id: string;
  name: string;
  description: string | null;
  status: string;
  frameworkId: string;
  model: string | null;
  instructions: string | null;
  options: Record<string, unknown>;
  outputSchema: Record<string, unknown> | null;
  version: number;
  missingCapabilities: string[];
  memory: { recall: boolean; scopes: string[]; limit: number };
  capabilities: { name: string; kind: string }[];
  owner: { name: string; self: boolean };
  template: { name: string } | null;
}

export interface Outcome {
  __typename: string;
  agent?: AgentData;
  code?: string;
  message?: string;
  path?: string[];
  issues?: { path: string[]; message: string }[];
}

const outcome = (name: string): string => `__typename ... on ${name}Payload { agent { ${agentFields} } }
  ... on UserError { code message path } ... on InvalidInputError { issues { path message } }`;

/** Each mutation of agents, by its name without `Agent`, as a viewer; ada by default. */
export function mutations(app: TestPlatform) {
  const run = async (query: string, variables: Record<string, unknown>, viewer: Viewer): Promise<Outcome> =>
    (await app.graphql<{ result: Outcome }>(query, variables, viewer)).result;
  const withInput =
    (field: string, type: string) =>
    (input: Record<string, unknown>, viewer: Viewer = ada) =>
      run(`mutation ($input: ${type}Input!) { result: ${field}(input: $input) { ${outcome(type)} } }`, { input }, viewer);
  const withAgent =
    (field: string) =>
    (agent: Record<string, unknown>, viewer: Viewer = ada) =>
      run(
        `mutation ($agent: AgentRef!) { result: ${field}(agent: $agent) { ${outcome(field.charAt(0).toUpperCase() + field.slice(1))} } }`,
        { agent },
        viewer,
      );
  return {
    create: withInput("createAgent", "CreateAgent"),
    createFromTemplate: withInput("createAgentFromTemplate", "CreateAgentFromTemplate"),
    update: withInput("updateAgent", "UpdateAgent"),
    start: withAgent("startAgent"),
    archive: withAgent("archiveAgent"),
    stop: (agent: Record<string, unknown>, mode: string | undefined, viewer: Viewer = ada) =>
      run(
        `mutation ($agent: AgentRef!, $mode: StopMode) { result: stopAgent(agent: $agent, mode: $mode) { ${outcome("StopAgent")} } }`,
        { agent, ...(mode ? { mode } : {}) },
        viewer,
      ),
    restore: (agent: Record<string, unknown>, version: number, viewer: Viewer = ada) =>
      run(
        `mutation ($agent: AgentRef!, $version: Int!) {
          result: restoreAgentVersion(agent: $agent, version: $version) { ${outcome("RestoreAgentVersion")} } }`,
        { agent, version },
        viewer,
      ),
  };
}

/** The agent of a payload. */
export function made({ agent, ...rest }: Outcome): AgentData {
  if (!agent) throw new Error(`No agent: ${JSON.stringify(rest)}`);
  return agent;
}

/** How many rows there are of agents and of their versions. */
export async function counts(app: TestPlatform): Promise<{ agents: number; versions: number; keys: number }> {
  const count = async (table: string): Promise<number> =>
    (await app.platform.database.read.get<{ n: number }>(`select count(*) as n from ${table}`))?.n ?? -1;
  return { agents: await count("agents_agent"), versions: await count("agents_version"), keys: await count("platform_idempotency_key") };
}

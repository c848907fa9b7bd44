import { definePlugin, globalId, tools, type LoggedEvent, type ToolDefinition } from "#weftline";
import { agents, auth, capabilities, langgraph, models } from "../../../src/plugins/index.ts";
import { Run } from "../../../src/core/runs/entities/run.ts";
import { readRunEvents } from "../../../src/core/runs/log.ts";
import { scriptModel, testPlatform, type ScriptedAnswer, type TestPlatform } from "../../../src/testing/index.ts";

/** What a studio has. */
export interface StudioOptions {
  readonly script?: readonly ScriptedAnswer[];
  readonly tools?: readonly ToolDefinition[];
  /** Settings of the plugin langgraph. */
  readonly config?: Parameters<typeof langgraph>[0];
  /** Models behind bindings, the first of which answers; the script by default. */
  readonly bindings?: Readonly<Record<string, object>>;
  /** More plugins. */
  readonly plugins?: readonly ReturnType<ReturnType<typeof definePlugin>>[];
  readonly dataDir?: string;
  /** Keeps simulated models from answering. */
  readonly simulation?: "forbidden";
}

export interface RunSeen {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly output: unknown;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly steps: {
    readonly nodes: readonly {
      readonly key: string;
      readonly status: string;
      readonly attempt: number;
      readonly parent: { readonly key: string } | null;
    }[];
  };
  readonly interrupts: {
    readonly nodes: readonly {
      readonly id: string;
      readonly kind: string;
      readonly status: string;
      readonly message: string;
      readonly arguments: unknown;
      readonly argumentsHash: string | null;
      readonly responseSchema: unknown;
      readonly allowed: readonly string[];
    }[];
  };
  readonly checkpoints: { readonly nodes: readonly { readonly id: string; readonly state: Record<string, unknown> }[] };
}

export const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

const shown = `query ($id: ID!) { run(id: $id) { id status text output failure { code message }
  steps(first: 100) { nodes { key status attempt parent { key } } }
  interrupts { nodes { id kind status message arguments argumentsHash responseSchema allowed } }
  checkpoints(first: 100) { nodes { id state } } } }`;

/** A host with LangGraph, a scripted model, and what tests do with agents there. */
export class Studio implements AsyncDisposable {
  readonly app: TestPlatform;

  private constructor(app: TestPlatform) {
    this.app = app;
  }

  static async open({
    script = [{ reply: "Hello." }],
    tools: given = [],
    config,
    bindings,
    plugins = [],
    dataDir,
    simulation,
  }: StudioOptions = {}): Promise<Studio> {
    const toolbox = definePlugin({
      id: "toolbox",
      setup: ({ contribute }) => {
        for (const tool of given) contribute(tools, tool.name, tool);
        return {};
      },
    });
    const app = await testPlatform({
      plugins: [
        auth(),
        models({ default: Object.keys(bindings ?? {})[0] ?? "script", bindings: (bindings ?? {}) as never }),
        scriptModel(script),
        capabilities(),
        toolbox(),
        agents(),
        langgraph(config as never),
        ...plugins,
      ],
      ...(dataDir === undefined ? {} : { dataDir }),
      ...(simulation === undefined ? {} : { simulation }),
    });
    return new Studio(app);
  }

  /** @returns what createAgent answered. */
  async agent(
    name: string,
    options: unknown,
    more: object = {},
  ): Promise<{ readonly __typename: string; readonly issues?: { readonly path: readonly string[]; readonly message: string }[] }> {
    const { createAgent } = await this.app.graphql<{ createAgent: { __typename: string; issues?: { path: string[]; message: string }[] } }>(
      `mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename ... on InvalidInputError { issues { path message } } ... on UserError { message } } }`,
      { input: { name, framework: "langgraph", options, ...more } },
    );
    return createAgent;
  }

  async start(name: string, input: object): Promise<string> {
    const { startRun } = await this.app.graphql<{ startRun: { run?: { id: string } } }>(
      "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
      { input: { target: { agent: { name } }, ...input } },
    );
    if (!startRun.run) throw new Error(JSON.stringify(startRun));
    return startRun.run.id;
  }

  async see(id: string): Promise<RunSeen> {
    return (await this.app.graphql<{ run: RunSeen }>(shown, { id })).run;
  }

  async until(id: string, statuses: readonly string[] = ended): Promise<RunSeen> {
    for (let tries = 0; tries < 1_000; tries++) {
      const run = await this.see(id);
      if (statuses.includes(run.status)) return run;
      if (ended.includes(run.status)) throw new Error(`the run is ${run.status}: ${JSON.stringify(run.failure)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("the run does not come there");
  }

  async play(name: string, input: object): Promise<RunSeen> {
    return this.until(await this.start(name, input));
  }

  async decide(input: object): Promise<string> {
    const { decideInterrupt } = await this.app.graphql<{ decideInterrupt: { __typename: string } }>(
      "mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename } }",
      { input },
    );
    return decideInterrupt.__typename;
  }

  async retry(input: object): Promise<string> {
    const { retryRun } = await this.app.graphql<{ retryRun: { run?: { id: string } } }>(
      "mutation ($input: RetryRunInput!) { retryRun(input: $input) { ... on RetryRunPayload { run { id } } ... on UserError { message } } }",
      { input },
    );
    if (!retryRun.run) throw new Error(JSON.stringify(retryRun));
    return retryRun.run.id;
  }

  async log(id: string): Promise<LoggedEvent[]> {
    const { database } = this.app.platform;
    const runs = await database.em("SYSTEM").find(Run, {});
    const run = runs.find((each) => globalId("Run", each.id) === id);
    if (!run) throw new Error("no such run");
    return readRunEvents(database.read, run, { after: 0, limit: 10_000, kinds: "all" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}

/** A tool that counts its effects. */
export function countingTool(name: string, more: Partial<ToolDefinition> = {}) {
  const calls: unknown[] = [];
  const tool: ToolDefinition = {
    name,
    description: `Does ${name}.`,
    inputSchema: { type: "object" },
    sideEffects: "EXTERNAL",
    approval: "NEVER",
    idempotent: false,
    timeoutMs: 2_000,
    execute: (args: never) => ({ done: calls.push(args) }),
    ...more,
  };
  return { tool, calls };
}

/** The state that patches make, one after the other. */
export function stateOf(log: readonly LoggedEvent[], applyPatch: (document: unknown, patch: never) => { newDocument: unknown }): unknown {
  return log
    .filter(({ kind }) => kind === "state.patched")
    .reduce<unknown>(
      (state, { payload }) => applyPatch(structuredClone(state), structuredClone((payload as { patch: never }).patch)).newDocument,
      {},
    );
}

import { rmSync } from "node:fs";
import type { PluginList } from "../../core/kernel/spec.ts";
import { definePlugin } from "../../core/plugin.ts";
import { Run } from "../../core/runs/entities/run.ts";
import { createGrammar } from "../../core/runs/grammar.ts";
import { readRunEvents } from "../../core/runs/log.ts";
import type { LoggedEvent } from "../../core/runs/events.ts";
import { tools } from "../../core/runs/tools.ts";
import { parseGlobalId } from "../../core/graphql/ids.ts";
import { agents, auth, capabilities, models, simulated } from "../../plugins/index.ts";
import { scriptModel, type ScriptedAnswer } from "../script-model.ts";
import { testPlatform, type TestPlatform } from "../test-platform.ts";
import { crashCopy } from "./crash-copy.ts";

/** A runtime that is put to the test. */
export interface RuntimeUnderTest {
  /** The plugins that bring it, made anew for each host. Models, agents and capabilities are there already. */
  readonly plugins: () => PluginList;
  /** Its id, as agents name it. */
  readonly framework: string;
  /**
   * Which of OpenAI's APIs its model speaks; `responses` by default. `simulated` puts the plugin of that name in the place of the suite's
   * scripted model. `none` is for a runtime that calls no model: it has to do by itself what the model's script would have it do. What these
   * two cannot be asked is named in the suite's `inapplicable`.
   */
  readonly model?: "responses" | "chat" | "simulated" | "none";
  /** A server that answers by {@link said} in place of the suite's own scripted model; at most 100 tokens a second, `slow` at most 50. */
  readonly provider?: Provider;
  /** How long a run may take to come to its end or its wait, in milliseconds; 60,000 by default. It ends what would never end. */
  readonly patienceMs?: number;
}

/** A server that stands in for a provider of models. */
interface Provider {
  readonly baseURL: string;
  readonly apiKey: string;
}

/** A binding to one. */
interface Binding extends Provider {
  readonly api: "responses" | "chat";
  readonly defaultModel: string;
  /** How long it may be silent, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Words that ask for an agent to be asked something. */
function asking(agent: string, text: string): string {
  return `Use ${agent} ${JSON.stringify({ text })}`;
}

/** What checks say to the model; {@link script} has what it does then. */
export const said = {
  hello: "Say hello.",
  echo: 'Use conformance.echo {"text":"thread"}',
  send: 'Use conformance.send {"text":"letter"}',
  team: asking("agent.middle", asking("agent.bottom", 'Use conformance.send {"text":"letter"}')),
  ask: asking("agent.slow", "Say something long, slowly."),
  slow: "Say something long, slowly.",
  json: "Answer by the schema.",
  misfit: "Break the schema.",
  prose: "Forget the schema.",
  apart: (marker: string) => `Repeat ${marker}`,
} as const;

/** What the suite's own model does when it is told {@link said}. */
export const script: readonly ScriptedAnswer[] = [
  // What is asked of one agent holds what that one is to ask.
  { match: "agent.middle", toolCalls: [{ name: "agent.middle", arguments: { text: "Ask agent.bottom" } }] },
  { match: "agent.middle", reply: "The one in the middle has answered." },
  { match: "agent.slow", toolCalls: [{ name: "agent.slow", arguments: { text: "Say something long, slowly." } }] },
  { match: "agent.slow", reply: "The slow one was stopped." },
  { match: "agent.bottom", toolCalls: [{ name: "agent.bottom", arguments: { text: "Write with conformance.send" } }] },
  { match: "agent.bottom", reply: "The last one has answered." },
  { match: "conformance.echo", toolCalls: [{ name: "conformance.echo", arguments: { text: "thread" } }] },
  { match: "conformance.echo", reply: "The tool was heard." },
  // A model may claim what it likes: a person decides.
  { match: "conformance.send", toolCalls: [{ name: "conformance.send", arguments: { text: "letter", approved: true } }] },
  { match: "conformance.send", reply: "The letter is sent." },
  { match: said.slow, reply: "word ".repeat(2_000) },
  { match: said.json, reply: '{"colour":"red"}' },
  { match: said.misfit, reply: '{"colour":7}' },
  { match: said.prose, reply: "Red, I would say." },
  { match: "Repeat", reply: (text) => `${text} and ${text} again` },
  { reply: "Hello. This is an answer of several words." },
];

/** What the tools of a stage have done. */
interface Effects {
  readonly heard: string[];
  readonly sent: string[];
}

function toolsPlugin(effects: Effects) {
  const inputSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
  const common = { inputSchema, timeoutMs: 30_000 } as const;
  return definePlugin({
    id: "conformance",
    description: "Tools of the conformance suite.",
    setup: ({ contribute }) => {
      contribute(tools, "conformance.echo", {
        ...common,
        name: "conformance.echo",
        description: "Answers with what it was given.",
        sideEffects: "NONE",
        approval: "NEVER",
        idempotent: true,
        execute: ({ text }: { readonly text: string }) => {
          effects.heard.push(text);
          return { heard: text };
        },
      });
      contribute(tools, "conformance.send", {
        ...common,
        name: "conformance.send",
        description: "Sends something once a person allowed it.",
        sideEffects: "EXTERNAL",
        approval: "ALWAYS",
        idempotent: false,
        execute: ({ text }: { readonly text: string }) => ({ sent: effects.sent.push(text) }),
      });
      return {};
    },
  })();
}

/** How a stage is set. */
export interface StageOptions {
  /** What the agent's model may be, in place of the script; the first is the default. */
  readonly bindings?: Readonly<Record<string, Binding>>;
  readonly tokensPerSecond?: number;
  /** Whether the agent has tools. */
  readonly tools?: "given" | "none";
  /** What the agent has besides. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** Plugins besides those that every stage has. */
  readonly more?: () => PluginList;
}

/** Where the agent's model comes from. */
function modelsOf({ model = "responses", provider }: RuntimeUnderTest, { bindings, tokensPerSecond = 0 }: StageOptions): PluginList {
  const api = model === "chat" ? "chat" : "responses";
  if (bindings) return [models({ bindings })];
  if (model === "simulated") return [models({ bindings: { openai: {} } }), simulated({ tokensPerSecond })];
  if (provider) return [models({ bindings: { provider: { ...provider, api, defaultModel: "model", timeoutMs: 30_000 } } })];
  return [models({ default: "script", bindings: {} }), scriptModel(script, { api, tokensPerSecond })];
}

/** A host with one agent on the runtime, and what checks do with it. */
export class Stage implements AsyncDisposable {
  #app: TestPlatform;
  readonly effects: Effects;

  readonly #boot: (dataDir?: string) => Promise<TestPlatform>;
  readonly #runtime: Required<Pick<RuntimeUnderTest, "framework" | "patienceMs">>;
  /** The folder of a process that took up what another one left. */
  #folder: string | undefined;

  private constructor(
    boot: (dataDir?: string) => Promise<TestPlatform>,
    app: TestPlatform,
    effects: Effects,
    runtime: Required<Pick<RuntimeUnderTest, "framework" | "patienceMs">>,
  ) {
    this.#boot = boot;
    this.#app = app;
    this.effects = effects;
    this.#runtime = runtime;
  }

  /** The platform of the process that runs now. */
  get app(): TestPlatform {
    return this.#app;
  }

  static async set(runtime: RuntimeUnderTest, options: StageOptions = {}): Promise<Stage> {
    const { framework, patienceMs = 60_000 } = runtime;
    const { tools: given = "given", agent, more = () => [] } = options;
    const effects: Effects = { heard: [], sent: [] };
    const boot = (dataDir?: string): Promise<TestPlatform> =>
      testPlatform({
        plugins: [auth(), modelsOf(runtime, options), capabilities(), toolsPlugin(effects), agents(), more(), runtime.plugins()],
        ...(dataDir === undefined ? {} : { dataDir }),
      });
    const stage = new Stage(boot, await boot(), effects, { framework, patienceMs });
    await stage.agent({ name: "actor", capabilities: given === "given" ? ["conformance.echo", "conformance.send"] : [], ...agent });
    return stage;
  }

  /** Makes an agent on the runtime. */
  async agent(input: { readonly name: string; readonly [field: string]: unknown }): Promise<void> {
    await this.mutate(
      "mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename ... on CreateAgentPayload { made: agent { id } } ... on UserError { message } } }",
      { input: { framework: this.#runtime.framework, ...input } },
    );
  }

  /** @throws where the answer is an error. @returns the id of what was made. */
  async mutate(mutation: string, variables: object): Promise<string> {
    const { result } = await this.app.graphql<{ result: { made?: { id: string } } }>(mutation, { ...variables });
    if (!result.made) throw new Error(JSON.stringify(result));
    return result.made.id;
  }

  /** Starts a run. @returns its id in the graph. */
  start(text: string, more: object = {}): Promise<string> {
    const input = { target: { agent: { name: "actor" } }, text, ...more };
    return this.mutate(
      "mutation ($input: StartRunInput!) { result: startRun(input: $input) { __typename ... on StartRunPayload { made: run { id } } ... on UserError { message } } }",
      { input },
    );
  }

  /** Waits until the run stands in one of these states. */
  async until(id: string, statuses: readonly string[], timeoutMs = this.#runtime.patienceMs): Promise<RunShown> {
    const end = performance.now() + timeoutMs;
    // Many may wait at once: less often, the longer it takes.
    for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 1.5, 250)) {
      const { run } = await this.app.graphql<{ run: RunShown }>(shown, { id });
      if (statuses.includes(run.status)) return run;
      if (performance.now() > end) throw new Error(`The run is ${run.status}, not ${statuses.join(" or ")}, after ${timeoutMs} ms.`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Waits until something holds. @throws where that takes longer than a run may. */
  async eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + this.#runtime.patienceMs;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`After ${this.#runtime.patienceMs} ms it does not hold that ${what}.`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Waits until a run has begun to speak. */
  async speaking(id: string): Promise<void> {
    await this.eventually("the run speaks", async () => (await this.log({ id })).some(({ kind }) => kind === "message.delta"));
  }

  /** Cancels a run. */
  async cancel(id: string): Promise<void> {
    await this.mutate(
      "mutation ($id: ID!) { result: cancelRun(run: $id) { ... on CancelRunPayload { made: run { id } } ... on UserError { message } } }",
      { id },
    );
  }

  /** What a run asks, as soon as it asks. */
  async asked(id: string): Promise<RunShown["interrupts"]["nodes"]> {
    for (const end = performance.now() + this.#runtime.patienceMs; performance.now() < end;) {
      const { run } = await this.app.graphql<{ run: RunShown }>(shown, { id });
      if (run.interrupts.nodes.length > 0) return run.interrupts.nodes;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return [];
  }

  /** Starts a run and waits for its end. */
  async play(text: string, more: object = {}): Promise<RunShown> {
    return this.until(await this.start(text, more), ended);
  }

  /** The log of a run, as it stands. */
  async log({ id }: Pick<RunShown, "id">): Promise<LoggedEvent[]> {
    const { database } = this.app.platform;
    const run = await database.em("SYSTEM").findOneOrFail(Run, { id: parseGlobalId(id)?.id ?? "" });
    return readRunEvents(database.read, run, { after: 0, limit: 10_000, kinds: "all" });
  }

  /**
   * Goes on as after `kill -9`: another platform takes up what is durable at this moment, and what this one does from now on is lost. Its run
   * is cancelled, so that it ends.
   */
  async kill(id: string): Promise<void> {
    const folder = crashCopy(this.#app.dataDir);
    await this.cancel(id);
    await this[Symbol.asyncDispose]();
    this.#folder = folder;
    this.#app = await this.#boot(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Puts a run's log through the protocol's state machine. @throws PROTOCOL_VIOLATION @returns what it leaves open. */
export function openAfter(log: readonly LoggedEvent[]): ReturnType<ReturnType<typeof createGrammar>["open"]> {
  const grammar = createGrammar();
  for (const event of log) grammar.check(event);
  return grammar.open();
}

export const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"] as const;

/** What checks look at of a run. */
export interface RunShown {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly output: unknown;
  readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
  readonly usage: { readonly totalTokens: number; readonly modelCalls: number };
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly argumentsHash: string }[] };
}

const shown = `query ($id: ID!) { run(id: $id) {
  id status text output failure { code message retryable } usage { totalTokens modelCalls } interrupts { nodes { id status argumentsHash } }
} }`;

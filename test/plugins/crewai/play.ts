import { vi } from "vitest";
import { definePlugin, tools, type ToolDefinition } from "#weftline";
import type { PluginEntry, PluginList } from "../../../src/core/kernel/spec.ts";
import { parseGlobalId } from "../../../src/core/graphql/ids.ts";
import { Run } from "../../../src/core/runs/entities/run.ts";
import type { LoggedEvent } from "../../../src/core/runs/events.ts";
import { createGrammar } from "../../../src/core/runs/grammar.ts";
import { readRunEvents } from "../../../src/core/runs/log.ts";
import { agents, capabilities, models } from "../../../src/plugins/index.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";

export interface Shown {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly output: unknown;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly usage: { readonly modelCalls: number };
  readonly steps: { readonly nodes: readonly ShownStep[] };
  readonly interrupts: { readonly nodes: readonly Question[] };
}

export interface ShownStep {
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly attempt: number;
  readonly error: string | null;
  readonly parent: { readonly name: string } | null;
}

export interface Question {
  readonly id: string;
  readonly status: string;
  readonly kind: string;
  readonly message: string;
  readonly toolName: string | null;
  readonly arguments: unknown;
  readonly allowed: readonly string[];
  readonly argumentsHash: string | null;
  readonly decision: { readonly kind: string; readonly reason: string | null; readonly payload: unknown } | null;
}

const fields = `id status text output failure { code message } usage { modelCalls }
  steps { nodes { name kind status attempt error parent { name } } }
  interrupts { nodes { id status kind message toolName arguments allowed argumentsHash decision { kind reason payload } } }`;

/** How many seconds a run may take: Python takes long to load. */
const patience = 120_000;

/** A host with one agent that plays a crew. */
export class Theatre implements AsyncDisposable {
  readonly app: TestPlatform;
  /** What tools were called with. */
  readonly effects: string[];

  private constructor(app: TestPlatform, effects: string[]) {
    this.app = app;
    this.effects = effects;
  }

  static async open(plugin: PluginList, baseURL: string): Promise<Theatre> {
    const effects: string[] = [];
    const binding = models({
      default: "local",
      bindings: { local: { baseURL, apiKey: "sk-theatre-secret", api: "chat", defaultModel: "m" } },
    });
    return new Theatre(await testPlatform({ plugins: [binding, capabilities(), toolsOf(effects), agents(), plugin] }), effects);
  }

  async agent(name: string, options: object, more: object = {}): Promise<void> {
    const input = { name, framework: "crewai", options, capabilities: ["test.look", "test.send", "test.break"], ...more };
    await this.mutate("createAgent", "CreateAgentInput", input, "agent { id }");
  }

  async start(agent: string, input: object): Promise<string> {
    const given = { target: { agent: { name: agent } }, ...input };
    const made = await this.mutate<{ run: { id: string } }>("startRun", "StartRunInput", given, "run { id }");
    return made.run.id;
  }

  async until(id: string, statuses: readonly string[]): Promise<Shown> {
    return vi.waitFor(
      async () => {
        const { run } = await this.app.graphql<{ run: Shown }>(`query ($id: ID!) { run(id: $id) { ${fields} } }`, { id });
        if (!statuses.includes(run.status)) throw new Error(`The run is ${run.status}: ${run.failure?.message}`);
        return run;
      },
      { timeout: patience, interval: 20 },
    );
  }

  async decide(question: Question, decision: object): Promise<void> {
    const hash = question.argumentsHash === null ? {} : { argumentsHash: question.argumentsHash };
    await this.mutate("decideInterrupt", "DecideInterruptInput", { interrupt: question.id, ...hash, ...decision }, "run { id }");
  }

  /** The pending question of a run, once there is one. */
  async question(id: string): Promise<Question> {
    return vi.waitFor(
      async () => {
        const { interrupts, status, failure } = await this.until(id, ["WAITING", ...ended]);
        const found = interrupts.nodes.find((each) => each.status === "PENDING");
        if (!found) throw new Error(`Nothing is asked; the run is ${status}: ${failure?.message}`);
        return found;
      },
      { timeout: patience, interval: 20 },
    );
  }

  /** The log of a run, by the protocol. @throws where it breaks the protocol or leaves something open */
  async log(id: string): Promise<LoggedEvent[]> {
    const { database } = this.app.platform;
    const run = await database.em("SYSTEM").findOneOrFail(Run, { id: parseGlobalId(id)?.id ?? "" });
    const log = await readRunEvents(database.read, run, { after: 0, limit: 10_000, kinds: "all" });
    const grammar = createGrammar();
    for (const event of log) grammar.check(event);
    return log;
  }

  async mutate<Made>(name: string, type: string, input: object, selection: string): Promise<Made> {
    const payload = `${name[0]?.toUpperCase()}${name.slice(1)}Payload`;
    const query = `mutation ($input: ${type}!) { result: ${name}(input: $input) { __typename ... on ${payload} { ${selection} } ... on UserError { message } } }`;
    const { result } = await this.app.graphql<{ result: { __typename: string } }>(query, { input });
    if (result.__typename !== payload) throw new Error(JSON.stringify(result));
    return result as Made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
  }
}

export const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"] as const;

function toolsOf(effects: string[]): PluginEntry {
  const tool = (name: string, approval: ToolDefinition["approval"], does: (text: string) => unknown): ToolDefinition => ({
    name,
    description: `The tool ${name}.`,
    inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
    sideEffects: approval === "ALWAYS" ? "EXTERNAL" : "NONE",
    approval,
    idempotent: approval === "NEVER",
    timeoutMs: 5_000,
    execute: ({ text }: { readonly text: string }) => {
      effects.push(`${name} ${text}`);
      return does(text);
    },
  });
  return definePlugin({
    id: "test-tools",
    description: "Tools of a test.",
    setup: ({ contribute }) => {
      contribute(
        tools,
        "test.look",
        tool("test.look", "NEVER", (text) => ({ found: `all about ${text}` })),
      );
      contribute(
        tools,
        "test.send",
        tool("test.send", "ALWAYS", (text) => ({ sent: text })),
      );
      contribute(
        tools,
        "test.break",
        tool("test.break", "NEVER", (text) => {
          throw new Error(`It broke on ${text}.`);
        }),
      );
      return {};
    },
  })();
}

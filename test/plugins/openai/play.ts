import {
  messageOf,
  type AgentRuntime,
  type ConversationMessage,
  type Logger,
  type ModelBinding,
  type Models,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type ToolDefinition,
  type ToolOutcome,
  type ToolRequest,
} from "../../../src/core/index.ts";
import { createLangChainRuntime } from "../../../src/plugins/langchain/runtime.ts";
import type { OpenAIOptions } from "../../../src/plugins/openai/options.ts";
import { openaiOptions } from "../../../src/plugins/openai/options.ts";
import { createSdkLoader } from "../../../src/plugins/openai/client.ts";
import { createOpenAIRuntime } from "../../../src/plugins/openai/runtime.ts";
import { createSimulatedFetch } from "../../../src/plugins/simulated/wire/fetch.ts";

/** A key that must turn up nowhere but in the request's header. */
export const fakeKey = "sk-weftline-test-KEEP-THIS-SECRET-0123456789";

export const apis = ["responses", "chat"] as const;

const anyModel: Pick<Models, "list" | "status"> = { list: () => [], status: () => ({ mode: "LIVE" }) };
/** Frameworks that run a turn as the plugin openai does, with the same options. */
export const runtimes: Readonly<Record<string, AgentRuntime<OpenAIOptions>>> = {
  openai: createOpenAIRuntime({ models: anyModel, load: createSdkLoader(), version: "0.0.0" }),
  langchain: createLangChainRuntime(anyModel, "0.0.0"),
};

/** A framework that runs a turn as the plugin openai does, with the same options, over one of the two APIs. */
export interface Way {
  readonly framework: string;
  readonly api: (typeof apis)[number];
}

export const ways: readonly Way[] = Object.keys(runtimes).flatMap((framework) => apis.map((api) => ({ framework, api })));

/** A binding to a server of the test. */
export function bindingTo(baseURL: string, api: "responses" | "chat", rest: Partial<ModelBinding> = {}): ModelBinding {
  return {
    id: "test",
    provider: "test",
    model: "gpt-test",
    provenance: "LIVE",
    api,
    baseURL,
    apiKey: () => fakeKey,
    timeoutMs: 5_000,
    ...rest,
  };
}

/** The simulated model without its plugin. */
export function simulatedBinding(api: "responses" | "chat", tokensPerSecond = 0): ModelBinding {
  const fetch = createSimulatedFetch({ tokensPerSecond });
  return {
    ...bindingTo("http://simulated.invalid/v1", api),
    id: "simulated",
    provider: "simulated",
    model: "default",
    provenance: "SIMULATED",
    fetch,
  };
}

export function tool(name: string, execute: (args: never) => unknown, rest: Partial<ToolDefinition> = {}): ToolDefinition {
  return {
    name,
    description: `The tool ${name}.`,
    inputSchema: { type: "object", properties: { text: { type: "string" } } },
    sideEffects: "NONE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 1_000,
    execute: execute as ToolDefinition["execute"],
    ...rest,
  };
}

export function user(text: string): ConversationMessage {
  return { role: "USER", parts: [{ type: "text", text }] };
}

/** What the engine would have heard, in one order. */
export type Heard =
  | RunEventBody
  | { readonly kind: "tool.requested"; readonly callId: string; readonly name: string; readonly message: string; readonly part: number }
  | { readonly kind: "tool.arguments"; readonly callId: string; readonly delta: string }
  | { readonly kind: "tools.called"; readonly calls: readonly ToolRequest[] };

export interface Scene {
  /** `openai` by default. */
  readonly framework?: string;
  readonly model: ModelBinding;
  readonly messages?: readonly ConversationMessage[];
  readonly say?: string;
  readonly tools?: readonly ToolDefinition[];
  readonly options?: Partial<OpenAIOptions>;
  readonly instructions?: string;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly maxSteps?: number;
  readonly signal?: AbortSignal;
  /** Stands in for the engine's own. */
  readonly callTools?: (calls: readonly ToolRequest[]) => Promise<readonly ToolOutcome[]>;
  /** Asked after each event; the consumer stops there. */
  readonly stopAt?: (heard: Heard) => boolean;
  readonly onHeard?: (heard: Heard) => void;
}

export interface Played {
  readonly heard: readonly Heard[];
  /** What the turn threw, if it did. */
  readonly error: unknown;
}

/** The adapter keeps no state of its own. */
const noCheckpoints: RunContext["checkpoints"] = {
  put: () => Promise.reject(new Error("The adapter keeps no checkpoints.")),
  putWrites: () => Promise.reject(new Error("The adapter keeps no checkpoints.")),
  get: async () => undefined,
  async *list() {},
};

const silentLog: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog };

/** Plays one turn as the engine does: one queue for what the adapter yields and for what it tells of calls. */
export async function play(scene: Scene): Promise<Played> {
  const heard: Heard[] = [];
  const note = (each: Heard): void => {
    heard.push(each);
    scene.onHeard?.(each);
  };
  const tools = scene.tools ?? [];
  const ctx: RunContext = {
    runId: "run",
    threadId: undefined,
    metered: (binding) => binding,
    owner: "tenant/owner",
    signal: scene.signal ?? new AbortController().signal,
    drain: new AbortController().signal,
    log: silentLog,
    model: scene.model,
    tools,
    limits: { maxSteps: scene.maxSteps ?? 50 },
    toolRequested: (call) => note({ kind: "tool.requested", ...call }),
    toolArguments: (callId, delta) => note({ kind: "tool.arguments", callId, delta }),
    callTools: async (calls) => {
      note({ kind: "tools.called", calls });
      return scene.callTools ? scene.callTools(calls) : Promise.all(calls.map((call) => makeCall(tools, call)));
    },
    ask: () => Promise.reject(new Error("The adapter asks nobody.")),
    checkpoints: noCheckpoints,
  };
  const request: RunRequest<OpenAIOptions> = {
    agent: { id: "agent", name: "Agent", version: 1 },
    instructions: scene.instructions,
    recalled: undefined,
    options: openaiOptions.parse(scene.options ?? {}),
    messages: scene.messages ?? [user(scene.say ?? "Hello")],
    input: null,
    outputSchema: scene.outputSchema,
  };
  const runtime = runtimes[scene.framework ?? "openai"] as AgentRuntime<OpenAIOptions>;
  try {
    for await (const body of runtime.stream(request, ctx)) {
      note(body);
      if (scene.stopAt?.(body)) break;
    }
    return { heard, error: undefined };
  } catch (error) {
    return { heard, error };
  }
}

async function makeCall(tools: readonly ToolDefinition[], call: ToolRequest): Promise<ToolOutcome> {
  const found = tools.find(({ name }) => name === call.name);
  if (!found) return { status: "ERROR", error: `There is no tool "${call.name}".` };
  try {
    const args = typeof call.arguments === "string" ? JSON.parse(call.arguments || "{}") : call.arguments;
    return { status: "SUCCESS", result: await found.execute(args as never, undefined as never) };
  } catch (error) {
    return { status: "ERROR", error: messageOf(error) };
  }
}

export function only<Kind extends Heard["kind"]>(played: Played, kind: Kind): Extract<Heard, { kind: Kind }>[] {
  return played.heard.filter((each) => each.kind === kind) as Extract<Heard, { kind: Kind }>[];
}

export function textOf(played: Played, channel: "TEXT" | "REASONING" = "TEXT"): string {
  return only(played, "message.delta")
    .filter((delta) => delta.channel === channel)
    .map((delta) => delta.text)
    .join("");
}

/** What a turn comes to, whatever the API: deltas and arguments joined, ids replaced by their order. */
export function neutral(played: Played): readonly unknown[] {
  const ids: string[] = [];
  const idOf = (callId: string): number => {
    if (!ids.includes(callId)) ids.push(callId);
    return ids.indexOf(callId);
  };
  const joined: Record<string, unknown>[] = [];
  for (const each of played.heard) {
    const last = joined.at(-1);
    if (each.kind === "message.delta" && last?.["kind"] === each.kind && last["part"] === each.part)
      last["text"] = `${String(last["text"])}${each.text}`;
    else if (each.kind === "tool.arguments" && last?.["kind"] === each.kind && last["call"] === idOf(each.callId))
      last["delta"] = `${String(last["delta"])}${each.delta}`;
    else if (each.kind === "tool.requested")
      joined.push({ kind: each.kind, call: idOf(each.callId), name: each.name, message: each.message, part: each.part });
    else if (each.kind === "tool.arguments") joined.push({ kind: each.kind, call: idOf(each.callId), delta: each.delta });
    else if (each.kind === "tools.called")
      joined.push({ kind: each.kind, calls: each.calls.map((call) => ({ ...call, callId: idOf(call.callId) })) });
    else if (each.kind === "step.finished") joined.push({ kind: each.kind, step: each.step, status: each.status });
    else if (each.kind === "message.finished") joined.push({ ...each, native: undefined });
    else joined.push({ ...each });
  }
  return joined;
}

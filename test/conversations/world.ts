import { contribution, definePlugin, tools, type ToolDefinition } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, files, models } from "../../src/plugins/index.ts";
import type { PluginEntry, PluginList } from "../../src/core/kernel/spec.ts";
import { beginStream, dataEvent, defaultViewer, providerServer, testPlatform } from "../../src/testing/index.ts";
import { frameworks } from "../conformance/frameworks.ts";

/** All frameworks that ship. */
export const everyFramework = [...frameworks.keys()];

/** One answer of the model. */
export type Scripted = { readonly say: string; readonly silent?: true } | { readonly calls: readonly ScriptedCall[] };

interface ScriptedCall {
  readonly name: string;
  readonly arguments: string;
}

/** A message as Chat Completions carries it. */
export interface WireMessage {
  readonly role: string;
  readonly content: unknown;
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[];
}

export interface WireRequest {
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> } }[];
}

/** What tests read of a run. */
export interface RunData {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly output: unknown;
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly argumentsHash: string }[] };
}

export interface CallData {
  readonly name?: string;
  readonly call?: unknown;
  readonly result?: unknown;
  readonly error?: string | null;
  readonly state?: string;
}

const ended = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];
const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const wireName = (name: string): string => name.replaceAll(/[^A-Za-z0-9_-]/g, "_");

function chunk(delta: object, finish: string | null = null): string {
  return dataEvent({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
}

function bytesOf(answer: Scripted): string {
  const end = (reason: string): string =>
    `${chunk({}, reason)}${dataEvent({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [], usage })}data: [DONE]\n\n`;
  if ("say" in answer) return chunk({ role: "assistant", content: answer.say }) + (answer.silent ? "" : end("stop"));
  const asked = answer.calls.map(({ name, arguments: args }, index) => {
    return { index, id: `call_${index}`, type: "function", function: { name: wireName(name), arguments: args } };
  });
  return chunk({ role: "assistant", content: null, tool_calls: asked }) + end("tool_calls");
}

const shown = "id status text output failure { code message } interrupts { nodes { id status argumentsHash } }";
const parts = "... on ToolCallPart { name call: arguments result error state: status }";

/** A platform with every framework, and a provider that says in each conversation what the test has it say. */
export async function conversations(own: readonly ToolDefinition[] = [], more: PluginList = [], chats: PluginEntry = chat()) {
  const scripts = new Map<string, Scripted[]>();
  const requests = new Map<string, WireRequest[]>();
  const provider = await providerServer((response, { body }) => {
    const key = String(body["model"]);
    requests.set(key, [...(requests.get(key) ?? []), body as unknown as WireRequest]);
    const answer = scripts.get(key)?.shift() ?? { say: "done" };
    beginStream(response);
    if ("silent" in answer) return void response.write(bytesOf(answer));
    response.end(bytesOf(answer));
  });
  const shelf = definePlugin({ id: "shelf", description: "Tools.", contributes: own.map((each) => contribution(tools, each.name, each)) });
  const app = await testPlatform({
    plugins: [
      auth(),
      models({ default: "mock", bindings: { mock: { baseURL: provider.baseURL, apiKey: "k", api: "chat", defaultModel: "m" } } }),
      capabilities(),
      shelf(),
      agents(),
      chats,
      files(),
      ...[...frameworks.values()].map((framework) => framework()),
      more,
    ],
    viewers: [defaultViewer],
  });
  let talks = 0;

  const mutate = async <Data>(field: string, type: string, fields: string, input: object): Promise<Data> => {
    const payload = `${field.charAt(0).toUpperCase()}${field.slice(1)}Payload`;
    const { result } = await app.graphql<{ result: Data & { readonly code?: string; readonly problem?: string } }>(
      `mutation ($input: ${type}!) { result: ${field}(input: $input) { ... on ${payload} { ${fields} } ... on UserError { code problem: message } } }`,
      { input },
    );
    return result;
  };
  const find = async (id: string): Promise<RunData> =>
    (await app.graphql<{ run: RunData }>(`query ($id: ID!) { run(id: $id) { ${shown} } }`, { id })).run;
  const until = async (id: string, statuses: readonly string[]): Promise<RunData> => {
    for (let tries = 0; tries < 2_000; tries++) {
      const run = await find(id);
      if (statuses.includes(run.status)) return run;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(`The run is ${(await find(id)).status}, not ${statuses.join(" or ")}.`);
  };

  /** Begins a conversation with an agent of its own. */
  const talk = async (framework: string, settings: Readonly<Record<string, unknown>> = {}) => {
    const key = `talk-${++talks}`;
    const capabilityNames = own.map(({ name }) => name);
    await mutate("createAgent", "CreateAgentInput", "agent { id }", {
      name: key,
      framework,
      model: `mock/${key}`,
      capabilities: capabilityNames,
      ...settings,
    });
    const made = await mutate<{ thread?: { id: string } }>("createThread", "CreateThreadInput", "thread { id }", { agent: { name: key } });
    const thread = made.thread?.id ?? "";
    /** Sends a message, to be answered so. @returns the id of its run. */
    const send = async (message: object, ...answers: readonly Scripted[]): Promise<string> => {
      scripts.set(key, [...answers]);
      const sent = await mutate<{ run?: { id: string } }>("sendMessage", "SendMessageInput", "run { id }", { thread, ...message });
      if (!sent.run) throw new Error(JSON.stringify(sent));
      return sent.run.id;
    };
    return {
      thread,
      /** The name of its model. */
      model: key,
      send,
      /** Sends a text and waits for the run's end or its wait. */
      say: async (text: string, ...answers: readonly Scripted[]) => until(await send({ text }, ...answers), ["WAITING", ...ended]),
      decide: (run: RunData, input: object) => {
        const interrupt = run.interrupts.nodes.find(({ status }) => status === "PENDING") ?? run.interrupts.nodes[0];
        return mutate<{ run?: { id: string }; code?: string }>("decideInterrupt", "DecideInterruptInput", "run { id }", {
          interrupt: interrupt?.id,
          argumentsHash: interrupt?.argumentsHash,
          ...input,
        });
      },
      /** The tool calls of the conversation, as the graph shows them. */
      calls: async (): Promise<CallData[]> => {
        type Data = { thread: { messages: { nodes: { parts: CallData[] }[] } } };
        const query = `query ($id: ID!) { thread(id: $id) { messages(last: 100) { nodes { parts { ${parts} } } } } }`;
        const { messages } = (await app.graphql<Data>(query, { id: thread })).thread;
        return messages.nodes.flatMap((message) => message.parts.filter(({ name }) => name !== undefined));
      },
      /** What the model was asked so far. */
      requests: (): readonly WireRequest[] => requests.get(key) ?? [],
    };
  };
  /** A file of the viewer's that is here. @returns its id. */
  const upload = async (name: string, mediaType: string, bytes: string): Promise<string> => {
    const input = { name, mediaType, size: Buffer.byteLength(bytes) };
    const made = await mutate<{ uploadUrl: string; file: { id: string } }>("createFile", "CreateFileInput", "uploadUrl file { id }", input);
    const headers = { "content-type": mediaType, authorization: `Bearer ${defaultViewer.actorId}` };
    const answer = await fetch(new URL(made.uploadUrl, app.url), { method: "PUT", body: bytes, headers });
    if (!answer.ok) throw new Error(await answer.text());
    return made.file.id;
  };
  return {
    app,
    talk,
    upload,
    mutate,
    until,
    end: (id: string) => until(id, ended),
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await provider[Symbol.asyncDispose]();
    },
  };
}

/** The model asks for one call. */
export function call(name: string, args: object | string = {}): Scripted {
  return { calls: [{ name, arguments: typeof args === "string" ? args : JSON.stringify(args) }] };
}

/** Everything that the model was told in a request, as one text. */
export function toldIn(request: WireRequest | undefined): string {
  return (request?.messages ?? []).map(({ content }) => (typeof content === "string" ? content : JSON.stringify(content))).join("\n");
}

export function tool(name: string, execute: (args: never) => unknown, rest: Partial<ToolDefinition> = {}): ToolDefinition {
  return {
    name,
    description: `The tool ${name}.`,
    inputSchema: { type: "object" },
    sideEffects: "NONE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 5_000,
    execute: execute as ToolDefinition["execute"],
    ...rest,
  };
}

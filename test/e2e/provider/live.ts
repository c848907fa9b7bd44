import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "graphql-ws";
import { dataFolder, startServer, type Server } from "../server.ts";

/** The provider's key: it must turn up nowhere but in the header of a request to the provider. */
export const secret = "sk-test-SECRET-0123456789-abcdefghij";

export interface Event {
  readonly seq: number;
  readonly type: string;
  readonly runId?: string;
  readonly messageId?: string;
  readonly messageStatus?: string;
  readonly supersededBy?: string | null;
  readonly text?: string;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly modelCalls: number | null;
  readonly estimated: boolean;
  readonly cost: { readonly amount: string } | null;
}

export interface Message {
  readonly id: string;
  readonly role: string;
  readonly status: string;
  readonly text: string;
  readonly provenance: string | null;
  readonly supersededBy: { readonly id: string } | null;
  readonly parts: readonly { readonly __typename: string; readonly name?: string; readonly status?: string; readonly result?: unknown }[];
}

export interface Run {
  readonly id: string;
  readonly status: string;
  readonly text: string | null;
  readonly provenance: string | null;
  readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean; readonly plugin: string | null } | null;
  readonly usage: Usage;
  readonly steps: {
    readonly nodes: readonly {
      readonly kind: string;
      readonly status: string;
      readonly attempt: number;
      readonly provenance: string | null;
      readonly usage: Usage | null;
    }[];
  };
  readonly interrupts: { readonly nodes: readonly { readonly id: string; readonly status: string; readonly argumentsHash: string }[] };
  readonly thread: { readonly messages: { readonly nodes: readonly Message[] } };
}

/** A run, what was heard of it, and what its thread shows in the end. */
export interface Exchange {
  readonly events: readonly Event[];
  readonly run: Run;
  /** Answers, oldest first, those that were replaced too. */
  readonly answers: readonly Message[];
}

/** A message that was sent, and what follows from it. */
export interface Sent {
  readonly thread: string;
  readonly run: string;
  /** Resolves with the first event of a kind, when it is heard. */
  heard(type: string): Promise<Event>;
  /** Resolves when the run has come to its end, or to a wait. */
  readonly end: Promise<Exchange>;
}

const usage = "usage { inputTokens outputTokens cachedInputTokens reasoningTokens modelCalls estimated cost { amount } }";
const runQuery = `query ($id: ID!) { run(id: $id) {
  id status text provenance failure { code message retryable plugin } ${usage}
  steps(first: 50) { nodes { kind status attempt provenance ${usage} } }
  interrupts { nodes { id status argumentsHash } }
  thread { messages(superseded: true, last: 50) { nodes {
    id role status text provenance supersededBy { id } parts { __typename ... on ToolCallPart { name status result } }
  } } }
} }`;
const eventsQuery = `subscription ($thread: ID!, $after: Int) { threadEvents(thread: $thread, after: $after) {
  seq type ... on RunEvent { runId } ... on MessageDeltaEvent { messageId text }
  ... on MessageFinishedEvent { messageId messageStatus supersededBy text } ... on ToolFinishedEvent { toolStatus result }
} }`;
const resting = ["run.finished", "run.failed", "run.cancelled", "run.expired", "run.waiting"];

/** A real server with a key, whose provider is another server of the test; it keeps all that it says. */
export class LiveServer implements AsyncDisposable {
  readonly server: Server;
  readonly #data: ReturnType<typeof dataFolder>;
  readonly #socket: Client;
  readonly #said: string[] = [];

  private constructor(server: Server, data: ReturnType<typeof dataFolder>) {
    this.server = server;
    this.#data = data;
    this.#socket = server.socket();
  }

  static async start(baseURL: string, args: readonly string[] = []): Promise<LiveServer> {
    const data = dataFolder();
    const env = { OPENAI_API_KEY: secret, OPENAI_BASE_URL: baseURL };
    return new LiveServer(await startServer(data.folder, { env, args }), data);
  }

  async graphql<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
    const data = await this.server.graphql<Data>(query, variables);
    this.#said.push(JSON.stringify(data));
    return data;
  }

  /** @returns the agent's id. */
  async agent(input: Record<string, unknown>): Promise<string> {
    const query = `mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { code message } } }`;
    const { result } = await this.graphql<{ result: { agent?: { id: string } } }>(query, { input: { framework: "openai", ...input } });
    if (!result.agent) throw new Error(JSON.stringify(result));
    return result.agent.id;
  }

  /** Says something to an agent in a thread of its own, and follows what comes of it. */
  async say(agent: string, text: string, more: Record<string, unknown> = {}): Promise<Sent> {
    const create = `mutation ($agent: ID!) { createThread(input: { agent: { id: $agent }, config: { simulatedAllowed: false } }) { ... on CreateThreadPayload { thread { id } } } }`;
    const { createThread } = await this.graphql<{ createThread: { thread: { id: string } } }>(create, { agent });
    const thread = createThread.thread.id;
    const send = `mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessagePayload { run { id } } ... on UserError { code message } } }`;
    const { result } = await this.graphql<{ result: { run?: { id: string } } }>(send, { input: { thread, text, ...more } });
    if (!result.run) throw new Error(JSON.stringify(result));
    return this.follow(thread, result.run.id);
  }

  /** Follows a run of a thread, from the first event of the thread's log by default. */
  follow(thread: string, run: string, after = 0): Sent {
    const events: Event[] = [];
    const waiting = new Map<string, PromiseWithResolvers<Event>>();
    const heard = (type: string): Promise<Event> => {
      const already = events.find((event) => event.type === type);
      if (already) return Promise.resolve(already);
      const waiter = waiting.get(type) ?? Promise.withResolvers<Event>();
      waiting.set(type, waiter);
      return waiter.promise;
    };
    const end = this.#listen(thread, after, (event) => {
      events.push(event);
      waiting.get(event.type)?.resolve(event);
      return event.runId === run && resting.includes(event.type);
    }).then(async () => ({ events, ...(await this.#show(run)) }));
    // Whoever awaits it hears of a failure; a test that failed before does not.
    end.catch(() => undefined);
    return { thread, run, heard, end };
  }

  async cancel(run: string): Promise<void> {
    await this.graphql(
      "mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { status } } ... on UserError { code } } }",
      { run },
    );
  }

  /** All that clients and the log of the server were told, and what stands in its files, once it has ended. */
  async everything(): Promise<string> {
    await this.#socket.dispose();
    await this.server.stop();
    const entries = readdirSync(this.#data.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const files = entries.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1"));
    return [...this.#said, this.server.output(), ...files].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#socket.dispose();
    await this.server.kill();
    this.#data.remove();
  }

  async #listen(thread: string, after: number, enough: (event: Event) => boolean): Promise<void> {
    for await (const { data, errors } of this.#socket.iterate<{ threadEvents: Event }>({
      query: eventsQuery,
      variables: { thread, after },
    })) {
      if (errors || !data) throw new Error(JSON.stringify(errors));
      this.#said.push(JSON.stringify(data));
      if (enough(data.threadEvents)) return;
    }
    throw new Error("The events ended before the run did.");
  }

  async #show(id: string): Promise<{ run: Run; answers: readonly Message[] }> {
    const { run } = await this.graphql<{ run: Run }>(runQuery, { id });
    return { run, answers: run.thread.messages.nodes.filter(({ role }) => role === "ASSISTANT") };
  }
}

/** Whether a key, or enough of it to be of use, stands in a text. */
export function shows(text: string, key = secret): boolean {
  return text.includes(key) || text.includes(key.slice(0, 20)) || text.includes(key.slice(-16));
}

/** The text that was heard of each message, delta by delta. */
export function heardTexts(events: readonly Event[]): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const { type, messageId = "", text = "" } of events)
    if (type === "message.delta") texts[messageId] = (texts[messageId] ?? "") + text;
  return texts;
}

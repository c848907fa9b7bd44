import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";

/** A server, a provider and a folder, each on its own: what every figure is measured on. */
export interface Bed {
  readonly url: string;
  readonly bootMs: number;
  readonly agent: string;
  graphql<Data>(query: string, variables?: object): Promise<Data>;
  socket(): Client;
  /** CPU seconds that the server has used so far. */
  cpu(): number;
  /** Resident memory of the server, in MiB. */
  memory(): number;
  thread(): Promise<string>;
  send(thread: string, text: string): Promise<string>;
  close(): void;
}

/** Waits for the first line of a child's output that matches. */
function announced(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = pattern.exec(output);
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => reject(new Error(output)));
  });
}

export async function makeBed(): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-bench-"));
  const provider = spawn(process.execPath, ["bench/provider.ts"], { stdio: ["ignore", "pipe", "inherit"] });
  const baseURL = await announced(provider, /http:\S+/);
  const started = performance.now();
  const server = spawn(process.execPath, ["src/main.ts", "--port", "0"], {
    env: { PATH: process.env["PATH"] ?? "", WEFTLINE_DATA: folder, OPENAI_API_KEY: "bench", OPENAI_BASE_URL: baseURL },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await announced(server, /http:\/\/[\d.]+:\d+\/graphql/);
  const post = async <Data>(query: string, variables: object = {}): Promise<Data> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: object[] };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  await post("{ viewer { id } }");
  const bootMs = performance.now() - started;
  const { createAgent } = await post<{ createAgent: { agent: { id: string } } }>(
    `mutation { createAgent(input: { name: "Bench", framework: "openai", model: "openai/bench", options: { api: "chat" } }) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }`,
  );
  const agent = createAgent.agent.id;
  const stat = (): string[] => readFileSync(`/proc/${server.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return {
    url,
    bootMs,
    agent,
    graphql: post,
    socket: () => createClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 }),
    cpu: () => (Number(stat()[11]) + Number(stat()[12])) / 100,
    memory: () => (Number(stat()[21]) * 4096) / 2 ** 20,
    thread: async () =>
      (
        await post<{ createThread: { thread: { id: string } } }>(
          `mutation ($agent: ID!) { createThread(input: { agent: { id: $agent } }) { ... on CreateThreadPayload { thread { id } } } }`,
          { agent },
        )
      ).createThread.thread.id,
    send: async (thread, text) =>
      (
        await post<{ sendMessage: { run: { id: string } } }>(
          `mutation ($thread: ID!, $text: String!) { sendMessage(input: { thread: $thread, text: $text }) { ... on SendMessagePayload { run { id } } } }`,
          { thread, text },
        )
      ).sendMessage.run.id,
    close: () => {
      server.kill("SIGKILL");
      provider.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** One figure beside its target. */
export interface Figure {
  readonly work: string;
  readonly ours: string;
  readonly target: string;
}

const events = `subscription ($thread: ID!, $after: Int) { threadEvents(thread: $thread, after: $after) { type ... on MessageDeltaEvent { text } } }`;

interface Watched {
  readonly type: string;
  readonly text?: string;
}

/** Sends a message and watches the answer. @returns after how long the first token came, and each delta with the time of its arrival. */
export async function converse(
  bed: Bed,
  client: Client,
  thread: string,
  text: string,
): Promise<{ firstMs: number; deltas: { at: number; text: string }[] }> {
  const source = client.iterate<{ threadEvents: Watched }>({ query: events, variables: { thread, after: null } });
  await source.next();
  const sent = performance.now();
  void bed.send(thread, text);
  const deltas: { at: number; text: string }[] = [];
  let firstMs = Number.NaN;
  for await (const { data } of source) {
    const event = data?.threadEvents;
    if (event?.type === "message.delta" && deltas.length === 0) firstMs = performance.now() - sent;
    if (event?.type === "message.delta") deltas.push({ at: Date.now(), text: event.text ?? "" });
    if (event && /^run\.(finished|failed)$/.test(event.type)) break;
  }
  return { firstMs, deltas };
}
